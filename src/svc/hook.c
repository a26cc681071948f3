#include "svc/hook.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "core/path.h"
#include "io/child.h"
#include "io/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>
#include <uv.h>

#define TURN_NS  100000000ull /* how often those that run are looked at */
#define VARS_MAX 16

struct hook {
    struct hook *prev, *next;
    char *what, *script;
    char *arg[3]; /* NULL at the end */
    char *env[VARS_MAX + 1];
    int pid; /* 0: waits */
    int64_t begun_ms;
};

struct hooks {
    uv_mutex_t lock;
    uv_cond_t some;
    struct hook *waiting; /* under the lock */
    unsigned count;       /* of them */
    char *on_download;    /* likewise; NULL: none */
    bool started, stop;
    struct hook *running; /* the thread's own */
    unsigned runs;
    uv_thread_t thread;
};

static void hook_free(struct hook *k)
{
    for (size_t i = 0; i < 2; i++)
        mem_free(k->arg[i]);
    for (size_t i = 0; k->env[i]; i++)
        mem_free(k->env[i]);
    mem_free(k->what);
    mem_free(k->script);
    mem_free(k);
}

/* ---- on its thread ---- */

static void begin(struct hooks *h, struct hook *k)
{
    struct err e;

    k->pid = child_run(k->script, (const char *const *)k->arg, (const char *const *)k->env, &e);
    k->begun_ms = loop_now_ms();
    if (k->pid < 0) {
        log_warn("hook", "not-started what=%s reason=\"%s\"", k->what, e.text);
        hook_free(k);
        return;
    }
    DL_APPEND(h->running, k);
    h->runs++;
}

static void end(struct hooks *h, struct hook *k)
{
    DL_DELETE(h->running, k);
    h->runs--;
    hook_free(k);
}

static void look(struct hooks *h)
{
    struct hook *k, *next;
    int status;

    DL_FOREACH_SAFE(h->running, k, next)
    {
        if (child_ended(k->pid, &status)) {
            if (status)
                log_warn("hook", "failed what=%s status=%d", k->what, status);
            end(h, k);
        } else if (loop_now_ms() - k->begun_ms > HOOK_MS_MAX) {
            log_warn("hook", "stopped what=%s reason=\"it ran for too long\"", k->what);
            child_stop(k->pid);
            end(h, k);
        }
    }
}

static void hooks_main(void *arg)
{
    struct hooks *h = arg;

    uv_mutex_lock(&h->lock);
    while (!h->stop) {
        struct hook *k = h->runs < HOOKS_AT_ONCE ? h->waiting : NULL;

        if (k) {
            DL_DELETE(h->waiting, k);
            h->count--;
        } else if (h->runs) {
            (void)uv_cond_timedwait(&h->some, &h->lock, TURN_NS);
        } else {
            uv_cond_wait(&h->some, &h->lock);
        }
        uv_mutex_unlock(&h->lock);
        if (k)
            begin(h, k);
        look(h);
        uv_mutex_lock(&h->lock);
    }
    uv_mutex_unlock(&h->lock);
}

/* ---- from other threads ---- */

/* Takes k. */
static bool queue(struct hooks *h, struct hook *k)
{
    bool room;

    uv_mutex_lock(&h->lock);
    room = h->count < HOOKS_WAITING && !h->stop;
    if (room) {
        DL_APPEND(h->waiting, k);
        h->count++;
        if (!h->started && uv_thread_create(&h->thread, hooks_main, h))
            abort();
        h->started = true;
        uv_cond_signal(&h->some);
    }
    uv_mutex_unlock(&h->lock);
    if (!room) {
        log_warn("hook", "left-out what=%s reason=\"%d wait already\"", k->what, HOOKS_WAITING);
        hook_free(k);
    }
    return room;
}

bool hooks_run(struct hooks *h, const char *what, const char *command, const char *argument,
               const char *const env[])
{
    struct hook *k = mem_zero(1, sizeof *k);
    struct buf script = {0};

    buf_printf(&script, "%s%s", command, strchr(command, '$') ? "" : " \"$1\"");
    k->what = mem_str(what);
    k->script = buf_take(&script, NULL);
    k->arg[0] = mem_str(argument);
    for (size_t i = 0; env && env[i] && i < VARS_MAX; i++)
        k->env[i] = mem_str(env[i]);
    return queue(h, k);
}

