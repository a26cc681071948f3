/* The names of things: a content's SHA-256, a peer's id, an address. Plain data, compared by bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash {
    uint8_t b[32];
};

struct nid { /* first 16 bytes of the SHA-256 of the peer's Ed25519 public key */
    uint8_t b[16];
};

struct addr {
    uint8_t family; /* 4, 6, or 0: none */
    uint8_t ip[16]; /* the first 4 for IPv4; network order */
    uint16_t port;  /* host order */
    uint32_t scope; /* interface index of an IPv6 link-local address, else 0; never on the wire */
};

#define HASH_HEX_LEN  64
#define NID_HEX_LEN   32
#define ADDR_TEXT_MAX 72 /* "[fe80::1%4294967295]:65535" and a NUL fit */

bool hash_eq(const struct hash *a, const struct hash *b);
bool hash_is_zero(const struct hash *h);
int hash_cmp(const struct hash *a, const struct hash *b);
void hash_hex(const struct hash *h, char out[HASH_HEX_LEN + 1]);
bool hash_parse(struct hash *h, const char *hex,
                size_t len); /* exactly 64 hex digits, either case */
bool nid_eq(const struct nid *a, const struct nid *b);
int nid_cmp(const struct nid *a, const struct nid *b);
bool nid_is_zero(const struct nid *n);
void nid_hex(const struct nid *n, char out[NID_HEX_LEN + 1]);
bool nid_parse(struct nid *n, const char *hex, size_t len);

bool addr_eq(const struct addr *a, const struct addr *b); /* family, ip, port, scope */
bool addr_same_host(const struct addr *a, const struct addr *b);
/* Only with a scope does it lead anywhere: fe80::/10. */
bool addr_is_link_local6(const struct addr *a);
/* "192.0.2.1:1235", "[2001:db8::1]:1235"; without the port when it is 0. */
const char *addr_text(const struct addr *a, char out[ADDR_TEXT_MAX]);
/* Numeric only: "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1", "fe80::1%7". */
bool addr_parse(struct addr *a, const char *text);
