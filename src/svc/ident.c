#include "svc/ident.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/path.h"
#include "io/save.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <uv.h>

#define OPEN_NETWORK   "lan"
#define NETWORK_MAX    63   /* bytes of a network's name, which is a file's name too */
#define PASSPHRASE_MIN 12   /* characters */
#define LINE_MAX_BYTES 1024 /* of a passphrase file */
#define SMALL_FILE_MAX 4096

static char *below(const char *dir, const char *name)
{
    struct buf b = {0};

    buf_printf(&b, "%s/%s", dir, name);
    return buf_take(&b, NULL);
}

/* Text that is printed as it is: valid UTF-8, nothing that show() would change. */
static bool is_plain(const char *text)
{
    struct buf b = {0};
    bool same = !strcmp(show(&b, text, strlen(text)), text);

    buf_free(&b);
    return same;
}

/* ---- home ---- */

static int open_home(const char *home, struct err *e)
{
    bool mended = false;
    int rc = save_dir(home, 0700, &mended, e);

    if (mended)
        log_warn("ident", "home=%s mode=0700: it was open to other users", home);
    return rc;
}

static char *real_home(const char *home, struct err *e)
{
    char *path = NULL;
    uv_fs_t req;
    int rc = uv_fs_realpath(NULL, &req, home, NULL);

    if (rc < 0)
        err_set(e, ERR_IO, "cannot find %s: %s", home, uv_strerror(rc));
    else
        path = mem_str(req.ptr);
    uv_fs_req_cleanup(&req);
    return path;
}

int ident_lock(const char *home, int *fd, struct err *e)
{
    char *path;
    long pid;
    int rc;

    *fd = -1;
    if ((rc = open_home(home, e)))
        return rc;
    path = below(home, "lock");
    rc = save_lock(path, fd, &pid, e);
    mem_free(path);
    if (rc != -ERR_EXISTS)
        return rc;
    err_set(e, ERR_USAGE, "a service already runs on %s (pid %ld)", home, pid);
    err_hint(e, "end it with: iwanto stop");
    return -ERR_USAGE;
}

/* ---- key and counter ---- */

static int make_key(struct ident *id, const char *path, struct err *e)
{
    uint8_t seed[32];
    struct buf pem = {0};
    int rc;

    randombytes_buf(seed, sizeof seed);
    rc = cert_key_pem(seed, &pem, e);
    if (!rc && !(rc = save_write(path, pem.data, pem.len, 0600, e)))
        seal_key_from_seed(&id->key, seed);
    sodium_memzero(seed, sizeof seed);
    if (pem.data)
        sodium_memzero(pem.data, pem.len);
    buf_free(&pem);
    return rc;
}

static int load_key(struct ident *id, bool *made, struct err *e)
{
    char *path = below(id->home, "key.pem");
    struct buf pem = {0};
    struct err why = {0};
    uint8_t seed[32];
    int rc = save_read(path, SMALL_FILE_MAX, &pem, e);

    *made = rc == -ERR_NOT_FOUND;
    if (*made) {
        rc = make_key(id, path, e);
    } else if (!rc && cert_key_seed(buf_cstr(&pem), pem.len, seed, &why)) {
        rc = err_set(e, ERR_USAGE, "cannot use %s: %s", path, why.text);
        err_hint(e, "put a copy of it back; or move it away, and this peer gets a new identity");
    } else if (!rc) {
        seal_key_from_seed(&id->key, seed);
        sodium_memzero(seed, sizeof seed);
    }
    if (!rc)
        seal_nid(&id->nid, id->key.pub);
    if (pem.data)
        sodium_memzero(pem.data, pem.len);
    buf_free(&pem);
    mem_free(path);
    return rc;
}

/* A number as the whole of a file; 0 when it is none. */
static uint64_t number_in(struct buf *text)
{
    uint64_t n = 0;

    while (text->len && text->data[text->len - 1] == '\n')
        text->data[--text->len] = '\0';
    return str_parse_u64(buf_cstr(text), 1, UINT32_MAX, &n) ? n : 0;
}

/* Others believe the newest start of ours, so the number must rise even when the file is lost: then
 * the seconds since 1970 are surely more than all starts before. */
