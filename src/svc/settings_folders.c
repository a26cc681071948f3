/* The rules that the folders must keep, and what is shared when one is added or taken away. */
#include "base/limits.h"
#include "base/mem.h"
#include "core/path.h"
#include "io/dirs.h"
#include "io/root.h"
#include "svc/settings.h"

#include <string.h>

static const char *verb(enum conf_key key)
{
    return key == CONF_SHARE ? "share" : "download to";
}

static int refuse(enum conf_key key, const struct root *r, struct err *e, const char *why)
{
    char shown[SHOW_COLUMNS_MAX / 2];
    const char *path = root_path(r);

    err_set(e, ERR_USAGE, "cannot %s %s: %s", verb(key),
            show_to(shown, sizeof shown, path, strlen(path)), why);
    err_hint(e, key == CONF_SHARE ? "share a folder that is made for it, as ~/Public"
                                  : "take a folder that is made for it, as ~/Downloads");
    return -ERR_USAGE;
}

/* A folder that must not be given away: neither itself nor what it lies in, and, when deep, nothing
 * inside either. */
static int check_guarded(enum conf_key key, const struct root *r, const char *guarded, bool deep,
                         const char *why, struct err *e)
{
    struct err ignored;
    struct root *g = root_open(guarded, &ignored);
    int rc = 0;

    if (!g) /* not there, or closed to us: then it is not below a folder that we can read, either */
        return 0;
    if (root_within(g, r) || (deep && root_within(r, g)))
        rc = refuse(key, r, e, why);
    root_close(g);
    return rc;
}

static int check_private(enum conf_key key, const struct root *r, const char *home, struct err *e)
{
    static const char *const secret[] = {".ssh", ".gnupg", ".config"};
    struct err ignored;
    char *user = dirs_home(&ignored), *path;
    int rc = 0;

    if (user)
        rc = check_guarded(key, r, user, false, "it is or holds your home folder", e);
    if (!rc)
        rc = check_guarded(key, r, home, true, "iwant's own keys and settings are there", e);
    for (size_t i = 0; user && !rc && i < sizeof secret / sizeof *secret; i++) {
        path = settings_path(user, secret[i]);
        rc = check_guarded(key, r, path, true, "keys or settings of yours are there", e);
        mem_free(path);
    }
    mem_free(user);
    return rc;
}

static int check_system(enum conf_key key, const struct root *r, struct err *e)
{
    static const struct {
        const char *path;
        bool deep;
    } of[] = {
        {"/home", false}, {"/etc", true},  {"/proc", true}, {"/sys", true},  {"/boot", true},
        {"/dev", false},  {"/usr", false}, {"/var", false}, {"/run", false},
    };
    int rc = 0;

    for (size_t i = 0; !rc && i < sizeof of / sizeof *of; i++)
        rc = check_guarded(key, r, of[i].path, of[i].deep, "it is a folder of the system", e);
    return rc;
}

static int check_folder(enum conf_key key, const struct root *r, const char *home, struct err *e)
{
    const char *name = strrchr(root_path(r), '/');
    int rc = check_private(key, r, home, e);

    if (!rc)
        rc = check_system(key, r, e);
    if (!rc && key == CONF_DOWNLOAD && name && name[1] == '.')
        rc = refuse(key, r, e, "it is a hidden folder");
    return rc;
}

/* Where a folder lies, also when its disk is not there now. */
struct where {
    char *path;
    struct root *root; /* NULL: not there */
};

static struct where where_of(const char *path)
{
    struct err ignored;
    struct where w = {.root = root_open(path, &ignored)};

    w.path = mem_str(w.root ? root_path(w.root) : path);
    return w;
}

static void where_done(struct where *w)
{
    mem_free(w->path);
    root_close(w->root);
}

static bool lies_in(const struct where *a, const struct where *b)
{
    size_t len = strlen(b->path);

    return (a->root && b->root && root_within(a->root, b->root)) ||
           (!strncmp(a->path, b->path, len) && (!a->path[len] || a->path[len] == '/'));
}

static const char *shown(char out[SHOW_COLUMNS_MAX / 2], const struct where *w)
{
    return show_to(out, SHOW_COLUMNS_MAX / 2, w->path, strlen(w->path));
}

