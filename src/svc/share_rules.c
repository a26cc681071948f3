#include "svc/share_rules.h"

#include "base/limits.h"
#include "core/path.h"
#include "io/root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum share_skip share_rule(const char *name, size_t len, const struct root_stat *st,
                           const struct root_stat *top, bool hidden)
{
    if (path_is_partial(name, len))
        return SKIP_PARTIAL;
    if (!hidden && path_is_hidden(name, len))
        return SKIP_HIDDEN;
    if (st->kind == 'l')
        return SKIP_LINK;
    if (st->kind == 'o' || path_check_name(name, len) != PATH_OK)
        return SKIP_SPECIAL;
    if (st->dev != top->dev)
        return SKIP_FOREIGN;
    if (st->kind == 'd')
        return SKIP_NOT;
    if (path_looks_secret(name, len))
        return SKIP_SECRET;
    if (st->uid != top->uid && st->uid != root_own_uid())
        return SKIP_FOREIGN;
    return st->size > FILE_SIZE_MAX ? SKIP_SPECIAL : SKIP_NOT;
}

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
