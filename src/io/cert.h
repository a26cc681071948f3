/* Certificates: the network's CA and this peer's leaf, made from seeds, as the PEM files that the
 * TLS libraries want.
 *
 * Membership is proved inside the TLS handshake: whoever has the group key can make the group CA
 * (Ed25519, seed from core/seal), sign his own leaf with it, and check others'. The CA certificate
 * is a function of its seed: every member makes the same bytes. Dates run from 1970 to 9999, since
 * no decision may hang on a clock (RFC 5280 4.1.2.5). Any thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

struct cert_files { /* paths below the folder; cert_files_done */
    char *ca, *cert, *key;
};

/* Make dir (0700) and in it ca.pem, cert.pem, key.pem (0600), each replaced as a whole. leaf_pub
 * belongs to leaf_seed. server_name is the leaf's only name. -ERR_IO. On error out is empty. */
int cert_write(const char *dir, const uint8_t ca_seed[32], const uint8_t leaf_seed[32],
               const uint8_t leaf_pub[32], const char *server_name, struct cert_files *out,
               struct err *e);
void cert_files_done(struct cert_files *f);

/* An Ed25519 private key as PKCS#8 PEM (RFC 8410), and back: -ERR_USAGE when the text is no such
 * key. */
int cert_key_pem(const uint8_t seed[32], struct buf *pem, struct err *e);
int cert_key_seed(const char *pem, size_t len, uint8_t seed[32], struct err *e);
