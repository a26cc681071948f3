#include "core/seal.h"

#include "base/str.h"

#include <sodium.h>
#include <string.h>

#define ARGON_PASSES 3
#define ARGON_BYTES  ((size_t)256 << 20)

/* One labelled 32-byte value from a key: keyed BLAKE2b, the label is the message. */
static void labelled(uint8_t out[32], const uint8_t key[32], const char *label)
{
    crypto_generichash(out, 32, (const uint8_t *)label, strlen(label), key, 32);
}

int seal_group_key(uint8_t group[32], const char *network, const char *passphrase, struct err *e)
{
    static const char label[] = "iwant network 1";
    uint8_t salt[crypto_pwhash_argon2id_SALTBYTES];

    crypto_generichash(salt, sizeof salt, (const uint8_t *)network, strlen(network),
                       (const uint8_t *)label, sizeof label - 1);
    if (crypto_pwhash_argon2id(group, 32, passphrase, strlen(passphrase), salt, ARGON_PASSES,
                               ARGON_BYTES, crypto_pwhash_argon2id_ALG_ARGON2ID13) != 0)
        return err_set(e, ERR_IO, "cannot make the network's key: it takes %zu MiB of memory",
                       ARGON_BYTES >> 20);
    return 0;
}

void seal_open_group(uint8_t group[32], const char *network)
{
    static const char passphrase[] = "iwant"; /* published: anyone may be in an open network */

    crypto_generichash(group, 32, (const uint8_t *)network, strlen(network),
                       (const uint8_t *)passphrase, sizeof passphrase - 1);
}

void seal_derive(struct seal_net *net, const uint8_t group[32])
{
    uint8_t raw[32];

    memset(net, 0, sizeof *net);
    memcpy(net->group, group, 32);
    labelled(net->datagram, group, "iwant datagram 1");
    labelled(net->ca_seed, group, "iwant ca 1");
    labelled(raw, group, "iwant tag 1");
    memcpy(net->tag, raw, sizeof net->tag);
    labelled(raw, group, "iwant server name 1");
    str_hex(net->server_name, raw, 16);
    str_copy(net->server_name + 32, sizeof net->server_name - 32, ".iwant");
    sodium_memzero(raw, sizeof raw);
}

void seal_key_from_seed(struct seal_key *k, const uint8_t seed[32])
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES];

    crypto_sign_seed_keypair(k->pub, secret, seed);
    memcpy(k->seed, seed, 32);
    sodium_memzero(secret, sizeof secret);
}

void seal_nid(struct nid *nid, const uint8_t pub[32])
{
    uint8_t sum[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(sum, pub, 32);
    memcpy(nid->b, sum, sizeof nid->b);
}

void seal_sign(uint8_t sig[64], const void *msg, size_t len, const struct seal_key *k)
{
    uint8_t secret[crypto_sign_SECRETKEYBYTES]; /* seed and public key, side by side */

    memcpy(secret, k->seed, 32);
    memcpy(secret + 32, k->pub, 32);
    crypto_sign_detached(sig, NULL, msg, len, secret);
    sodium_memzero(secret, sizeof secret);
}

bool seal_verify(const uint8_t sig[64], const void *msg, size_t len, const uint8_t pub[32])
{
    return crypto_sign_verify_detached(sig, msg, len, pub) == 0;
}

size_t seal_encrypt(uint8_t *out, const void *msg, size_t len, const void *ad, size_t ad_len,
                    const uint8_t nonce[24], const uint8_t key[32])
{
    unsigned long long n = 0;

    crypto_aead_xchacha20poly1305_ietf_encrypt(out, &n, msg, len, ad, ad_len, NULL, nonce, key);
    return (size_t)n;
}

bool seal_decrypt(uint8_t *out, const void *box, size_t len, const void *ad, size_t ad_len,
                  const uint8_t nonce[24], const uint8_t key[32])
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, box, len, ad, ad_len, nonce,
                                                      key) == 0;
}
