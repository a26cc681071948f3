/* play HASH: a URL on this computer that plays while it downloads, for as long as this command
 * runs.
 */
#include "iwanto/cli.h"

#include "base/buf.h"
#include "base/mem.h"
#include "core/types.h"
#include "io/child.h"
#include "io/http_client.h"
#include "io/term.h"
#include "iwanto/client.h"
#include "iwanto/last_search.h"
#include "iwanto/progress.h"

#include <string.h>

#define LOOK_MS    40000
#define NO_PROGRAM 127 /* sh's status (POSIX, 2.8.2) where there is none of that name */

const struct opt PLAY_OPTS[] = {
    {'p', "player", "COMMAND", "start this with the URL, and end with it; as mpv or 'vlc -f'",
     true},
    {10, "with", "COMMAND", "the same", false},
    {0, NULL, NULL, NULL, false},
};

/* ---- what to play ---- */

static bool is_type(const json_t *file, const char *type)
{
    const char *path = out_str(file, "path"), *is = types_of(path, strlen(path));

    return is && !strcmp(is, type);
}

/* Of a folder's files those that may be meant: its videos, else what is heard, else all. */
static json_t *candidates(const json_t *files)
{
    static const char *const wanted[] = {"video", "audio"};
    json_t *found = json_array();

    for (size_t w = 0; w < sizeof wanted / sizeof *wanted && !json_array_size(found); w++) {
        for (size_t i = 0; i < json_array_size(files); i++) {
            if (is_type(json_array_get(files, i), wanted[w]))
                json_array_append(found, json_array_get(files, i));
        }
    }
    if (!json_array_size(found))
        json_array_extend(found, (json_t *)(uintptr_t)files);
    return found;
}

static void name_rows(json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_array_get(rows, i);
        const char *path = out_str(row, "path"), *slash = strrchr(path, '/');
        const char *type = types_of(path, strlen(path));

        json_object_set_new(row, "name", json_string(slash ? slash + 1 : path));
        json_object_set_new(row, "type", json_string(type ? type : "file"));
        json_object_set_new(row, "row", json_integer((json_int_t)i + 1));
    }
}

/* Several may be meant: list them, so that @N names one. */
static int let_choose(struct cli *c, const json_t *look, json_t *rows, struct err *e)
{
    struct buf key = {0};

    if (!json_array_size(rows))
        return err_set(e, ERR_NOT_FOUND, "the folder is empty");
    buf_printf(&key, "play %s", out_str(look, "hash"));
    last_search_save(c, key.data, rows);
    buf_free(&key);
    cli_limit(c, rows);
    c->out.print->inside(&c->out, rows);
    err_set(e, ERR_NOT_FOUND, "%s has several files that may be meant", out_str(look, "name"));
    err_hint(e, "choose one: iwanto play @N");
    return -ERR_NOT_FOUND;
}

/* A folder's one playable file instead of the folder. *body is what is sent. */
static int choose(struct cli *c, json_t *body, struct err *e)
{
    json_t *look, *rows, *row;
    char *text = json_dumps(body, JSON_COMPACT);
    int rc = client_ask(c, "POST", "/v1/look", text, strlen(text), LOOK_MS, &look, e);

    free(text);
    if (rc)
        return rc;
    if (strcmp(out_str(look, "kind"), "d") != 0) {
        json_decref(look);
        return 0;
    }
    rows = candidates(json_object_get(look, "files"));
    name_rows(rows);
    if (json_array_size(rows) == 1) {
        row = json_array_get(rows, 0);
        json_object_set(body, "hash", json_object_get(row, "hash"));
        json_object_set(body, "title", json_object_get(row, "name"));
    } else {
        rc = let_choose(c, look, rows, e);
    }
    json_decref(rows);
    json_decref(look);
    return rc;
}

/* ---- while it plays ---- */

struct show {
    struct cli *c;
    const char *player;
    struct progress *progress;
    int pid;    /* of the player; 0: none */
    int status; /* its, once it has ended */
    bool playing, downloading, done, failed, player_ended;
    struct err err;
};

/* http_unix_call's hook has no argument. */
static struct show *shown;

static bool is_over(void)
{
    if (shown->pid > 0 && child_ended(shown->pid, &shown->status)) {
        shown->pid = 0;
        shown->player_ended = true;
    }
    return shown->player_ended || term_interrupted();
}