static int count_start(struct ident *id, bool new_key, struct err *e)
{
    char *path = below(id->home, "boot"), line[24];
    struct buf text = {0};
    uint64_t last = 0;
    int rc = save_read(path, SMALL_FILE_MAX, &text, e);

    if (!rc)
        last = number_in(&text);
    if (!last && (!new_key || rc != -ERR_NOT_FOUND)) {
        last = (uint64_t)time(NULL) & UINT32_MAX;
        log_warn("ident", "boot=lost next=%llu", (unsigned long long)last + 1);
    }
    id->inc = (uint32_t)(last + 1);
    if (!id->inc) {
        rc = err_set(e, ERR_USAGE, "%s is at its end", path);
    } else {
        snprintf(line, sizeof line, "%lu\n", (unsigned long)id->inc);
        rc = save_write(path, line, strlen(line), 0600, e);
    }
    buf_free(&text);
    mem_free(path);
    return rc;
}

/* ---- network ---- */

static void warn_if_readable(const char *path)
{
    uv_fs_t req;

    if (!uv_fs_stat(NULL, &req, path, NULL) && req.statbuf.st_mode & 077 &&
        (req.statbuf.st_mode & S_IFMT) == S_IFREG)
        log_warn("ident", "passphrase-file=%s mode=%03o: other users may read it", path,
                 (unsigned)(req.statbuf.st_mode & 0777));
    uv_fs_req_cleanup(&req);
}

static size_t characters(const char *utf8)
{
    size_t n = 0;

    for (; *utf8; utf8++)
        n += ((unsigned char)*utf8 & 0xc0) != 0x80;
    return n;
}

/* The first line; a pipe will do as well as a file. */
static int read_passphrase(const char *path, char line[LINE_MAX_BYTES], struct err *e)
{
    FILE *f = fopen(path, "r");
    size_t len;

    if (!f) {
        err_sys(e, ERR_USAGE, errno, "cannot open the passphrase file %s", path);
        err_hint(e,
                 "its first line is the passphrase, the same on every computer: six random words");
        return -ERR_USAGE;
    }
    setvbuf(f, NULL, _IONBF, 0); /* no second copy of it in memory */
    if (!fgets(line, LINE_MAX_BYTES, f))
        line[0] = '\0';
    fclose(f);
    len = strlen(line);
    if (len == LINE_MAX_BYTES - 1)
        return err_set(e, ERR_USAGE, "the first line of %s is too long for a passphrase", path);
    while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        line[--len] = '\0';
    if (characters(line) < PASSPHRASE_MIN) {
        err_set(e, ERR_USAGE, "the passphrase in %s is too short: at least %d characters", path,
                PASSPHRASE_MIN);
        err_hint(e, "who records one datagram can guess for ever: take six random words");
        return -ERR_USAGE;
    }
    warn_if_readable(path);
    return 0;
}

static int derive_group(struct ident *id, const char *passphrase_file, uint8_t group[32],
                        struct err *e)
{
    char line[LINE_MAX_BYTES];
    int rc = read_passphrase(passphrase_file, line, e);

    if (!rc)
        rc = seal_group_key(group, id->network, line, e);
    sodium_memzero(line, sizeof line);
    return rc;
}

/* home/networks/NAME.key: 64 hex digits. The passphrase itself is never stored. */
static int read_group(const char *path, uint8_t group[32], struct err *e)
{
    struct buf text = {0};
    int rc = save_read(path, SMALL_FILE_MAX, &text, e);

    if (!rc && (text.len != 65 || text.data[64] != '\n' || !str_unhex(group, 32, text.data, 64))) {
        rc = err_set(e, ERR_USAGE, "%s is damaged", path);
        err_hint(e, "give the passphrase again: --passphrase-file FILE");
    }
    if (text.data)
        sodium_memzero(text.data, text.len);
    buf_free(&text);
    return rc;
}

static int write_group(const struct ident *id, const char *path, const uint8_t group[32],
                       struct err *e)
{
    char *dir = below(id->home, "networks"), text[66];
    int rc = save_dir(dir, 0700, NULL, e);

    if (!rc) {
        str_hex(text, group, 32);
        text[64] = '\n';
        rc = save_write(path, text, 65, 0600, e);
        sodium_memzero(text, sizeof text);
    }
    mem_free(dir);
    return rc;
}

