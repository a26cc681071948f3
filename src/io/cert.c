#include "io/cert.h"

#include "base/mem.h"
#include "io/save.h"

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <string.h>

#define PEM_MAX 4096
#define NEVER   ((time_t)253402300799) /* 99991231235959Z (RFC 5280, 4.1.2.5) */

/* RFC 8410, 7: version 0, id-Ed25519, an octet string in an octet string. */
static const uint8_t pkcs8_head[16] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                       0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};

static int bad_tls(struct err *e, const char *what, int rc)
{
    return err_set(e, ERR_IO, "cannot make %s: %s", what, gnutls_strerror(rc));
}

/* GnuTLS computes the public half itself when it imports PKCS#8. */
static int key_from_seed(gnutls_x509_privkey_t *key, const uint8_t seed[32])
{
    uint8_t der[sizeof pkcs8_head + 32];
    gnutls_datum_t d = {der, sizeof der};
    int rc = gnutls_x509_privkey_init(key);

    memcpy(der, pkcs8_head, sizeof pkcs8_head);
    memcpy(der + sizeof pkcs8_head, seed, 32);
    if (rc >= 0)
        rc = gnutls_x509_privkey_import_pkcs8(*key, &d, GNUTLS_X509_FMT_DER, NULL,
                                              GNUTLS_PKCS_PLAIN);
    gnutls_memset(der, 0, sizeof der);
    return rc;
}

/* What both certificates have in common. The serial is a function of the key, so that a certificate
 * made again is the same. */
static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *cn)
{
    uint8_t id[32];
    size_t id_len = sizeof id;
    int rc;

    if ((rc = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
        (rc = gnutls_x509_crt_set_key(crt, key)) < 0 ||
        (rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id, &id_len)) < 0 ||
        (rc = gnutls_x509_crt_set_subject_key_id(crt, id, 20)) < 0 ||
        (rc = gnutls_x509_crt_set_activation_time(crt, 0)) < 0 ||
        (rc = gnutls_x509_crt_set_expiration_time(crt, NEVER)) < 0 ||
        (rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, cn,
                                            (unsigned)strlen(cn))) < 0)
        return rc;
    id[0] &= 0x7f; /* a serial is positive, and not zero */
    id[1] |= 1;
    return gnutls_x509_crt_set_serial(crt, id, 16);
}

static int make_ca(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    int rc = fill(crt, key, "iwant group");

    if (rc < 0 || (rc = gnutls_x509_crt_set_basic_constraints(crt, 1, 0)) < 0 ||
        (rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN)) < 0)
        return rc;
    return gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA512, 0);
}

static int make_leaf(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *name,
                     gnutls_x509_crt_t ca, gnutls_x509_privkey_t ca_key)
{
    uint8_t id[32];
    size_t id_len = sizeof id;
    int rc = fill(crt, key, "iwant peer");

    if (rc < 0 || (rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1)) < 0 ||
        (rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE)) < 0 ||
        (rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0)) < 0 ||
        (rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0)) < 0 ||
        (rc = gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, name,
                                                   (unsigned)strlen(name), GNUTLS_FSAN_SET)) < 0 ||
        (rc = gnutls_x509_crt_get_subject_key_id(ca, id, &id_len, NULL)) < 0 ||
        (rc = gnutls_x509_crt_set_authority_key_id(crt, id, id_len)) < 0)
        return rc;
    return gnutls_x509_crt_sign2(crt, ca, ca_key, GNUTLS_DIG_SHA512, 0);
}

static int same_key(gnutls_x509_privkey_t key, const uint8_t pub[32])
{
    gnutls_datum_t x = {0}, k = {0};
    gnutls_ecc_curve_t curve;
    int rc = gnutls_x509_privkey_export_ecc_raw(key, &curve, &x, NULL, &k);
    int same = rc >= 0 && x.size == 32 && !memcmp(x.data, pub, 32);

    if (rc >= 0) {
        gnutls_free(x.data);
        gnutls_memset(k.data, 0, k.size);
        gnutls_free(k.data);
    }
    return same;
}

static int save_crt(gnutls_x509_crt_t crt, const char *path, struct err *e)
{
    gnutls_datum_t pem = {0};
    int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);

    if (rc < 0)
        return bad_tls(e, path, rc);
    rc = save_write(path, pem.data, pem.size, 0600, e);
    gnutls_free(pem.data);
    return rc;
}

