#include "svc/share_rules.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *share_skip_word(enum share_skip why)
{
    static const char *const words[SKIP_COUNT] = {
        [SKIP_NOT] = "shared",
        [SKIP_HIDDEN] = "hidden",
        [SKIP_LINK] = "links",
        [SKIP_SPECIAL] = "special",
        [SKIP_PARTIAL] = "partial",
        [SKIP_SECRET] = "secret",
        [SKIP_UNREADABLE] = "unreadable",
        [SKIP_FOREIGN] = "foreign",
        [SKIP_IGNORED] = "ignored",
        [SKIP_TAKEN] = "taken",
    };

    return words[why];
}

/* ---- the list of a folder ---- */

/* 1: read, 0: being written, negative: cannot be. */
static int read_list(const struct root *r, const char *path, struct buf *out, struct err *e)
{
    struct root_stat st;
    int fd = root_read_fd(r, path, &st, e);
    ssize_t got;

    if (fd < 0)
        return fd;
    if (root_being_written(fd)) {
        close(fd);
        return 0;
    }
    do {
        got = read(fd, buf_room(out, 4096), 4096);
        if (got > 0)
            out->len += (size_t)got;
    } while ((got > 0 || (got < 0 && errno == EINTR)) && out->len <= IGNORE_BYTES_MAX);
    if (got < 0)
        err_sys(e, ERR_IO, errno, "cannot read " SHARE_IGNORE_FILE);
    else if (out->len > IGNORE_BYTES_MAX)
        err_set(e, ERR_USAGE, SHARE_IGNORE_FILE " is over %u bytes", IGNORE_BYTES_MAX);
    close(fd);
    return got < 0 || out->len > IGNORE_BYTES_MAX ? -e->code : 1;
}

bool share_read_ignore(struct share_rules *rules, const struct root *r, const char *folder)
{
    struct buf path = {0}, list = {0};
    bool changed = false;
    char name[300];
    struct err e;
    int got;

    buf_printf(&path, "%s%s" SHARE_IGNORE_FILE, folder, *folder ? "/" : "");
    got = read_list(r, path.data, &list, &e);
    if (got > 0) {
        changed = ignore_put(rules->ignore, folder, list.data, list.len);
    } else if (got < 0 && (e.sys == ENOENT || e.sys == ENOTDIR)) {
        changed = ignore_put(rules->ignore, folder, "", 0);
    } else if (got < 0) {
        changed = ignore_put_all(rules->ignore, folder);
        if (changed)
            log_warn("share", "nothing_shared folder=%s reason=\"%s\"",
                     show_to(name, sizeof name, folder, strlen(folder)), e.text);
    }
    buf_free(&path);
    buf_free(&list);
    return changed;
}

/* ---- one child ---- */

enum share_skip share_rule(const struct share_rules *rules, const char *folder, const char *name,
                           const struct root_stat *st)
{
    const struct root_stat *top = &rules->top;
    size_t len = strlen(name);

    if (path_is_partial(name, len))
        return SKIP_PARTIAL;
    if (!rules->hidden && path_is_hidden(name, len))
        return SKIP_HIDDEN;
    if (st->kind == 'l')
        return SKIP_LINK;
    if (st->kind == 'o' || path_check_name(name, len) != PATH_OK)
        return SKIP_SPECIAL;
    if (st->dev != top->dev)
        return SKIP_FOREIGN;
    if (ignore_has(rules->ignore, folder, name, st->kind == 'd'))
        return SKIP_IGNORED;
    if (st->kind == 'd')
        return SKIP_NOT;
    if (path_looks_secret(name, len))
        return SKIP_SECRET;
    if (st->uid != top->uid && st->uid != root_own_uid())
        return SKIP_FOREIGN;
    return st->size > FILE_SIZE_MAX ? SKIP_SPECIAL : SKIP_NOT;
}

/* ---- folders that cannot be shared ---- */

static bool below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return !strncmp(path, folder, len) && path[len] == '/';
}

static bool is_systems(const char *path)
{
    static const struct {
        const char *path;
        bool below; /* what lies in it is the system's too */
    } rows[] = {{"/home", false}, {"/usr", false}, {"/var", false}, {"/etc", true}, {"/proc", true},
                {"/sys", true},   {"/boot", true}, {"/dev", true},  {"/run", true}};

    if (below(path, "/run/media") || below(path, "/dev/shm"))
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(path, rows[i].path) || (rows[i].below && below(path, rows[i].path)))
            return true;
    return false;
}

/* r is path, or above it; or, if inside is set, in it. */
static bool meets(const struct root *r, const char *path, bool inside)
{
    struct err e;
    struct root *other = root_open(path, &e);
    bool yes = other && (root_within(other, r) || (inside && root_within(r, other)));

    root_close(other);
    return yes;
}

static bool is_owners(const struct root *r, const char *state)
{
    static const char *const secret[] = {".ssh", ".gnupg", ".config"};
    const char *home = getenv("HOME");
    char path[4200];

    if (state && meets(r, state, true))
        return true;
    if (!home)
        return false;
    for (size_t i = 0; i < sizeof secret / sizeof *secret; i++) {
        snprintf(path, sizeof path, "%s/%s", home, secret[i]);
        if (meets(r, path, true))
            return true;
    }
    return meets(r, home, false);
}

int share_folder_ok(const struct root *r, const char *state, struct err *e)
{
    char name[256];

    if (!is_systems(root_path(r)) && !is_owners(r, state))
        return 0;
    err_set(e, ERR_USAGE, "cannot share %s: it holds what is not for others",
            show_to(name, sizeof name, root_path(r), strlen(root_path(r))));
    err_hint(e, "share a folder that is made for it, such as ~/Public");
    return -ERR_USAGE;
}
