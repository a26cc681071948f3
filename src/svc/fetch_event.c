/* What listeners are told of a download. */
#include "base/mem.h"
#include "svc/fetch_priv.h"
#include "svc/json_text.h"

#include <string.h>
#include <utlist.h>

/* Text as it is: who prints it makes it safe. */
static void set_text(json_t *o, const char *key, const char *text)
{
    json_object_set_new(o, key, text ? json_text(text) : json_null());
}

static void set_path(json_t *o, const struct job *j)
{
    struct buf b = {0};

    if (j->target)
        buf_printf(&b, "%s/%s", j->folder_path, j->target);
    set_text(o, "path", j->target ? buf_cstr(&b) : NULL);
    buf_free(&b);
}

static unsigned holders(const struct job *j)
{
    unsigned n = 0;

    if (j->xfer)
        return xfer_holders(j->xfer);
    for (size_t i = 0; i < j->from.sources; i++)
        n += j->from.source[i]->listed && !j->from.source[i]->out;
    return n;
}

json_t *event_of(struct job *j, const char *event)
{
    bool ended = job_ended(j);
    uint64_t rate = ended ? 0 : meter_rate(&j->meter, loop_now_ms());
    uint64_t left = j->size > j->done ? j->size - j->done : 0;
    char hex[HASH_HEX_LEN + 1], kind[2] = {j->kind, '\0'};
    json_t *o = json_object();
    uint32_t files, files_done;

    hash_hex(&j->hash, hex);
    json_object_set_new(o, "event", json_string(event));
    json_object_set_new(o, "id", json_integer(j->id));
    json_object_set_new(o, "hash", json_string(hex));
    json_object_set_new(o, "kind", j->kind ? json_string(kind) : json_null());
    set_text(o, "name", j->name);
    set_path(o, j);
    json_object_set_new(o, "size", json_integer((json_int_t)j->size));
    json_object_set_new(o, "bytes", json_integer((json_int_t)j->done));
    json_object_set_new(o, "rate", json_integer((json_int_t)rate));
    json_object_set_new(o, "holders", json_integer(holders(j)));
    if (j->tree) {
        tree_files(j->tree, &files, &files_done);
        json_object_set_new(o, "files", json_integer(files));
        json_object_set_new(o, "files_done", json_integer(files_done));
        json_object_set_new(o, "now", tree_now(j->tree));
    }
    json_object_set_new(o, "eta", rate ? json_integer((json_int_t)(left / rate)) : json_null());
    json_object_set_new(o, "fetched", json_integer((json_int_t)j->fetched));
    json_object_set_new(o, "copied", json_integer((json_int_t)job_copied_now(j)));
    set_text(o, "from", j->copied_from);
    set_text(o, "error", j->err.code ? j->err.text : NULL);
    if (j->err.code && j->err.hint[0])
        set_text(o, "hint", j->err.hint);
    json_object_set_new(o, "exit", json_integer(j->err.code));
    return o;
}

const char *event_state(const struct job *j)
{
    switch (j->phase) {
    case PHASE_QUEUED:
        return "queued";
    case PHASE_FIND:
    case PHASE_PLACE:
        return j->waiting ? "waiting" : "start";
    case PHASE_RUN:
        return j->waiting ? "waiting" : "progress";
    case PHASE_PAUSED:
        return "paused";
    case PHASE_DONE:
        return "done";
    case PHASE_SKIPPED:
        return "skipped";
    case PHASE_FAILED:
        return "failed";
    }
    return "failed";
}

/* A listener may end its own listening while it is told. */
static void tell(struct job *j, json_t *o)
{
    struct fetch *f = j->f;
    struct listener *l, *next;

    f->telling = true;
    DL_FOREACH (f->listeners, l) {
        if (l->job == j->id && !l->dead)
            l->fn(l->ctx, o);
    }
    f->telling = false;
    DL_FOREACH_SAFE(f->listeners, l, next)
    {
        if (l->dead) {
            DL_DELETE(f->listeners, l);
            mem_free(l);
        }
    }
    json_decref(o);
}

static bool is_heard(const struct job *j)
{
    const struct listener *l;

    DL_FOREACH (j->f->listeners, l) {
        if (l->job == j->id && !l->dead)
            return true;
    }
    return false;
}

void event_tell(struct job *j, const char *event)
{
    if (is_heard(j))
        tell(j, event_of(j, event));
}

void event_ended(struct job *j)
{
    json_t *o, *from;

    if (!j->f->conf.ended)
        return;
    o = event_of(j, event_state(j));
    from = json_array();
    for (size_t i = 0; i < j->from.sources; i++)
        if (!j->from.source[i]->out && *j->from.source[i]->name)
            json_array_append_new(from, json_text(j->from.source[i]->name));
    json_object_set_new(o, "gave", from);
    if (j->exec)
        json_object_set_new(o, "exec", json_text(j->exec));
    j->f->conf.ended(j->f->conf.ctx, o);
    json_decref(o);
}

void event_tell_source(struct job *j, const char *event, const struct source *s)
{
    json_t *o;

    if (!is_heard(j))
        return;
    o = event_of(j, event);
    set_text(o, "holder", s->name);
    tell(j, o);
}
