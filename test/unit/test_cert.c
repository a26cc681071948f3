/* io/cert and io/save: what is made is what TLS needs, always the same, and only ours to read. */
#include "base/mem.h"
#include "base/str.h"
#include "core/seal.h"
#include "io/cert.h"
#include "io/save.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[64];
static const uint8_t ca_seed[32] = {1, 2, 3}, other_ca[32] = {9, 9}, leaf_seed[32] = {4, 5, 6};
static const char name[] = "00112233445566778899aabbccddeeff.iwant";

static int make_top(void **state)
{
    (void)state;
    strcpy(top, "/tmp/test_cert.XXXXXX");
    return mkdtemp(top) ? 0 : -1;
}

static int drop_top(void **state)
{
    char cmd[96];

    (void)state;
    snprintf(cmd, sizeof cmd, "rm -rf '%s'", top);
    return system(cmd);
}

static void write_in(const char *sub, const uint8_t ca[32], struct cert_files *f)
{
    struct seal_key k;
    struct err e = {0};
    char dir[96];

    snprintf(dir, sizeof dir, "%s/%s", top, sub);
    seal_key_from_seed(&k, leaf_seed);
    if (cert_write(dir, ca, leaf_seed, k.pub, name, f, &e))
        fail_msg("%s", e.text);
}

static gnutls_x509_crt_t load(const char *path)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t d;

    assert_int_equal(gnutls_load_file(path, &d), 0);
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM), 0);
    gnutls_free(d.data);
    return crt;
}

static unsigned verify(const char *leaf, const char *ca, const char *purpose)
{
    gnutls_x509_crt_t crt = load(leaf), root = load(ca);
    gnutls_x509_trust_list_t trust;
    gnutls_typed_vdata_st want[2] = {{.type = GNUTLS_DT_DNS_HOSTNAME, .data = NULL},
                                     {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = NULL}};
    unsigned status = ~0u;
    char host[sizeof name], oid[32];

    str_copy(host, sizeof host, name);
    str_copy(oid, sizeof oid, purpose);
    want[0].data = (unsigned char *)host;
    want[1].data = (unsigned char *)oid;
    gnutls_x509_trust_list_init(&trust, 0);
    gnutls_x509_trust_list_add_cas(trust, &root, 1, 0);
    assert_int_equal(gnutls_x509_trust_list_verify_crt2(trust, &crt, 1, want, 2, 0, &status, NULL),
                     0);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_trust_list_deinit(trust, 1);
    return status;
}

static void test_chain(void **state)
{
    struct cert_files a, b;

    (void)state;
    write_in("a", ca_seed, &a);
    write_in("b", other_ca, &b);
    assert_int_equal(verify(a.cert, a.ca, GNUTLS_KP_TLS_WWW_SERVER), 0);
    assert_int_equal(verify(a.cert, a.ca, GNUTLS_KP_TLS_WWW_CLIENT), 0);
    assert_int_not_equal(verify(a.cert, b.ca, GNUTLS_KP_TLS_WWW_CLIENT), 0);
    assert_int_not_equal(verify(b.cert, a.ca, GNUTLS_KP_TLS_WWW_SERVER), 0);
    assert_int_not_equal(verify(a.cert, a.ca, GNUTLS_KP_CODE_SIGNING), 0);
    cert_files_done(&a);
    cert_files_done(&b);
    assert_null(a.ca);
}

static void test_leaf_key(void **state)
{
    struct cert_files f;
    struct seal_key k;
    gnutls_pubkey_t pub;
    gnutls_datum_t x;
    gnutls_ecc_curve_t curve;
    gnutls_x509_crt_t crt;

    (void)state;
    write_in("leaf", ca_seed, &f);
    seal_key_from_seed(&k, leaf_seed);
    crt = load(f.cert);
    gnutls_pubkey_init(&pub);
    assert_int_equal(gnutls_pubkey_import_x509(pub, crt, 0), 0);
    assert_int_equal(gnutls_pubkey_export_ecc_raw(pub, &curve, &x, NULL), 0);
    assert_int_equal(curve, GNUTLS_ECC_CURVE_ED25519);
    assert_int_equal(x.size, 32);
    assert_memory_equal(x.data, k.pub, 32);
    assert_int_equal(gnutls_x509_crt_get_activation_time(crt), 0);
    assert_int_equal(gnutls_x509_crt_get_expiration_time(crt), 253402300799); /* the end of 9999 */
    assert_int_equal(gnutls_x509_crt_get_ca_status(crt, NULL), 0);
    gnutls_free(x.data);
    gnutls_pubkey_deinit(pub);
    gnutls_x509_crt_deinit(crt);
    cert_files_done(&f);
}