static const char *text_in(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

bool hooks_content(struct hooks *h, const char *what, const char *command, const json_t *content)
{
    const char *path = text_in(content, "path"), *kind = text_in(content, "kind");
    bool folder = *kind == 'd' || !strcmp(text_in(content, "type"), "dir");
    struct buf var[6] = {{0}};
    const char *env[7] = {NULL};
    bool taken;

    buf_printf(&var[0], "IWANT_HOOK_EVENT=%s", what);
    buf_printf(&var[1], "IWANT_HOOK_PATH=%s", path);
    buf_printf(&var[2], "IWANT_HOOK_NAME=%s", text_in(content, "name"));
    buf_printf(&var[3], "IWANT_HOOK_HASH=%s", text_in(content, "hash"));
    buf_printf(&var[4], "IWANT_HOOK_SIZE=%lld",
               (long long)json_integer_value(json_object_get(content, "size")));
    buf_printf(&var[5], "IWANT_HOOK_TYPE=%s", folder ? "dir" : "file");
    for (size_t i = 0; i < 6; i++)
        env[i] = var[i].data;
    taken = hooks_run(h, what, command, *path ? path : text_in(content, "hash"), env);
    for (size_t i = 0; i < 6; i++)
        buf_free(&var[i]);
    return taken;
}

void hooks_set_download(struct hooks *h, const char *command)
{
    uv_mutex_lock(&h->lock);
    mem_free(h->on_download);
    h->on_download = command && *command && strcmp(command, "no") != 0 ? mem_str(command) : NULL;
    uv_mutex_unlock(&h->lock);
}

void hooks_download(struct hooks *h, const json_t *event)
{
    const char *own = text_in(event, "exec");
    bool done = !strcmp(text_in(event, "event"), "done");
    char *all;

    if (*own && (done || !strcmp(text_in(event, "event"), "skipped")))
        (void)hooks_content(h, "download", own, event);
    if (!done)
        return;
    uv_mutex_lock(&h->lock);
    all = mem_str(h->on_download);
    uv_mutex_unlock(&h->lock);
    if (all)
        (void)hooks_content(h, "download", all, event);
    mem_free(all);
}

/* The text is read as markup. */
static char *escaped(const char *text)
{
    struct buf shown = {0}, b = {0};

    show(&shown, text, strlen(text));
    for (const char *p = buf_cstr(&shown); *p; p++) {
        if (*p == '&' || *p == '<' || *p == '>')
            buf_str(&b, *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : "&gt;");
        else
            buf_char(&b, *p);
    }
    buf_free(&shown);
    return buf_take(&b, NULL);
}

void hooks_notify(struct hooks *h, const char *title, const char *text)
{
    struct hook *k = mem_zero(1, sizeof *k);
    struct buf plain = {0};

    k->what = mem_str("notice");
    k->script = mem_str(
        "[ \"$DBUS_SESSION_BUS_ADDRESS\" ] || [ -S \"${XDG_RUNTIME_DIR:-/nowhere}/bus\" ] || "
        "exit 0; command -v notify-send >/dev/null || exit 0; "
        "exec notify-send --app-name=iwant -- \"$1\" \"$2\"");
    show(&plain, title, strlen(title));
    k->arg[0] = buf_take(&plain, NULL);
    k->arg[1] = escaped(text);
    (void)queue(h, k);
}

struct hooks *hooks_new(void)
{
    struct hooks *h = mem_zero(1, sizeof *h);

    uv_mutex_init(&h->lock);
    uv_cond_init(&h->some);
    return h;
}

void hooks_free(struct hooks *h)
{
    struct hook *k, *next;

    if (!h)
        return;
    uv_mutex_lock(&h->lock);
    h->stop = true;
    uv_cond_signal(&h->some);
    uv_mutex_unlock(&h->lock);
    if (h->started)
        uv_thread_join(&h->thread);
    DL_FOREACH_SAFE(h->waiting, k, next)
    hook_free(k);
    DL_FOREACH_SAFE(h->running, k, next)
    hook_free(k);
    mem_free(h->on_download);
    uv_cond_destroy(&h->some);
    uv_mutex_destroy(&h->lock);
    mem_free(h);
}
