/* Folders of whose changes not all are told: where the limit of watches is met, on file systems
 * that others change (network, FUSE), and where files have several names: inotify(7) tells only of
 * the name that was written through, and that may lie elsewhere. They alone are listed again from
 * time to time, and each listing tries to watch them anew: once the limit is raised, that ends by
 * itself. */
#include "svc/share_priv.h"

#include "base/log.h"

#include <string.h>

static struct blind *find(const struct share *s, const char *path)
{
    struct blind *b;

    HASH_FIND_STR(s->blind, path, b);
    return b;
}

bool sweep_has(const struct share *s, const char *path)
{
    return find(s, path);
}

static void forget(struct share *s, struct blind *b)
{
    s->limited -= b->limit;
    HASH_DEL(s->blind, b);
    mem_free(b);
}

void sweep_note(struct share *s, const char *path, bool blind, bool limit)
{
    struct blind *b = find(s, path);
    size_t len = strlen(path);

    if (b && (!blind || b->limit != limit)) {
        forget(s, b);
        b = NULL;
    }
    if (b || !blind)
        return;
    b = mem_zero(1, sizeof *b + len + 1);
    b->limit = limit;
    memcpy(b->path, path, len + 1);
    HASH_ADD_KEYPTR(hh, s->blind, b->path, len, b);
    s->limited += limit;
    if (s->sweep_ms == NEVER && !s->sweeping)
        s->sweep_ms = loop_now_ms() + SWEEP_MIN_MS;
}

void sweep_drop_if(struct share *s, path_fn *fn, void *ctx)
{
    struct blind *b, *next;

    HASH_ITER (hh, s->blind, b, next)
        if (fn(ctx, b->path))
            forget(s, b);
}

static bool is_below(void *ctx, const char *path)
{
    size_t len = strlen(ctx);

    return !len || (!strncmp(path, ctx, len) && (!path[len] || path[len] == '/'));
}

void sweep_drop(struct share *s, const char *path)
{
    char *tree = mem_str(path);

    sweep_drop_if(s, is_below, tree);
    mem_free(tree);
}

static void tell_limit(struct share *s)
{
    bool met = s->limited;

    if (met && !s->watch_limit)
        log_warn("share",
                 "not_watched folders=%zu watched=%zu do='sysctl fs.inotify.max_user_watches=%zu'",
                 s->limited, s->watch ? watch_count(s->watch) : 0, sweep_need(s));
    s->watch_limit = met;
}

size_t sweep_need(const struct share *s)
{
    size_t need = 2 * (s->limited + (s->watch ? watch_count(s->watch) : 0));

    return need < 524288 ? 524288 : need;
}

/* At most a hundredth of the time goes into it. */
void sweep_turn(struct share *s, int64_t now)
{
    struct blind *b, *next;

    if (s->scan || s->listing)
        return;
    if (s->sweeping) {
        int64_t rest = 100 * (now - s->sweep_from_ms);

        s->sweeping = false;
        s->sweep_ms = now + (rest < SWEEP_MIN_MS   ? SWEEP_MIN_MS
                             : rest > SWEEP_MAX_MS ? SWEEP_MAX_MS
                                                   : rest);
    }
    tell_limit(s);
    if (!s->blind)
        s->sweep_ms = NEVER;
    if (now < s->sweep_ms)
        return;
    s->sweeping = true;
    s->sweep_ms = NEVER;
    s->sweep_from_ms = now;
    HASH_ITER (hh, s->blind, b, next)
        share_list(s, b->path, false, 0);
    share_wake(s);
}