static int private_group(struct ident *id, const char *passphrase_file, uint8_t group[32],
                         struct err *e)
{
    struct buf path = {0};
    struct err other;
    uint8_t old[32];
    int rc;

    buf_printf(&path, "%s/networks/%s.key", id->home, id->network);
    if (!passphrase_file) {
        rc = read_group(path.data, group, e);
        if (rc == -ERR_NOT_FOUND) {
            rc = err_set(e, ERR_USAGE, "the network \"%s\" needs its passphrase", id->network);
            err_hint(e, "write it into a file and name that once: --passphrase-file FILE");
        }
    } else {
        rc = derive_group(id, passphrase_file, group, e);
        if (!rc &&
            strcmp(id->network, OPEN_NETWORK) != 0 && /* "lan" without its file is the open one */
            (read_group(path.data, old, &other) || sodium_memcmp(old, group, 32)))
            rc = write_group(id, path.data, group, e);
        sodium_memzero(old, sizeof old);
    }
    buf_free(&path);
    return rc;
}

static int load_network(struct ident *id, const char *network, const char *passphrase_file,
                        struct err *e)
{
    uint8_t group[32];
    size_t len = strlen(network);
    int rc = 0;

    if (path_check_name(network, len) != PATH_OK || len > NETWORK_MAX || network[0] == '.' ||
        !is_plain(network))
        return err_set(e, ERR_USAGE,
                       "a network's name has 1 to %d bytes, no '/', no leading dot, no control "
                       "characters",
                       NETWORK_MAX);
    id->network = mem_str(network);
    id->open = !passphrase_file && !strcmp(network, OPEN_NETWORK);
    if (id->open)
        seal_open_group(group, network);
    else
        rc = private_group(id, passphrase_file, group, e);
    if (!rc)
        seal_derive(&id->net, group);
    sodium_memzero(group, sizeof group);
    return rc;
}

/* ---- name ---- */

static int take_name(struct ident *id, const char *name, struct err *e)
{
    char host[UV_MAXHOSTNAMESIZE];
    size_t cap = sizeof host, len;

    if (name) {
        if (!*name || strlen(name) > PEER_NAME_MAX || !is_plain(name))
            return err_set(e, ERR_USAGE, "a peer's name has 1 to %d bytes, no control characters",
                           PEER_NAME_MAX);
        id->name = mem_str(name);
        return 0;
    }
    if (uv_os_gethostname(host, &cap) || !is_plain(host))
        host[0] = '\0';
    len = strcspn(host, ".");
    if (len > PEER_NAME_MAX)
        len = PEER_NAME_MAX; /* a host's name is ASCII */
    id->name = len ? mem_strn(host, len) : mem_str("somebody");
    return 0;
}

/* ---- all of it ---- */

static int write_certificates(struct ident *id, struct err *e)
{
    char *dir = below(id->home, "tls");
    int rc = cert_write(dir, id->net.ca_seed, id->key.seed, id->key.pub, id->net.server_name,
                        &id->files, e);

    mem_free(dir);
    id->tls =
        (struct http_identity){id->files.ca, id->files.cert, id->files.key, id->net.server_name};
    return rc;
}

int ident_load(struct ident *id, const char *home, const char *network, const char *passphrase_file,
               const char *name, struct err *e)
{
    bool made;
    int rc;

    *id = (struct ident){.lock_fd = -1};
    if (sodium_init() < 0)
        return err_set(e, ERR_IO, "cannot get random numbers from the system");
    if ((rc = open_home(home, e)))
        return rc;
    id->home = real_home(home, e);
    if (!id->home)
        rc = -e->code;
    if (rc || (rc = take_name(id, name, e)) || (rc = load_key(id, &made, e)) ||
        (rc = load_network(id, network, passphrase_file, e)) || (rc = count_start(id, made, e)) ||
        (rc = write_certificates(id, e)))
        ident_done(id);
    return rc;
}

void ident_done(struct ident *id)
{
    mem_free(id->home);
    mem_free(id->name);
    mem_free(id->network);
    cert_files_done(&id->files);
    if (id->lock_fd >= 0) {
        uv_fs_t req;

        uv_fs_close(NULL, &req, id->lock_fd, NULL);
        uv_fs_req_cleanup(&req);
    }
    sodium_memzero(id, sizeof *id);
    id->lock_fd = -1;
}
