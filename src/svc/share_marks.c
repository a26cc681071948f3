/* Which file was renamed to which, and whether what is known of it still holds.
 *
 * A rename gives a file another ctime, and so does a change of its content; with the size and the
 * modification time put back the two cannot be told apart by looking. What tells them apart is what
 * the system told: a path that was renamed, with nothing said of its content or times since what is
 * known of it was found to be true. A path is marked as soon as something is said of its content,
 * or it was found to be another, until it was read or found to be as known; one that is not marked
 * hands what it is on to its new name. Where events were lost, or while a scan looks for what
 * happened unseen, nothing is handed on: such a file is read again. */
#include "svc/share_priv.h"

#include <string.h>

struct mark {
    UT_hash_handle hh;
    uint64_t seq; /* what is found to be true at this point or later, ends it */
    char *origin; /* it is the file that is known under this path; NULL: it is to be read */
    char path[];
};

static struct mark *find(const struct share *s, const char *path)
{
    struct mark *m;

    HASH_FIND_STR(s->marks, path, m);
    return m;
}

static void forget(struct share *s, struct mark *m)
{
    HASH_DEL(s->marks, m);
    mem_free(m->origin);
    mem_free(m);
}

/* Takes origin. */
static void put(struct share *s, const char *path, char *origin)
{
    struct mark *m = find(s, path);
    size_t len = strlen(path);

    if (m)
        forget(s, m);
    m = mem_zero(1, sizeof *m + len + 1);
    memcpy(m->path, path, len + 1);
    m->origin = origin;
    m->seq = ++s->mark_seq;
    HASH_ADD_KEYPTR(hh, s->marks, m->path, len, m);
}

void mark_unsure(struct share *s, const char *path)
{
    put(s, path, NULL);
}

void mark_from(struct share *s, const char *path, uint32_t cookie)
{
    mem_free(s->moving);
    s->moving = mem_str(path);
    s->moving_cookie = cookie;
}

void mark_to(struct share *s, const char *path, uint32_t cookie)
{
    struct mark *m;

    if (!s->moving || s->moving_cookie != cookie || s->scanning || item_exists(s, s->moving)) {
        put(s, path, NULL);
        return;
    }
    m = find(s, s->moving);
    if (!m)
        put(s, path, mem_str(s->moving));
    else if (m->origin)
        put(s, path, mem_str(m->origin));
    else
        put(s, path, NULL);
    /* What comes under the old name from now on is another file. */
    put(s, s->moving, NULL);
    mem_free(s->moving);
    s->moving = NULL;
}

const char *mark_origin(const struct share *s, const char *path)
{
    const struct mark *m = s->scanning ? NULL : find(s, path);

    return m ? m->origin : NULL;
}

void mark_done(struct share *s, const char *path, uint64_t seq)
{
    struct mark *m = s->marks ? find(s, path) : NULL;

    if (m && m->seq <= seq)
        forget(s, m);
}

void mark_drop_all(struct share *s)
{
    struct mark *m, *next;

    HASH_ITER (hh, s->marks, m, next)
        forget(s, m);
    mem_free(s->moving);
    s->moving = NULL;
}