static int check_pair(const struct where *share, const struct where *download, struct err *e)
{
    char a[SHOW_COLUMNS_MAX / 2], b[SHOW_COLUMNS_MAX / 2];
    const char *in = shown(a, share), *out = shown(b, download);

    if (!lies_in(share, download) && !lies_in(download, share))
        return 0;
    if (!strcmp(share->path, download->path))
        err_set(e, ERR_USAGE, "cannot share %s: it is the download folder as well", in);
    else if (lies_in(share, download))
        err_set(e, ERR_USAGE, "cannot share %s: it lies inside the download folder %s", in, out);
    else
        err_set(e, ERR_USAGE, "cannot share %s: the download folder %s lies inside it", in, out);
    err_hint(
        e,
        "the shared and the download folder must lie apart, else what is fetched is shared unseen");
    return -ERR_USAGE;
}

/* Of two shared folders none may lie in the other: what lies in both would be told twice. */
static int check_apart(const struct where *one, const struct where *other, struct err *e)
{
    char a[SHOW_COLUMNS_MAX / 2], b[SHOW_COLUMNS_MAX / 2];
    const char *is = shown(a, one), *has = shown(b, other);
    bool in = lies_in(one, other), out = lies_in(other, one);

    if (!in && !out)
        return 0;
    if (in && out)
        err_set(e, ERR_USAGE, "cannot share %s: it is shared already", is);
    else if (in)
        err_set(e, ERR_USAGE, "cannot share %s: it lies inside the shared folder %s", is, has);
    else
        err_set(e, ERR_USAGE, "cannot share %s: the shared folder %s lies inside it", is, has);
    err_hint(e, "iwanto share lists the shared folders");
    return -ERR_USAGE;
}

static struct root *open_folder(enum conf_key key, const char *path, struct err *e)
{
    struct root *r = root_open(path, e);
    struct root_dir *d;
    struct err why;

    if (!r) {
        e->code = ERR_USAGE; /* whatever the system says, the setting is to be changed */
        return NULL;
    }
    d = root_list(r, "", &why);
    if (!d) {
        err_set(e, ERR_USAGE, "cannot %s %s: %s", verb(key), path, why.text);
        root_close(r);
        return NULL;
    }
    root_list_end(d);
    return r;
}

/* The shared folders as c has them: the first, unless there is none, then the others. */
static size_t all_shared(const struct conf *c, struct where out[SHARE_FOLDERS_MAX])
{
    const char *first = conf_text(c, CONF_SHARE);
    size_t count = 0;
    char *one;

    if (first && strcmp(first, CONF_NONE) != 0)
        out[count++] = where_of(first);
    for (size_t n = 0; count < SHARE_FOLDERS_MAX && (one = conf_path(c, CONF_ALSO, n)); n++) {
        out[count++] = where_of(one);
        mem_free(one);
    }
    return count;
}

static void all_done(struct where *of, size_t count)
{
    while (count)
        where_done(&of[--count]);
}

/* A folder of the settings, by the rules for it alone. Gives its canonical path. */
static int check_named(struct conf *c, const char *home, enum conf_key key, bool make,
                       struct err *e)
{
    struct root *r = NULL;
    int rc = 0;

    if (!strcmp(c->value[key], CONF_NONE))
        return 0;
    if (make && c->source[key] == CONF_DEFAULT)
        rc = dirs_make(c->value[key], e);
    if (!rc && !(r = open_folder(key, c->value[key], e)))
        rc = -e->code;
    if (!rc)
        rc = check_folder(key, r, home, e);
    if (!rc)
        settings_replace(c, key, mem_str(root_path(r)));
    root_close(r);
    return rc;
}

/* The added ones: those that are not there now are taken as they are. */
static int check_added(struct conf *c, const char *home, struct err *e)
{
    struct where all[SHARE_FOLDERS_MAX];
    bool has_first = strcmp(conf_text(c, CONF_SHARE), CONF_NONE) != 0;
    size_t count = all_shared(c, all);
    char *over = conf_path(c, CONF_ALSO, SHARE_FOLDERS_MAX - has_first);
    struct buf canonical = {0};
    int rc = 0;

    if (over)
        rc = err_set(e, ERR_USAGE, "cannot share more than %u folders", SHARE_FOLDERS_MAX);
    mem_free(over);
    for (size_t i = has_first; i < count && !rc; i++) {
        if (all[i].root)
            rc = check_folder(CONF_SHARE, all[i].root, home, e);
        for (size_t k = 0; k < i && !rc; k++)
            rc = check_apart(&all[i], &all[k], e);
        conf_path_add(&canonical, all[i].path);
    }
    if (!rc)
        settings_replace(c, CONF_ALSO, mem_str(buf_cstr(&canonical)));
    buf_free(&canonical);
    all_done(all, count);
    return rc;
}