static void test_same_every_time(void **state)
{
    static const char *const which[] = {"ca.pem", "cert.pem", "key.pem"};
    struct cert_files a, b;

    (void)state;
    write_in("one", ca_seed, &a);
    write_in("two", ca_seed, &b);
    cert_files_done(&b);
    write_in("one", ca_seed, &b); /* over the old ones */
    for (size_t i = 0; i < 3; i++) {
        struct buf x = {0}, y = {0};
        struct err e = {0};
        char path[128];

        snprintf(path, sizeof path, "%s/one/%s", top, which[i]);
        assert_int_equal(save_read(path, 8192, &x, &e), 0);
        snprintf(path, sizeof path, "%s/two/%s", top, which[i]);
        assert_int_equal(save_read(path, 8192, &y, &e), 0);
        assert_true(x.len > 100);
        assert_string_equal(x.data, y.data);
        buf_free(&x);
        buf_free(&y);
    }
    cert_files_done(&a);
    cert_files_done(&b);
}

static void test_modes(void **state)
{
    struct cert_files f;
    struct stat st;
    char dir[96];
    mode_t old = umask(0);

    (void)state;
    write_in("modes", ca_seed, &f);
    umask(old);
    snprintf(dir, sizeof dir, "%s/modes", top);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(f.key, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(f.ca, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    cert_files_done(&f);
}

static void test_keys_must_match(void **state)
{
    struct cert_files f;
    struct err e = {0};
    uint8_t pub[32] = {7};
    char dir[96];

    (void)state;
    snprintf(dir, sizeof dir, "%s/match", top);
    assert_int_equal(cert_write(dir, ca_seed, leaf_seed, pub, name, &f, &e), -ERR_IO);
    assert_null(f.key);
    snprintf(dir, sizeof dir, "%s/not/there", top);
    assert_int_equal(cert_write(dir, ca_seed, leaf_seed, pub, name, &f, &e), -ERR_IO);
}

static void test_key_pem(void **state)
{
    /* RFC 8410, 10.3: the private key of the examples, and its seed */
    static const char example[] =
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n";
    static const uint8_t want[4] = {0xd4, 0xee, 0x72, 0xdb};
    uint8_t seed[32];
    struct buf pem = {0};
    struct err e = {0};

    (void)state;
    assert_int_equal(cert_key_seed(example, sizeof example - 1, seed, &e), 0);
    assert_memory_equal(seed, want, sizeof want);
    assert_int_equal(cert_key_pem(seed, &pem, &e), 0);
    assert_string_equal(pem.data, example);
    for (size_t cut = 0; cut < pem.len - 26;
         cut++) /* up to the last line, whose dashes do not matter */
        assert_int_equal(cert_key_seed(pem.data, cut, seed, &e), -ERR_USAGE);
    pem.data[40] ^= 1;
    assert_int_equal(cert_key_seed(pem.data, pem.len, seed, &e), -ERR_USAGE);
    assert_int_equal(cert_key_seed("", 0, seed, &e), -ERR_USAGE);
    buf_free(&pem);
}

static void test_save(void **state)
{
    struct buf b = {0};
    struct err e = {0};
    struct stat st;
    char path[96];
    bool mended;

    (void)state;
    snprintf(path, sizeof path, "%s/file", top);
    assert_int_equal(save_read(path, 10, &b, &e), -ERR_NOT_FOUND);
    assert_int_equal(save_write(path, "0123456789", 10, 0600, &e), 0);
    buf_str(&b, "x");
    assert_int_equal(save_read(path, 10, &b, &e), 0);
    assert_string_equal(b.data, "x0123456789");
    assert_int_equal(save_read(path, 9, &b, &e), -ERR_IO);
    assert_int_equal(b.len, 11);
    assert_int_equal(save_write(path, "", 0, 0644, &e), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(save_read(top, 10, &b, &e), -ERR_IO);
    assert_int_equal(save_dir(path, 0700, NULL, &e), -ERR_USAGE);
    snprintf(path, sizeof path, "%s/dir", top);
    assert_int_equal(save_dir(path, 0700, &mended, &e), 0);
    assert_false(mended);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(save_dir(path, 0700, &mended, &e), 0);
    assert_true(mended);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),
        cmocka_unit_test(test_leaf_key),
        cmocka_unit_test(test_same_every_time),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_keys_must_match),
        cmocka_unit_test(test_key_pem),
        cmocka_unit_test(test_save),
    };

    return cmocka_run_group_tests(tests, make_top, drop_top);
}
