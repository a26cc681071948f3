/* Keys of networks and peers, sealing and signing. */
#include "base/str.h"
#include "core/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

static void hex_is(const void *bytes, size_t len, const char *hex)
{
    char text[200];

    assert_true(len < 100);
    str_hex(text, bytes, len);
    assert_string_equal(text, hex);
}

/* RFC 8032, 7.1, test 1 and test 3 */
static void signs_as_rfc_8032(void **state)
{
    struct seal_key k;
    uint8_t seed[32], sig[64];

    (void)state;
    assert_true(str_unhex(seed, 32,
                          "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", 64));
    seal_key_from_seed(&k, seed);
    hex_is(k.pub, 32, "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    seal_sign(sig, "", 0, &k);
    hex_is(sig, 64,
           "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
           "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
    assert_true(seal_verify(sig, "", 0, k.pub));

    assert_true(str_unhex(seed, 32,
                          "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", 64));
    seal_key_from_seed(&k, seed);
    seal_sign(sig, "\xaf\x82", 2, &k);
    hex_is(sig, 64,
           "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
           "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
    assert_true(seal_verify(sig, "\xaf\x82", 2, k.pub));
    assert_false(seal_verify(sig, "\xaf\x83", 2, k.pub));
    sig[63] ^= 1;
    assert_false(seal_verify(sig, "\xaf\x82", 2, k.pub));
}

static void nid_is_head_of_the_keys_sha256(void **state)
{
    uint8_t pub[32] = {0};
    struct nid nid;

    (void)state;
    seal_nid(&nid, pub); /* sha256sum of 32 zero bytes: 66687aadf862bd776c8fc18b8e9f8e20... */
    hex_is(nid.b, 16, "66687aadf862bd776c8fc18b8e9f8e20");
}

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void seals_as_the_draft(void **state)
{
    static const char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you "
                               "only one tip for the future, sunscreen would be it.";
    uint8_t key[32], nonce[24], ad[12], box[200], back[200];
    size_t len = sizeof text - 1, n;

    (void)state;
    for (size_t i = 0; i < 32; i++)
        key[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < 24; i++)
        nonce[i] = (uint8_t)(0x40 + i);
    assert_true(str_unhex(ad, 12, "50515253c0c1c2c3c4c5c6c7", 24));
    n = seal_encrypt(box, text, len, ad, 12, nonce, key);
    assert_int_equal(n, len + 16);
    hex_is(box, 16, "bd6d179d3e83d43b9576579493c0e939");
    hex_is(box + len, 16, "c0875924c1c7987947deafd8780acf49");
    assert_true(seal_decrypt(back, box, n, ad, 12, nonce, key));
    assert_memory_equal(back, text, len);
}

static void refuses_whatever_was_altered(void **state)
{
    uint8_t key[32] = {1}, other[32] = {2}, nonce[24] = {3}, ad[2] = {4, 5}, box[19], back[3];
    size_t n = seal_encrypt(box, "abc", 3, ad, 2, nonce, key);

    (void)state;
    assert_int_equal(n, 19);
    for (size_t i = 0; i < n * 8; i++) {
        box[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_false(seal_decrypt(back, box, n, ad, 2, nonce, key));
        box[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_false(seal_decrypt(back, box, n, ad, 2, nonce, other));
    assert_false(seal_decrypt(back, box, n, ad, 1, nonce, key));
    assert_false(seal_decrypt(back, box, 15, ad, 2, nonce, key));
    assert_false(seal_decrypt(back, box, 0, ad, 2, nonce, key));
    nonce[0] ^= 1;
    assert_false(seal_decrypt(back, box, n, ad, 2, nonce, key));
    nonce[0] ^= 1;
    assert_true(seal_decrypt(back, box, n, ad, 2, nonce, key));
}

static void open_networks_differ_by_name(void **state)
{
    uint8_t a[32], b[32], again[32];
    struct seal_net na, nb;

    (void)state;
    seal_open_group(a, "lan");
    seal_open_group(again, "lan");
    seal_open_group(b, "lab");
    assert_memory_equal(a, again, 32);
    assert_memory_not_equal(a, b, 32);
    hex_is(a, 32, "8f37e352b32c4a7d853f7c26450fb31aed37710eb8ec169bb49daf83f4f74b0c");
    seal_derive(&na, a);
    seal_derive(&nb, b);
    hex_is(na.tag, 2, "a415"); /* with Python: hashlib.blake2b(label, key=group) */
    assert_string_equal(na.server_name, "d055496508935fa0dfc811f60312e459.iwant");
    assert_memory_equal(na.group, a, 32);
    assert_memory_not_equal(na.datagram, nb.datagram, 32);
    assert_memory_not_equal(na.ca_seed, nb.ca_seed, 32);
    assert_memory_not_equal(na.datagram, na.ca_seed, 32);
    assert_memory_not_equal(na.tag, nb.tag, 2);
    assert_string_not_equal(na.server_name, nb.server_name);
    assert_int_equal(strlen(na.server_name), 38);
    assert_true(str_is_hex(na.server_name, 32));
    assert_string_equal(na.server_name + 32, ".iwant");
}

static void passphrase_and_name_make_the_key(void **state)
{
    uint8_t a[32], b[32], c[32];
    struct err e;

    (void)state;
    assert_int_equal(seal_group_key(a, "lab", "correct horse", &e), 0);
    assert_int_equal(seal_group_key(b, "lab", "correct horsf", &e), 0);
    assert_int_equal(seal_group_key(c, "lac", "correct horse", &e), 0);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a, c, 32);
    hex_is(a, 32, "fb52c2ac4a22529f444f254866a088dfe5d98bb828deba997b65125296df9ee3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_rfc_8032),
        cmocka_unit_test(nid_is_head_of_the_keys_sha256),
        cmocka_unit_test(seals_as_the_draft),
        cmocka_unit_test(refuses_whatever_was_altered),
        cmocka_unit_test(open_networks_differ_by_name),
        cmocka_unit_test(passphrase_and_name_make_the_key),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
