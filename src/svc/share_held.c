/* The handles of the shared folders, for any thread: under share's lock. */
#include "svc/share_priv.h"

#include "base/str.h"

#include <string.h>

const char *place_behind(const char *label, const char *path)
{
    size_t len = strlen(label);

    if (!len)
        return path;
    if (strncmp(path, label, len) != 0 || (path[len] && path[len] != '/'))
        return NULL;
    return path[len] ? path + len + 1 : path + len;
}

static void release(struct share *s)
{
    for (struct held **at = &s->held; *at;) {
        struct held *h = *at;

        if (h->refs || h->current) {
            at = &h->next;
            continue;
        }
        *at = h->next;
        root_close(h->root);
        mem_free(h->label);
        mem_free(h);
    }
}

const struct root *share_root_get(struct share *s, const char *path, const char **below)
{
    struct held *found = NULL;

    uv_mutex_lock(&s->lock);
    for (struct held *h = s->held; h; h = h->next)
        if (h->current && place_behind(h->label, path) && (!found || *h->label))
            found = h;
    if (found) {
        found->refs++;
        *below = place_behind(found->label, path);
    }
    uv_mutex_unlock(&s->lock);
    return found ? found->root : NULL;
}

void share_root_put(struct share *s, const struct root *r)
{
    uv_mutex_lock(&s->lock);
    for (struct held *h = s->held; h; h = h->next)
        if (h->root == r)
            h->refs--;
    release(s);
    uv_mutex_unlock(&s->lock);
}

size_t share_folders(struct share *s, struct share_folder *out, size_t max)
{
    size_t count = 0;

    uv_mutex_lock(&s->lock);
    for (const struct place *p = s->places; p && count < max; p = p->next, count++) {
        str_copy(out[count].path, sizeof out->path, p->path);
        str_copy(out[count].name, sizeof out->name, p->label ? p->label : "");
        out[count].here = p->held;
    }
    uv_mutex_unlock(&s->lock);
    return count;
}

void place_hold(struct share *s, struct place *p, struct root *root)
{
    struct held *h = NULL;
    struct err e;

    if (root) {
        h = mem_zero(1, sizeof *h);
        *h = (struct held){.root = root, .label = mem_str(p->label), .current = true};
        root_stat_at(root, "", &p->rules.top, &e);
        ignore_drop(p->rules.ignore, "");
        p->sweep = s->sweep_all || root_is_remote(root);
    }
    uv_mutex_lock(&s->lock);
    if (p->held)
        p->held->current = false;
    p->held = h;
    if (h)
        LL_PREPEND(s->held, h);
    release(s);
    uv_mutex_unlock(&s->lock);
}
