/* Sealing: keys of a network from its passphrase; datagrams encrypted for the network and signed by
 * the sender.
 *
 * XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha) with a random 24-byte nonce; Ed25519 (RFC 8032)
 * inside. Pure: nonces come from the caller (libsodium's randombytes in svc/lan, the seed in the
 * simulator). Any thread. */
#pragma once

#include "base/err.h"
#include "base/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a network's members have in common. Everything is derived from the group key by BLAKE2b/HKDF
 * with a label. */
struct seal_net {
    uint8_t group[32];    /* the group key itself; what is stored, never the passphrase */
    uint8_t datagram[32]; /* AEAD key */
    uint8_t ca_seed[32];  /* Ed25519 seed of the group CA (io/cert) */
    uint8_t tag[2];       /* in every datagram: refuses strangers' cheaply */
    char server_name[40]; /* TLS server name: 32 hex digits and ".iwant" */
};

/* Argon2id over the passphrase, salted by the network's name (3 passes, 256 MiB: about 0.8 s, once
 * at joining). */
int seal_group_key(uint8_t group[32], const char *network, const char *passphrase, struct err *e);
/* The open network "lan": the same code with a published passphrase and a cheap derivation (it
 * protects nothing). */
void seal_open_group(uint8_t group[32], const char *network);
void seal_derive(struct seal_net *net, const uint8_t group[32]);

/* A peer's lasting key. */
struct seal_key {
    uint8_t seed[32]; /* secret */
    uint8_t pub[32];
};
void seal_key_from_seed(struct seal_key *k, const uint8_t seed[32]);
void seal_nid(struct nid *nid, const uint8_t pub[32]); /* first 16 bytes of SHA-256(pub) */
void seal_sign(uint8_t sig[64], const void *msg, size_t len, const struct seal_key *k);
bool seal_verify(const uint8_t sig[64], const void *msg, size_t len, const uint8_t pub[32]);

/* out has room for len + 16; ad is authenticated, not encrypted. Gives len + 16. */
size_t seal_encrypt(uint8_t *out, const void *msg, size_t len, const void *ad, size_t ad_len,
                    const uint8_t nonce[24], const uint8_t key[32]);
/* false: not sealed with this key, or altered. out has room for len - 16. */
bool seal_decrypt(uint8_t *out, const void *box, size_t len, const void *ad, size_t ad_len,
                  const uint8_t nonce[24], const uint8_t key[32]);