static bool on_play(struct show *s, const json_t *event)
{
    s->playing = true;
    if (!s->player || s->c->common.json)
        s->c->out.print->play(&s->c->out, event);
    if (s->player) {
        s->pid = child_start(s->player, out_str(event, "url"), &s->err);
        return s->pid > 0;
    }
    if (s->c->out.people)
        cli_say(s->c, "open it in a player; Ctrl-C ends it");
    return true;
}

static bool on_event(void *ctx, const json_t *event)
{
    struct show *s = ctx;
    const char *what = out_str(event, "event");
    int exit;

    if (!strcmp(what, "play"))
        return on_play(s, event);
    s->downloading = true;
    progress_event(s->progress, event);
    if (!strcmp(what, "done") || !strcmp(what, "skipped")) {
        s->done = true;
        progress_clear(s->progress);
        if (!s->c->common.json)
            cli_say(s->c, "downloaded: %s", out_str(event, "path"));
    }
    if (!strcmp(what, "failed")) {
        exit = (int)out_num(event, "exit");
        s->failed = true;
        err_set(&s->err, strcmp(err_name(exit), "unknown") ? (enum err_code)exit : ERR_IO, "%s",
                out_str(event, "error"));
    }
    if (s->c->common.json)
        s->c->out.print->event(&s->c->out, event);
    return !s->failed;
}

/* Why it has ended. */
static int ended(struct show *s, const json_t *body, int rc, struct err *e)
{
    bool goes_on = s->downloading && !s->done && !s->failed;

    if (s->err.code) {
        *e = s->err;
        return -e->code;
    }
    if (rc && rc != -ERR_INTERRUPTED)
        return rc;
    if (goes_on && rc == -ERR_INTERRUPTED)
        cli_say(s->c, "the download goes on; to end it: iwanto cancel %.10s",
                out_str(body, "hash"));
    if (s->player_ended && s->status == NO_PROGRAM) {
        err_set(e, ERR_IO, "the player cannot be started: %s", s->player);
        err_hint(e, "install it, or play with another: --player COMMAND");
        return -ERR_IO;
    }
    if (s->player_ended && s->status)
        return err_set(e, ERR_IO, "the player ended with status %d", s->status);
    if (s->player_ended)
        return 0;
    if (rc == -ERR_INTERRUPTED)
        return err_set(e, ERR_INTERRUPTED, "%s", "");
    return s->playing ? err_set(e, ERR_UNFINISHED, "the service ended") : 0;
}

static int play(struct cli *c, const char *player, const json_t *body, struct err *e)
{
    struct show s = {.c = c, .player = player};
    bool drawn = term_is(2) && !c->common.quiet && !c->common.json && !player;
    int rc;

    s.progress = progress_new(1, drawn);
    shown = &s;
    term_catch_interrupt();
    http_unix_set_stop(is_over);
    rc = client_stream(c, "/v1/play", body, (unsigned)c->common.timeout_s * 1000u, on_event, &s, e);
    http_unix_set_stop(NULL);
    progress_clear(s.progress);
    progress_free(s.progress);
    if (s.pid > 0)
        child_end(s.pid);
    return ended(&s, body, rc, e);
}

int cmd_play(struct cli *c, struct opt_scan *s, struct err *e)
{
    const char *value, *word = NULL, *player = NULL;
    json_t *body, *hash = NULL;
    char *title = NULL;
    int id, rc = 0;

    while (!rc && (id = opt_next(s, &value, e)) != OPT_END) {
        if (id < 0)
            rc = id;
        else if (id != OPT_WORD)
            player = value;
        else if (word)
            rc = cli_usage(e, "play", "play takes one hash");
        else
            word = value;
    }
    if (!rc && !word)
        rc = cli_usage(e, "play", "play needs a hash");
    if (!rc && player && !*player)
        rc = cli_usage(e, "play", "--player needs a command");
    if (!rc)
        rc = client_word(c, word, &hash, &title, e);
    if (rc)
        return rc;
    cli_open_out(c);
    body = json_pack("{so ss*}", "hash", hash, "title", title);
    mem_free(title);
    rc = choose(c, body, e);
    if (!rc)
        rc = play(c, player, body, e);
    json_decref(body);
    return rc;
}