static int save_key(const uint8_t seed[32], const char *path, struct err *e)
{
    struct buf pem = {0};
    int rc = cert_key_pem(seed, &pem, e);

    if (!rc)
        rc = save_write(path, pem.data, pem.len, 0600, e);
    if (pem.data)
        gnutls_memset(pem.data, 0, pem.len);
    buf_free(&pem);
    return rc;
}

static char *below(const char *dir, const char *name)
{
    struct buf b = {0};

    buf_printf(&b, "%s/%s", dir, name);
    return buf_take(&b, NULL);
}

int cert_write(const char *dir, const uint8_t ca_seed[32], const uint8_t leaf_seed[32],
               const uint8_t leaf_pub[32], const char *server_name, struct cert_files *out,
               struct err *e)
{
    gnutls_x509_privkey_t ca_key = NULL, key = NULL;
    gnutls_x509_crt_t ca = NULL, crt = NULL;
    int rc;

    *out = (struct cert_files){below(dir, "ca.pem"), below(dir, "cert.pem"), below(dir, "key.pem")};
    if ((rc = save_dir(dir, 0700, NULL, e)))
        goto done;
    if ((rc = key_from_seed(&ca_key, ca_seed)) < 0 || (rc = key_from_seed(&key, leaf_seed)) < 0 ||
        (rc = gnutls_x509_crt_init(&ca)) < 0 || (rc = gnutls_x509_crt_init(&crt)) < 0 ||
        (rc = make_ca(ca, ca_key)) < 0 || (rc = make_leaf(crt, key, server_name, ca, ca_key)) < 0)
        rc = bad_tls(e, "the certificates", rc);
    else if (!same_key(key, leaf_pub))
        rc = err_set(e, ERR_IO, "cannot make the certificates: the keys do not belong together");
    else if (!(rc = save_crt(ca, out->ca, e)) && !(rc = save_crt(crt, out->cert, e)))
        rc = save_key(leaf_seed, out->key, e);
done:
    if (crt)
        gnutls_x509_crt_deinit(crt);
    if (ca)
        gnutls_x509_crt_deinit(ca);
    if (key)
        gnutls_x509_privkey_deinit(key);
    if (ca_key)
        gnutls_x509_privkey_deinit(ca_key);
    if (rc)
        cert_files_done(out);
    return rc;
}

void cert_files_done(struct cert_files *f)
{
    mem_free(f->ca);
    mem_free(f->cert);
    mem_free(f->key);
    *f = (struct cert_files){0};
}

int cert_key_pem(const uint8_t seed[32], struct buf *pem, struct err *e)
{
    uint8_t der[sizeof pkcs8_head + 32];
    gnutls_datum_t d = {der, sizeof der}, text = {0};
    int rc;

    memcpy(der, pkcs8_head, sizeof pkcs8_head);
    memcpy(der + sizeof pkcs8_head, seed, 32);
    rc = gnutls_pem_base64_encode2("PRIVATE KEY", &d, &text);
    gnutls_memset(der, 0, sizeof der);
    if (rc < 0)
        return bad_tls(e, "a key file", rc);
    buf_add(pem, text.data, text.size);
    if (text.size && text.data[text.size - 1] != '\n')
        buf_char(pem, '\n');
    gnutls_memset(text.data, 0, text.size);
    gnutls_free(text.data);
    return 0;
}

int cert_key_seed(const char *pem, size_t len, uint8_t seed[32], struct err *e)
{
    uint8_t copy[PEM_MAX];
    gnutls_datum_t text = {copy, (unsigned)len}, der = {0};
    int rc;

    if (!len || len > sizeof copy)
        return err_set(e, ERR_USAGE, "no Ed25519 key");
    memcpy(copy, pem, len);
    rc = gnutls_pem_base64_decode2("PRIVATE KEY", &text, &der);
    gnutls_memset(copy, 0, sizeof copy);
    if (rc < 0)
        return err_set(e, ERR_USAGE, "no Ed25519 key: %s", gnutls_strerror(rc));
    rc = der.size == sizeof pkcs8_head + 32 && !memcmp(der.data, pkcs8_head, sizeof pkcs8_head);
    if (rc)
        memcpy(seed, der.data + sizeof pkcs8_head, 32);
    gnutls_memset(der.data, 0, der.size);
    gnutls_free(der.data);
    return rc ? 0 : err_set(e, ERR_USAGE, "no Ed25519 key");
}
