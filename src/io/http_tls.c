/* The handshake: a certificate only for who asks for the network's server name, and only a client
 * with a certificate of the network's CA gets through. Both happen inside GnuTLS, before MHD has
 * read a byte of HTTP; a refused client gets not even an alert. */
#include "io/http_priv.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "io/save.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <string.h>
#ifdef __aarch64__
#include <sys/auxv.h>
#endif

#define PEM_FILE_MAX 16384

struct http_tls {
    char *server_name;
    struct buf ca_pem;
    gnutls_pcert_st cert;
    gnutls_privkey_t key;
    bool has_cert, has_key;
};

static bool cpu_has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
    return getauxval(AT_HWCAP) & 1u << 3; /* HWCAP_AES */
#else
    return false;
#endif
}

/* Measured: GnuTLS's ChaCha20 costs five times OpenSSL's, AES-128-GCM as much, where the CPU has
 * the instructions. */
char *http_tls_priorities(void)
{
    static char aes[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM";
    static char chacha[] = "SECURE128:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+CHACHA20-POLY1305"
                           ":+AES-128-GCM:%SERVER_PRECEDENCE";

    return cpu_has_aes() ? aes : chacha;
}

char *http_tls_ca_pem(const struct http_tls *t)
{
    return t->ca_pem.data;
}

static bool name_matches(gnutls_session_t session, const char *want)
{
    char name[256];
    size_t len = sizeof name;
    unsigned type;

    return gnutls_server_name_get(session, name, &len, &type, 0) == 0 && type == GNUTLS_NAME_DNS &&
           strlen(want) == len && !memcmp(name, want, len);
}

static bool key_of(const gnutls_datum_t *der, uint8_t pub[32])
{
    gnutls_x509_crt_t crt = NULL;
    gnutls_pubkey_t key = NULL;
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x = {0};
    bool ok;

    ok = gnutls_x509_crt_init(&crt) >= 0 && gnutls_pubkey_init(&key) >= 0 &&
         gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER) >= 0 &&
         !gnutls_x509_crt_get_ca_status(crt, NULL) && /* the group's own key is nobody's */
         gnutls_pubkey_import_x509(key, crt, 0) >= 0 &&
         gnutls_pubkey_export_ecc_raw2(key, &curve, &x, NULL, 0) >= 0 &&
         curve == GNUTLS_ECC_CURVE_ED25519 && x.size == 32;
    if (ok)
        memcpy(pub, x.data, 32);
    gnutls_free(x.data);
    if (key)
        gnutls_pubkey_deinit(key);
    if (crt)
        gnutls_x509_crt_deinit(crt);
    return ok;
}

/* GnuTLS calls this within the handshake, when the client has shown that it holds the private key.
 */
static int check_client(gnutls_session_t session)
{
    char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st want = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                  .data = (unsigned char *)purpose};
    struct http_conn *c = http_conn_of(gnutls_session_get_ptr(session));
    const gnutls_datum_t *chain;
    unsigned status = ~0u, n = 0;

    if (gnutls_certificate_verify_peers(session, &want, 1, &status) < 0 || status)
        return GNUTLS_E_CERTIFICATE_ERROR;
    chain = gnutls_certificate_get_peers(session, &n);
    if (!chain || !n || !key_of(chain, c->pub)) /* some clients send the CA along */
        return GNUTLS_E_CERTIFICATE_ERROR;
    c->proven = true;
    http_conn_phase(c, HTTP_HEAD);
    return 0;
}

static int pick_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                            gnutls_pcert_st **certs, unsigned *certs_len,
                            gnutls_ocsp_data_st **ocsp, unsigned *ocsp_len, gnutls_privkey_t *key,
                            unsigned *flags)
{
    struct http_tls *t = http_conn_of(gnutls_session_get_ptr(session))->s->tls;

    (void)info;
    if (!name_matches(session, t->server_name))
        return -1;
    gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
    gnutls_session_set_verify_function(session, check_client);
    *certs = &t->cert;
    *certs_len = 1;
    *ocsp = NULL;
    *ocsp_len = 0;
    *key = t->key;
    *flags = 0; /* they stay ours */
    return 0;
}

void *http_tls_callback(void)
{
    gnutls_certificate_retrieve_function3 *fn = pick_certificate;
    void *p;

    memcpy(&p, &fn, sizeof p); /* MHD's option array carries it as an object pointer */
    return p;
}

static int load_key(struct http_tls *t, const struct buf *pem)
{
    gnutls_datum_t d = {.data = (unsigned char *)pem->data, .size = (unsigned)pem->len};
    int rc = gnutls_privkey_init(&t->key);

    t->has_key = rc >= 0;
    return rc < 0 ? rc : gnutls_privkey_import_x509_raw(t->key, &d, GNUTLS_X509_FMT_PEM, NULL, 0);
}

static int load_cert(struct http_tls *t, const struct buf *pem)
{
    gnutls_datum_t d = {.data = (unsigned char *)pem->data, .size = (unsigned)pem->len};
    int rc = gnutls_pcert_import_x509_raw(&t->cert, &d, GNUTLS_X509_FMT_PEM, 0);

    t->has_cert = rc >= 0;
    return rc;
}

struct http_tls *http_tls_new(const struct http_identity *id, struct err *e)
{
    struct http_tls *t = mem_zero(1, sizeof *t);
    struct buf cert = {0}, key = {0};
    int rc = 0, bad;

    t->server_name = mem_str(id->server_name);
    bad = save_read(id->ca_file, PEM_FILE_MAX, &t->ca_pem, e) ||
          save_read(id->cert_file, PEM_FILE_MAX, &cert, e) ||
          save_read(id->key_file, PEM_FILE_MAX, &key, e);
    if (!bad && ((rc = load_cert(t, &cert)) < 0 || (rc = load_key(t, &key)) < 0))
        bad = err_set(e, ERR_IO, "cannot use %s and %s: %s", id->cert_file, id->key_file,
                      gnutls_strerror(rc));
    if (key.data)
        gnutls_memset(key.data, 0, key.len);
    buf_free(&key);
    buf_free(&cert);
    if (bad) {
        http_tls_free(t);
        return NULL;
    }
    return t;
}

void http_tls_free(struct http_tls *t)
{
    if (!t)
        return;
    if (t->has_cert)
        gnutls_pcert_deinit(&t->cert);
    if (t->has_key)
        gnutls_privkey_deinit(t->key);
    buf_free(&t->ca_pem);
    mem_free(t->server_name);
    mem_free(t);
}
