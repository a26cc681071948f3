#include "base/id.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool hash_eq(const struct hash *a, const struct hash *b)
{
    return !memcmp(a, b, sizeof *a);
}

int hash_cmp(const struct hash *a, const struct hash *b)
{
    return memcmp(a, b, sizeof *a);
}

bool hash_is_zero(const struct hash *h)
{
    static const struct hash zero;

    return hash_eq(h, &zero);
}

void hash_hex(const struct hash *h, char out[HASH_HEX_LEN + 1])
{
    str_hex(out, h->b, sizeof h->b);
}

bool hash_parse(struct hash *h, const char *hex, size_t len)
{
    return len == HASH_HEX_LEN && str_unhex(h->b, sizeof h->b, hex, len);
}

bool nid_eq(const struct nid *a, const struct nid *b)
{
    return !memcmp(a, b, sizeof *a);
}

int nid_cmp(const struct nid *a, const struct nid *b)
{
    return memcmp(a, b, sizeof *a);
}

bool nid_is_zero(const struct nid *n)
{
    static const struct nid zero;

    return nid_eq(n, &zero);
}

void nid_hex(const struct nid *n, char out[NID_HEX_LEN + 1])
{
    str_hex(out, n->b, sizeof n->b);
}

bool nid_parse(struct nid *n, const char *hex, size_t len)
{
    return len == NID_HEX_LEN && str_unhex(n->b, sizeof n->b, hex, len);
}

static size_t ip_len(const struct addr *a)
{
    return a->family == 6 ? 16 : a->family == 4 ? 4 : 0;
}

bool addr_same_host(const struct addr *a, const struct addr *b)
{
    return a->family == b->family && !memcmp(a->ip, b->ip, ip_len(a)) && a->scope == b->scope;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return addr_same_host(a, b) && a->port == b->port;
}

bool addr_is_link_local6(const struct addr *a)
{
    return a->family == 6 && a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX])
{
    char ip[INET6_ADDRSTRLEN] = "?", scope[16] = "", port[8] = "";

    if (a->family)
        inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->ip, ip, sizeof ip);
    if (a->family == 6 && a->scope)
        snprintf(scope, sizeof scope, "%%%u", a->scope);
    if (a->port)
        snprintf(port, sizeof port, ":%u", a->port);
    if (a->family == 6 && a->port)
        snprintf(out, ADDR_TEXT_MAX, "[%s%s]%s", ip, scope, port);
    else
        snprintf(out, ADDR_TEXT_MAX, "%s%s%s", ip, scope, port);
    return out;
}

static bool parse_port(struct addr *a, const char *text)
{
    unsigned long port = 0;
    size_t len = strlen(text);

    if (!len || len > 5 || strspn(text, "0123456789") != len)
        return false;
    port = strtoul(text, NULL, 10);
    a->port = (uint16_t)port;
    return port > 0 && port <= 65535;
}

/* Cut "%7" off the text. false: there is something else behind a '%'. */
static bool parse_scope(struct addr *a, char *text)
{
    char *percent = strchr(text, '%'), *end;
    unsigned long scope;

    if (!percent)
        return true;
    if (strspn(percent + 1, "0123456789") != strlen(percent + 1) || strlen(percent + 1) > 10)
        return false;
    scope = strtoul(percent + 1, &end, 10);
    a->scope = (uint32_t)scope;
    *percent = '\0';
    return scope > 0 && scope <= UINT32_MAX;
}

bool addr_parse(struct addr *a, const char *text)
{
    char ip[ADDR_TEXT_MAX];
    const char *whole = text;
    const char *colon = strrchr(text, ':');
    const char *close = strchr(text, ']');
    size_t len = strlen(text);

    *a = (struct addr){0};
    if (text[0] == '[') {
        if (!close || (close[1] && close[1] != ':') || (close[1] && !parse_port(a, close + 2)))
            return false;
        text++;
        len = (size_t)(close - text);
    } else if (colon && colon == strchr(text, ':')) {
        if (!parse_port(a, colon + 1))
            return false;
        len = (size_t)(colon - text);
    }
    if (len >= sizeof ip)
        return false;
    memcpy(ip, text, len);
    ip[len] = '\0';
    if (text == whole && inet_pton(AF_INET, ip, a->ip) == 1) /* no brackets */
        a->family = 4;
    else if (parse_scope(a, ip) && inet_pton(AF_INET6, ip, a->ip) == 1)
        a->family = 6;
    return a->family != 0;
}
