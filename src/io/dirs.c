#include "io/dirs.h"

#include "base/limits.h"
#include "base/mem.h"
#include "io/save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define USER_DIRS_MAX (64u << 10) /* bytes of a user-dirs.dirs */

char *dirs_home(struct err *e)
{
    const char *home = getenv("HOME");

    if (home && home[0] == '/')
        return mem_str(home);
    err_set(e, ERR_USAGE, "cannot tell your home folder: HOME is not set");
    err_hint(e, "set HOME, or IWANT_HOME, --share and --downloads");
    return NULL;
}

static char *below_home(const char *name, struct err *e)
{
    char *home = dirs_home(e);
    struct buf b = {0};

    if (!home)
        return NULL;
    buf_printf(&b, "%s%s%s", home, strcmp(home, "/") ? "/" : "", name);
    mem_free(home);
    return buf_take(&b, NULL);
}

char *dirs_absolute(const char *path, struct err *e)
{
    char cwd[PATH_LEN_MAX + 1];
    struct buf b = {0};

    if (path[0] == '/')
        return mem_str(path);
    if (!strcmp(path, "~"))
        return dirs_home(e);
    if (!strncmp(path, "~/", 2))
        return below_home(path + 2, e);
    if (!getcwd(cwd, sizeof cwd)) {
        err_sys(e, ERR_USAGE, errno, "cannot tell the working folder");
        return NULL;
    }
    buf_printf(&b, "%s%s%s", cwd, strcmp(cwd, "/") ? "/" : "", path);
    return buf_take(&b, NULL);
}

char *dirs_state(struct err *e)
{
    const char *set = getenv("IWANT_HOME");

    return set && *set ? dirs_absolute(set, e) : below_home(".iwant", e);
}

char *dirs_from_text(const char *text, const char *name, const char *home)
{
    size_t len = strlen(name);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        const char *p = line + strspn(line, "\n \t"), *end;
        struct buf b = {0};

        line = p;
        if (strncmp(p, name, len) || strncmp(p + len, "=\"", 2))
            continue;
        p += len + 2;
        if (!strncmp(p, "$HOME", 5) && (p[5] == '/' || p[5] == '"')) {
            buf_str(&b, home);
            p += 5;
        } else if (*p != '/') {
            continue;
        }
        end = p + strcspn(p, "\"\n");
        buf_add(&b, p, (size_t)(end - p));
        while (b.len > 1 && b.data[b.len - 1] == '/')
            b.data[--b.len] = '\0';
        return buf_take(&b, NULL);
    }
    return NULL;
}

/* What the desktop was told, as xdg-user-dirs writes it. A folder that equals the home folder means
 * "none". */
static char *from_file(const char *name, const char *home)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    struct buf path = {0}, text = {0};
    struct err ignored;
    char *found = NULL;

    if (config && config[0] == '/')
        buf_printf(&path, "%s/user-dirs.dirs", config);
    else
        buf_printf(&path, "%s/.config/user-dirs.dirs", home);
    if (!save_read(path.data, USER_DIRS_MAX, &text, &ignored))
        found = dirs_from_text(buf_cstr(&text), name, home);
    if (found && !strcmp(found, home)) {
        mem_free(found);
        found = NULL;
    }
    buf_free(&path);
    buf_free(&text);
    return found;
}

static char *user_dir(const char *name, const char *fallback, struct err *e)
{
    const char *set = getenv(name);
    char *home, *found;

    if (set && set[0] == '/')
        return mem_str(set);
    home = dirs_home(e);
    if (!home)
        return NULL;
    found = from_file(name, home);
    mem_free(home);
    return found ? found : below_home(fallback, e);
}

char *dirs_public(struct err *e)
{
    return user_dir("XDG_PUBLICSHARE_DIR", "Public", e);
}

char *dirs_downloads(struct err *e)
{
    return user_dir("XDG_DOWNLOAD_DIR", "Downloads", e);
}

int dirs_make(const char *path, struct err *e)
{
    char *copy = mem_str(path);
    int bad = 0;

    for (char *p = copy + 1; !bad && p[-1]; p++) {
        char was = *p;

        if (was && was != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0777) && errno != EEXIST)
            bad = errno;
        *p = was;
        if (!was)
            break;
    }
    mem_free(copy);
    return bad ? err_sys(e, ERR_USAGE, bad, "cannot make the folder %s", path) : 0;
}

bool dirs_is_foreign(const char *path)
{
    struct stat st;

    if (lstat(path, &st))
        return errno == EACCES || errno == EPERM;
    return st.st_uid != geteuid();
}
