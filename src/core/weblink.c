#include "core/weblink.h"

#include "base/limits.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define HOST_MAX 255

bool weblink_split(const char *path, char token[WEBLINK_TOKEN_LEN + 1], const char **rest)
{
    if (path[0] != '/' || strlen(path) < WEBLINK_TOKEN_LEN + 2 ||
        path[WEBLINK_TOKEN_LEN + 1] != '/' || !str_is_hex(path + 1, WEBLINK_TOKEN_LEN))
        return false;
    for (size_t i = 0; i < WEBLINK_TOKEN_LEN; i++)
        token[i] = (char)tolower((unsigned char)path[1 + i]);
    token[WEBLINK_TOKEN_LEN] = '\0';
    *rest = path + WEBLINK_TOKEN_LEN + 2;
    return true;
}

bool weblink_token_eq(const char a[WEBLINK_TOKEN_LEN + 1], const char b[WEBLINK_TOKEN_LEN + 1])
{
    unsigned char differ = 0;

    for (size_t i = 0; i < WEBLINK_TOKEN_LEN; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return !differ;
}

int weblink_part(const char **path, unsigned *depth, const char **part, size_t *len)
{
    *part = *path;
    *len = strcspn(*path, "/");
    if (!**path)
        return 0;
    if (!*len || *len > NAME_LEN_MAX || ++*depth > PATH_DEPTH_MAX ||
        (*len <= 2 && !strncmp(*part, "..", *len)))
        return -1;
    *path += *len;
    if (**path && !*++*path)
        return -1; /* ends with a slash */
    return 1;
}

/* The length of a host without its port, or 0 when the port is none. */
static size_t without_port(const char *host)
{
    const char *colon = strrchr(host, ':');
    uint64_t port;

    if (!colon)
        return strlen(host);
    return str_parse_u64(colon + 1, 1, 65535, &port) ? (size_t)(colon - host) : 0;
}

bool weblink_host_ok(const char *host, const char *own)
{
    char name[HOST_MAX + 1];
    struct addr a;
    size_t len, own_len = own ? strlen(own) : 0;

    if (strlen(host) > HOST_MAX)
        return false;
    if (addr_parse(&a, host))
        return true;
    len = without_port(host);
    memcpy(name, host, len);
    name[len] = '\0';
    if (!strcasecmp(name, "localhost"))
        return true;
    return own_len && !strncasecmp(name, own, own_len) &&
           (!name[own_len] || !strcasecmp(name + own_len, ".local"));
}

void weblink_url(struct buf *to, const struct addr *at, const char token[WEBLINK_TOKEN_LEN + 1],
                 const char *name, size_t len)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
    char text[ADDR_TEXT_MAX];

    buf_printf(to, "http://%s/%s/", addr_text(at, text), token);
    for (size_t i = 0; i < len; i++) {
        if (name[i] && strchr(plain, name[i]))
            buf_char(to, name[i]);
        else
            buf_printf(to, "%%%02X", (unsigned)(unsigned char)name[i]);
    }
}

const char *weblink_type(const char *name, size_t len)
{
    static const struct {
        const char *ext, *type;
    } known[] = {
        {"mkv", "video/x-matroska"}, {"mp4", "video/mp4"},        {"m4v", "video/mp4"},
        {"webm", "video/webm"},      {"avi", "video/x-msvideo"},  {"mov", "video/quicktime"},
        {"mpg", "video/mpeg"},       {"mpeg", "video/mpeg"},      {"ts", "video/mp2t"},
        {"m2ts", "video/mp2t"},      {"mts", "video/mp2t"},       {"ogv", "video/ogg"},
        {"wmv", "video/x-ms-wmv"},   {"flv", "video/x-flv"},      {"3gp", "video/3gpp"},
        {"mp3", "audio/mpeg"},       {"m4a", "audio/mp4"},        {"m4b", "audio/mp4"},
        {"aac", "audio/aac"},        {"ogg", "audio/ogg"},        {"oga", "audio/ogg"},
        {"opus", "audio/ogg"},       {"flac", "audio/flac"},      {"wav", "audio/wav"},
        {"wma", "audio/x-ms-wma"},   {"mka", "audio/x-matroska"}, {"aif", "audio/aiff"},
        {"aiff", "audio/aiff"},      {"jpg", "image/jpeg"},       {"jpeg", "image/jpeg"},
        {"png", "image/png"},        {"gif", "image/gif"},        {"webp", "image/webp"},
        {"avif", "image/avif"},      {"bmp", "image/bmp"},        {"pdf", "application/pdf"},
        {"txt", "text/plain"},       {"srt", "text/plain"},       {"vtt", "text/vtt"},
    };
    const char *dot = len ? memrchr(name, '.', len) : NULL;
    size_t ext = dot ? len - (size_t)(dot + 1 - name) : 0;

    for (size_t i = 0; ext && i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i].ext) == ext && !strncasecmp(known[i].ext, dot + 1, ext))
            return known[i].type;
    }
    return "application/octet-stream";
}