/* None of the shared folders may meet this one. */
static int check_download(const struct conf *c, const struct where *download, struct err *e)
{
    struct where all[SHARE_FOLDERS_MAX];
    size_t count = all_shared(c, all);
    int rc = 0;

    for (size_t i = 0; i < count && !rc; i++)
        rc = check_pair(&all[i], download, e);
    all_done(all, count);
    return rc;
}

int settings_check(struct conf *c, const char *home, bool make, struct err *e)
{
    struct where download;
    int rc = check_named(c, home, CONF_SHARE, make, e);

    if (!rc)
        rc = check_named(c, home, CONF_DOWNLOAD, make, e);
    if (!rc)
        rc = check_added(c, home, e);
    if (rc)
        return rc;
    download = where_of(conf_text(c, CONF_DOWNLOAD));
    rc = check_download(c, &download, e);
    where_done(&download);
    return rc;
}

/* A new folder by its rules, for what c has otherwise. */
static int check_new(const struct conf *c, const char *home, enum conf_key key, const char *path,
                     struct where *out, struct err *e)
{
    struct root *r = open_folder(key, path, e);
    struct where download;
    int rc;

    *out = (struct where){0};
    if (!r)
        return -e->code;
    *out = (struct where){mem_str(root_path(r)), r};
    rc = check_folder(key, r, home, e);
    if (rc || !conf_text(c, CONF_DOWNLOAD))
        return rc;
    if (key == CONF_DOWNLOAD)
        return check_download(c, out, e);
    download = where_of(conf_text(c, CONF_DOWNLOAD));
    rc = check_pair(out, &download, e);
    where_done(&download);
    return rc;
}

int settings_check_download(const struct conf *c, const char *home, const char *path,
                            char **canonical, struct err *e)
{
    struct where is;
    int rc = check_new(c, home, CONF_DOWNLOAD, path, &is, e);

    *canonical = rc ? NULL : mem_str(is.path);
    where_done(&is);
    return rc;
}

/* ---- which folders are shared ---- */

static int add(const struct conf *c, const struct where *is, struct settings_shared *out,
               struct err *e)
{
    struct where all[SHARE_FOLDERS_MAX];
    size_t count = all_shared(c, all);
    struct buf also = {0};
    int rc = 0;

    for (size_t i = 0; i < count && !rc; i++)
        rc = check_apart(is, &all[i], e);
    if (!rc && count == SHARE_FOLDERS_MAX)
        rc = err_set(e, ERR_USAGE, "cannot share more than %u folders", SHARE_FOLDERS_MAX);
    buf_str(&also, conf_text(c, CONF_ALSO));
    conf_path_add(&also, is->path);
    out->share = mem_str(conf_text(c, CONF_SHARE));
    out->also = buf_take(&also, NULL);
    all_done(all, count);
    return rc;
}

static int take_away(const struct conf *c, const char *path, struct settings_shared *out,
                     struct err *e)
{
    char text[SHOW_COLUMNS_MAX / 2], *one;
    const char *first = conf_text(c, CONF_SHARE);
    struct where is = where_of(path);
    bool is_first = !strcmp(first, is.path) || !strcmp(first, path), found = is_first;
    struct buf also = {0};
    int rc = 0;

    for (size_t n = 0; (one = conf_path(c, CONF_ALSO, n)); n++) {
        if (!strcmp(one, is.path) || !strcmp(one, path))
            found = true;
        else
            conf_path_add(&also, one);
        mem_free(one);
    }
    if (!found) {
        err_set(e, ERR_USAGE, "cannot take %s away: it is not shared", shown(text, &is));
        err_hint(e, "iwanto share lists the shared folders");
        rc = -ERR_USAGE;
    }
    out->share = mem_str(is_first ? CONF_NONE : first);
    out->also = buf_take(&also, NULL);
    out->folder = mem_str(is.path);
    where_done(&is);
    return rc;
}

int settings_share(const struct conf *c, const char *home, enum settings_act act, const char *path,
                   struct settings_shared *out, struct err *e)
{
    struct where is;
    int rc;

    *out = (struct settings_shared){0};
    if (act == SETTINGS_REMOVE)
        return take_away(c, path, out, e);
    rc = check_new(c, home, CONF_SHARE, path, &is, e);
    if (!rc && act == SETTINGS_ADD)
        rc = add(c, &is, out, e);
    if (!rc && act == SETTINGS_ONLY) {
        out->share = mem_str(is.path);
        out->also = mem_str("");
    }
    if (!rc)
        out->folder = mem_str(is.path);
    where_done(&is);
    return rc;
}

void settings_shared_done(struct settings_shared *s)
{
    mem_free(s->share);
    mem_free(s->also);
    mem_free(s->folder);
}
