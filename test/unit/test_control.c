/* svc/control over its real socket, with rooms behind it that say what a test wants: answers,
 * errors, streams, and clients that go away. The fakes below stand in for lan, share, ask, serve
 * and fetch. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "io/dirs.h"
#include "io/http_client.h"
#include "io/loop.h"
#include "svc/ask.h"
#include "svc/control.h"
#include "svc/fetch.h"
#include "svc/guest.h"
#include "svc/lan.h"
#include "svc/links.h"
#include "svc/play.h"
#include "svc/serve.h"
#include "svc/settings.h"
#include "svc/share.h"
#include "svc/web.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_C "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_B "aaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* ---- what the rooms behind say ---- */

static struct {
    uv_mutex_t lock;
    char asked[256];    /* the last question */
    const char *answer; /* JSON, or NULL: no leader */
    unsigned status;
    bool late; /* keep the question: answered by answer_late */
    void (*done)(void *ctx, const struct ask_reply *r);
    void *done_ctx;
    char share[256], folder[256];
    size_t added; /* folders beside the first */
    bool refuse;  /* the folder's room does not take it */
    void (*listen)(void *ctx, json_t *event);
    void *listen_ctx;
    atomic_int unlistened, quits;
    struct fetch_want want;
    char want_name[64];
    int64_t acted;
    uint64_t limit_up, limit_down;
    unsigned slots, at_once;
} fake;

bool ask_own_desk(struct ask *a, const char *path, struct ask_reply *r)
{
    (void)a;
    (void)path;
    *r = (struct ask_reply){0};
    return false;
}

void ask_start(struct ask *a, const char *path, unsigned timeout_ms,
               void (*done)(void *ctx, const struct ask_reply *r), void *ctx)
{
    struct ask_reply r = {.status = fake.status};

    (void)a;
    (void)timeout_ms;
    snprintf(fake.asked, sizeof fake.asked, "%s", path);
    if (fake.late) {
        uv_mutex_lock(&fake.lock);
        fake.done = done;
        fake.done_ctx = ctx;
        uv_mutex_unlock(&fake.lock);
        return;
    }
    if (fake.answer)
        r.json = json_loads(fake.answer, 0, NULL);
    else
        err_set(&r.err, ERR_NO_PEER, "no leader");
    r.from.addr = (struct addr){.family = 4, .ip = {192, 0, 2, 9}, .port = 1235};
    done(ctx, &r);
    json_decref(r.json);
}

json_t *ask_take(const struct ask_reply *r)
{
    return json_deep_copy(r->json);
}

static bool was_asked(void)
{
    bool yes;

    uv_mutex_lock(&fake.lock);
    yes = fake.done != NULL;
    uv_mutex_unlock(&fake.lock);
    return yes;
}

static void answer_late(void)
{
    struct ask_reply r = {.status = 200, .json = json_pack("{s[]}", "rows")};

    fake.done(fake.done_ctx, &r);
    fake.done = NULL;
    json_decref(r.json);
}

void lan_status(struct lan *l, struct lan_status *out)
{
    (void)l;
    *out = (struct lan_status){.has_leader = fake.answer != NULL, .peers = 3};
    out->view = (struct elect_view){.role = ELECT_FOLLOW,
                                    .role_since_ms = loop_now_ms(),
                                    .why = ELECT_WHY_SILENT,
                                    .changed_ms = -1,
                                    .changes = 2,
                                    .standbys = 2,
                                    .standby = {{.self = true, .warm = true}, {.nid = {{7}}}}};
    memset(&out->view.standby[1].nid, 7, sizeof out->view.standby[1].nid);
    memset(out->leader.nid.b, 7, sizeof out->leader.nid.b);
    snprintf(out->interfaces, sizeof out->interfaces, "%s", "eth0 192.0.2.1");
}

size_t lan_peers(struct lan *l, struct elect_peer *out, size_t max)
{
    (void)l;
    (void)max;
    memset(out, 0, 2 * sizeof *out);
    out[1].nid.b[0] = 7;
    out[1].addr = (struct addr){.family = 4, .ip = {192, 0, 2, 1}, .port = 1};
    return 2;
}

void share_status(struct share *s, struct share_status *out)
{
    (void)s;
    *out =
        (struct share_status){.files = 5, .bytes = 50, .pending_files = 1, .skipped[SKIP_LINK] = 2};
    snprintf(out->folder, sizeof out->folder, "%s", fake.share);
}

int share_set_folders(struct share *s, const char *folder, const char *const *added, size_t count,
                      struct err *e)
{
    (void)s;
    (void)added;
    fake.added = count;
    if (fake.refuse)
        return err_set(e, ERR_USAGE, "cannot share it");
    snprintf(fake.share, sizeof fake.share, "%s", folder ? folder : "");
    return 0;
}

size_t share_folders(struct share *s, struct share_folder *out, size_t max)
{
    (void)s;
    assert_int_equal(max, SHARE_FOLDERS_MAX);
    snprintf(out->path, sizeof out->path, "%s", fake.share);
    out->name[0] = '\0';
    out->here = true;
    return 1;
}

void desk_status(struct desk *d, struct desk_status *out)
{
    (void)d;
    *out = (struct desk_status){.standby = true, .files = 12, .pulled_rows = 34};
}

void serve_set_limits(struct serve *s, uint64_t limit_up, unsigned slots)
{
    (void)s;
    fake.limit_up = limit_up;
    fake.slots = slots;
}

void serve_status(struct serve *s, struct serve_status *out)
{
    (void)s;
    *out = (struct serve_status){.rate_up = 9};
}

void fetch_rates(struct fetch *f, uint64_t *down_rate, unsigned *active)
{
    (void)f;
    *down_rate = 8;
    *active = 1;
}

int fetch_set_folder(struct fetch *f, const char *folder, struct err *e)
{
    (void)f;
    (void)e;
    snprintf(fake.folder, sizeof fake.folder, "%s", folder);
    return 0;
}

int fetch_add(struct fetch *f, const struct fetch_want *want, int64_t *id, struct err *e)
{
    (void)f;
    if (want->name && strstr(want->name, ".."))
        return err_set(e, ERR_USAGE, "cannot name it so");
    fake.want = *want;
    snprintf(fake.want_name, sizeof fake.want_name, "%s", want->name ? want->name : "");
    *id = 42;
    return 0;
}

int64_t fetch_listen(struct fetch *f, int64_t id, void (*fn)(void *ctx, json_t *event), void *ctx)
{
    (void)f;
    (void)id;
    uv_mutex_lock(&fake.lock);
    fake.listen = fn;
    fake.listen_ctx = ctx;
    uv_mutex_unlock(&fake.lock);
    return 1;
}

void fetch_unlisten(struct fetch *f, int64_t listener)
{
    (void)f;
    (void)listener;
    uv_mutex_lock(&fake.lock);
    fake.listen = NULL;
    uv_mutex_unlock(&fake.lock);
    fake.unlistened++;
}

json_t *fetch_list(struct fetch *f)
{
    (void)f;
    return json_pack("[{ss} {ss}]", "hash", HASH_A, "hash", HASH_B);
}

/* ---- play and links: what control makes of what they say ---- */

static http_handler *page;
static void *page_ctx;

void web_api(struct web *w, http_handler *api, void *ctx)
{
    (void)w;
    page = api;
    page_ctx = ctx;
}

int web_open(struct web *w, struct buf *url, struct err *e)
{
    (void)w;
    (void)e;
    buf_str(url, "http://127.0.0.1:1237/#0");
    return 0;
}

unsigned web_shut(struct web *w)
{
    (void)w;
    return 3;
}

void guest_api(struct guest *g, http_handler *api, void *ctx)
{
    (void)g;
    (void)api;
    (void)ctx;
}

static struct {
    void (*ended)(void *ctx);
    void *ctx;
} guests;
static atomic_int guests_shut;

int guest_open(struct guest *g, void (*ended)(void *ctx), void *ctx, json_t **answer, struct err *e)
{
    (void)g;
    (void)e;
    guests.ended = ended;
    guests.ctx = ctx;
    *answer = json_pack("{ss}", "event", "guest");
    return 0;
}

bool guest_shut(struct guest *g, const void *mine)
{
    (void)g;
    if (mine)
        guests_shut++;
    else if (guests.ended)
        guests.ended(guests.ctx);
    return true;
}

static atomic_int playings;

struct playing *play_begin(struct play *p, const struct hash *hash, const char *title,
                           void (*tell)(void *ctx, json_t *event), void *ctx, struct err *e)
{
    json_t *event = json_pack("{ss ss}", "event", "play", "url", title ? title : "");

    (void)p;
    if (hash->b[0] == 0xbb) {
        err_set(e, ERR_NOT_FOUND, "nobody has it");
        json_decref(event);
        return NULL;
    }
    playings++;
    tell(ctx, event);
    json_decref(event);
    event = json_pack("{ss}", "event", "done");
    tell(ctx, event);
    json_decref(event);
    return mem_alloc(1);
}

void play_end(struct playing *t)
{
    playings--;
    mem_free(t);
}

int links_look(struct links *l, const struct hash *hash, json_t **answer, struct err *e)
{
    (void)l;
    if (hash->b[0] == 0xbb)
        return err_set(e, ERR_NOT_FOUND, "nobody has it");
    *answer = json_pack("{ss}", "kind", "f");
    return 0;
}

int links_make(struct links *l, const struct hash *hash, uint64_t seconds, bool metalink,
               json_t **answer, struct err *e)
{
    (void)l;
    (void)hash;
    (void)e;
    *answer = json_pack("{sI sb}", "seconds", (json_int_t)seconds, "metalink", metalink);
    return 0;
}

json_t *links_end(struct links *l, const struct hash *hash)
{
    (void)l;
    return json_pack("{sb}", "all", hash == NULL);
}

json_t *links_list(struct links *l)
{
    (void)l;
    return json_pack("{s[]}", "links");
}

int64_t fetch_find(struct fetch *f, const struct hash *hash)
{
    (void)f;
    return hash->b[4] == 0xbb ? 2 : 1;
}

static int act(int64_t id, int what)
{
    fake.acted = id * 10 + what;
    return 0;
}

int fetch_pause(struct fetch *f, int64_t id, struct err *e)
{
    (void)f;
    (void)e;
    return act(id, 1);
}

int fetch_resume(struct fetch *f, int64_t id, struct err *e)
{
    (void)f;
    (void)e;
    return act(id, 2);
}

int fetch_first(struct fetch *f, int64_t id, struct err *e)
{
    (void)f;
    (void)e;
    return act(id, 4);
}

int fetch_last(struct fetch *f, int64_t id, struct err *e)
{
    (void)f;
    (void)e;
    return act(id, 5);
}

void fetch_set_limits(struct fetch *f, uint64_t limit_down, unsigned at_once)
{
    (void)f;
    fake.limit_down = limit_down;
    fake.at_once = at_once;
}

int fetch_cancel(struct fetch *f, int64_t id, struct err *e)
{
    (void)f;
    (void)e;
    return act(id, 3);
}

static void quit(void *ctx)
{
    (void)ctx;
    fake.quits++;
}

/* ---- the control under test ---- */

static struct {
    char top[64], home[80], socket[100], conf_path[100];
    char name[8], network[8];
    struct conf conf;
    struct ident ident;
    struct control *control;
} t;

static char *in(const char *name)
{
    static char path[4][200];
    static unsigned turn;
    char *p = path[turn++ % 4];

    snprintf(p, sizeof path[0], "%s/%s", t.top, name);
    return p;
}

static int setup(void **state)
{
    struct control_conf cc = {.socket_path = t.socket,
                              .conf_path = t.conf_path,
                              .conf = &t.conf,
                              .ident = &t.ident,
                              .tcp_port = 1235,
                              .quit = quit};
    struct err e;

    (void)state;
    memset(&t, 0, sizeof t);
    memset(&fake, 0, sizeof fake);
    uv_mutex_init(&fake.lock);
    snprintf(t.top, sizeof t.top, "%s", "/tmp/iwant-test-XXXXXX");
    if (!mkdtemp(t.top))
        return -1;
    setenv("HOME", t.top, 1);
    snprintf(t.home, sizeof t.home, "%s/.iwant", t.top);
    snprintf(t.socket, sizeof t.socket, "%s/iwant.sock", t.home);
    snprintf(t.conf_path, sizeof t.conf_path, "%s/.iwant.conf", t.home);
    if (settings_home(t.home, &e) || dirs_make(in("pub"), &e) || dirs_make(in("in"), &e) ||
        dirs_make(in("new"), &e))
        return -1;
    conf_init(&t.conf);
    conf_set(&t.conf, CONF_SHARE, in("pub"), CONF_FLAG, &e);
    conf_set(&t.conf, CONF_DOWNLOAD, in("in"), CONF_FLAG, &e);
    snprintf(fake.share, sizeof fake.share, "%s", in("pub"));
    t.ident = (struct ident){.home = t.home, .name = t.name, .network = t.network, .open = true};
    snprintf(t.name, sizeof t.name, "%s", "eva");
    snprintf(t.network, sizeof t.network, "%s", "lan");
    t.control = control_new(&cc, &e);
    return t.control ? 0 : -1;
}

static int teardown(void **state)
{
    char cmd[100];

    (void)state;
    control_free(t.control);
    conf_done(&t.conf);
    uv_mutex_destroy(&fake.lock);
    snprintf(cmd, sizeof cmd, "rm -rf %s", t.top);
    return system(cmd);
}

/* One request; the answer's text is the caller's. */
static json_t *call(const char *method, const char *path, const char *body, long *status)
{
    struct buf text = {0};
    struct err e = {0};
    json_t *json;

    if (http_unix_call(t.socket, method, path, body, body ? strlen(body) : 0, 20000, NULL, NULL,
                       &text, status, &e))
        fail_msg("%s", e.text);
    json = json_loads(buf_cstr(&text), 0, NULL);
    if (!json)
        fail_msg("no JSON: %s", buf_cstr(&text));
    buf_free(&text);
    return json;
}

static void assert_error(const char *method, const char *path, const char *body, int exit,
                         const char *part)
{
    long status;
    json_t *a = call(method, path, body, &status);

    assert_true(status >= 400);
    assert_int_equal(json_integer_value(json_object_get(a, "exit")), exit);
    if (!strstr(json_string_value(json_object_get(a, "error")), part))
        fail_msg("'%s' does not say '%s'", json_string_value(json_object_get(a, "error")), part);
    assert_true(json_is_string(json_object_get(a, "hint")));
    json_decref(a);
}

static json_t *good(const char *method, const char *path, const char *body)
{
    long status;
    json_t *a = call(method, path, body, &status);

    assert_int_equal(status, 200);
    return a;
}

static const char *text_of(const json_t *a, const char *key)
{
    const char *s = json_string_value(json_object_get(a, key));

    return s ? s : "";
}

static void search_passes_through(void **state)
{
    json_t *a;

    (void)state;
    fake.status = 200;
    fake.answer = "{\"rows\":[{\"hash\":\"x\"}],\"about\":1}";
    a = good("GET", "/v1/search?q=a%26b%20c&type=video&limit=7&timeout_ms=900", NULL);
    assert_int_equal(json_array_size(json_object_get(a, "rows")), 1);
    assert_string_equal(fake.asked, "/v1/search?q=a%26b%20c&type=video&limit=7");
    json_decref(a);
    assert_error("GET", "/v1/search?q=a&larger=many", NULL, ERR_USAGE, "larger");
    fake.status = 400;
    fake.answer = "{\"error\":\"not now\"}";
    assert_error("GET", "/v1/search?q=a&type=video", NULL, ERR_USAGE, "not now");
    fake.answer = NULL;
    fake.status = 0;
    assert_error("GET", "/v1/search?q=a", NULL, ERR_NO_PEER, "no leader");
}

static void names_are_marked(void **state)
{
    static const long want[] = {0, 3, 6, 9};
    json_t *a, *marks;

    (void)state;
    fake.status = 200;
    fake.answer = "{\"rows\":[{\"name\":\"cap\\ud83d\\ude00 cap\"},{\"name\":\"other\"}]}";
    a = good("GET", "/v1/search?q=cap&marks=1", NULL);
    marks = json_object_get(a, "marks");
    assert_int_equal(json_array_size(marks), 2);
    assert_int_equal(json_array_size(json_array_get(marks, 1)), 0);
    marks = json_array_get(marks, 0);
    assert_int_equal(json_array_size(marks), 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(json_integer_value(json_array_get(marks, i)), want[i]);
    json_decref(a);
}

/* What the page may not do, with whatever session. */
static void the_page_has_its_routes(void **state)
{
    static const char *const refused[][2] = {
        {"POST", "/v1/stop"},  {"GET", "/v1/config"},       {"POST", "/v1/set"},
        {"POST", "/v1/share"}, {"POST", "/v1/download-to"}, {"GET", "/v1/links"},
        {"POST", "/v1/links"}, {"POST", "/v1/web"},         {"POST", "/v1/web/stop"},
    };
    char owner[sizeof t.socket];
    struct http_server *s;
    struct err e;
    json_t *a;

    (void)state;
    a = good("POST", "/v1/web", "");
    assert_string_equal(text_of(a, "url"), "http://127.0.0.1:1237/#0");
    json_decref(a);
    a = good("POST", "/v1/web/stop", "");
    assert_int_equal(json_integer_value(json_object_get(a, "ended")), 3);
    json_decref(a);
    memcpy(owner, t.socket, sizeof owner);
    snprintf(t.socket, sizeof t.socket, "%s/page.sock", t.top);
    s = http_server_unix(t.socket, 1, page, page_ctx, &e);
    assert_non_null(s);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_error(refused[i][0], refused[i][1], refused[i][0][0] == 'P' ? "{}" : NULL, ERR_USAGE,
                     "may not ask that");
    assert_int_equal(fake.quits, 0);
    a = good("GET", "/v1/downloads", NULL);
    json_decref(a);
    http_server_free(s);
    memcpy(t.socket, owner, sizeof owner);
}

static void prefixes_are_resolved(void **state)
{
    (void)state;
    fake.answer = "{\"error\":\"x\"}";
    fake.status = 404;
    assert_error("GET", "/v1/resolve/abcdef", NULL, ERR_NOT_FOUND, "abcdef");
    fake.status = 409;
    assert_error("GET", "/v1/resolve/abcdef", NULL, ERR_USAGE, "more than one");
    assert_error("GET", "/v1/resolve/abcde", NULL, ERR_USAGE, "6 to 64");
    assert_error("GET", "/v1/resolve/abcdeg", NULL, ERR_USAGE, "6 to 64");
}

static void many_hashes_are_asked_for(void **state)
{
    char one[HASH_HEX_LEN + 1], body[400];
    json_t *a;

    (void)state;
    memset(one, 'a', HASH_HEX_LEN);
    one[HASH_HEX_LEN] = '\0';
    fake.status = 200;
    fake.answer = "{\"rows\":[null,null]}";
    snprintf(body, sizeof body, "{\"hashes\":[\"%s\",\"%s\"]}", one, one);
    a = good("POST", "/v1/known?timeout_ms=900", body);
    assert_int_equal(json_array_size(json_object_get(a, "rows")), 2);
    assert_memory_equal(fake.asked, "/v1/known?aaaa", 14);
    json_decref(a);
    assert_error("POST", "/v1/known", "{\"hashes\":[]}", ERR_USAGE, "1 to 4096");
    assert_error("POST", "/v1/known", "{\"hashes\":[7]}", ERR_USAGE, "1 to 4096");
    assert_error("POST", "/v1/known", "{\"hashes\":[\"../../x\"]}", ERR_USAGE, "1 to 4096");
    assert_error("POST", "/v1/known", "no", ERR_USAGE, "1 to 4096");
}

static void status_is_complete(void **state)
{
    json_t *a, *leader, *row;

    (void)state;
    fake.status = 200;
    fake.answer =
        "{\"peers\":[{\"peer\":\"07070707070707070707070707070707\",\"name\":\"bob\"},{\"peer\":"
        "\"00000000000000000000000000000000\",\"name\":\"eva\"}]}";
    a = good("GET", "/v1/status", NULL);
    leader = json_object_get(a, "leader");
    assert_string_equal(text_of(leader, "name"), "bob");
    assert_true(json_is_false(json_object_get(leader, "self")));
    assert_int_equal(json_integer_value(json_object_get(a, "peers")), 2);
    assert_string_equal(text_of(a, "name"), "eva");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(a, "shared"), "files")), 5);
    assert_true(json_is_true(json_object_get(json_object_get(a, "shared"), "indexing")));
    assert_int_equal(json_integer_value(json_object_get(a, "port")), 1235);
    assert_string_equal(text_of(a, "role"), "standby");
    assert_true(json_is_integer(json_object_get(a, "role_ms")));
    assert_true(json_is_null(json_object_get(a, "leader_changed_ms")));
    assert_int_equal(json_integer_value(json_object_get(a, "leader_changes")), 2);
    assert_string_equal(text_of(a, "leader_changed_why"), "the one before fell silent");
    row = json_object_get(a, "catalog");
    assert_true(json_is_true(json_object_get(row, "standby")));
    assert_int_equal(json_integer_value(json_object_get(row, "files")), 12);
    assert_int_equal(json_integer_value(json_object_get(row, "pulled_rows")), 34);
    row = json_array_get(json_object_get(a, "standbys"), 0);
    assert_string_equal(text_of(row, "name"), "eva");
    assert_true(json_is_true(json_object_get(row, "self")));
    assert_true(json_is_true(json_object_get(row, "warm")));
    row = json_array_get(json_object_get(a, "standbys"), 1);
    assert_string_equal(text_of(row, "name"), "bob");
    assert_false(json_is_true(json_object_get(row, "warm")));
    json_decref(a);
    fake.answer = NULL;
    fake.asked[0] = '\0';
    a = good("GET", "/v1/status", NULL);
    assert_true(json_is_null(json_object_get(a, "leader")));
    assert_int_equal(json_integer_value(json_object_get(a, "peers")), 3);
    assert_string_equal(fake.asked, "");
    json_decref(a);
}

static void peers_are_completed(void **state)
{
    json_t *a, *row;

    (void)state;
    fake.status = 200;
    fake.answer =
        "{\"peers\":[{\"peer\":\"00000000000000000000000000000000\",\"name\":\"eva\",\"addr\":"
        "\"192.0.2.1:1\"},{\"peer\":\"07\",\"name\":\"bob\",\"addr\":null,\"leader\":true}]}";
    a = good("GET", "/v1/peers", NULL);
    row = json_array_get(json_object_get(a, "peers"), 0);
    assert_true(json_is_true(json_object_get(row, "self")));
    assert_string_equal(text_of(row, "addr"), "192.0.2.1:1");
    row = json_array_get(json_object_get(a, "peers"), 1);
    assert_true(json_is_false(json_object_get(row, "self")));
    assert_string_equal(text_of(row, "addr"), "192.0.2.9:1235");
    json_decref(a);
    fake.answer = NULL;
    fake.status = 0;
    a = good("GET", "/v1/peers", NULL);
    assert_int_equal(json_array_size(json_object_get(a, "peers")), 2);
    assert_string_equal(text_of(json_array_get(json_object_get(a, "peers"), 0), "name"), "eva");
    json_decref(a);
}

static void folder_changes_or_stays(void **state)
{
    struct stat st;
    json_t *a;

    (void)state;
    a = good("POST", "/v1/share", in("new"));
    assert_string_equal(text_of(a, "folder"), in("new"));
    json_decref(a);
    assert_string_equal(fake.share, in("new"));
    assert_string_equal(conf_text(&t.conf, CONF_SHARE), in("new"));
    assert_int_equal(stat(t.conf_path, &st), 0);
    assert_error("POST", "/v1/share", in("in"), ERR_USAGE, "as well");
    assert_error("POST", "/v1/share", in("nothing"), ERR_USAGE, "nothing");
    assert_error("POST", "/v1/share", "", ERR_USAGE, "");
    assert_error("POST", "/v1/download-to", in("new"), ERR_USAGE, "as well");
    fake.refuse = true;
    assert_error("POST", "/v1/share", in("pub"), ERR_USAGE, "cannot share it");
    assert_string_equal(conf_text(&t.conf, CONF_SHARE), in("new"));
}

static void unsaved_folder_does_not_stay(void **state)
{
    (void)state;
    assert_int_equal(mkdir(t.conf_path, 0700), 0); /* no file can be written there */
    assert_error("POST", "/v1/share", in("new"), ERR_IO, "");
    assert_string_equal(fake.share, in("pub"));
    assert_string_equal(conf_text(&t.conf, CONF_SHARE), in("pub"));
}

static void wishes_are_checked(void **state)
{
    json_t *a;

    (void)state;
    assert_error("POST", "/v1/downloads", "", ERR_USAGE, "1 to");
    assert_error("POST", "/v1/downloads", "[1]", ERR_USAGE, "1 to");
    assert_error("POST", "/v1/downloads", "{\"wants\":[]}", ERR_USAGE, "1 to");
    assert_error("POST", "/v1/downloads", "{\"wants\":[{\"hash\":\"abc\"}]}", ERR_USAGE, "64");
    assert_error("POST", "/v1/downloads",
                 "{\"wants\":[{\"hash\":\"" HASH_A "\",\"name\":\"../x\"}]}", ERR_USAGE, "name");
    a = good("POST", "/v1/downloads",
             "{\"wants\":[{\"hash\":\"" HASH_A
             "\",\"name\":\"n\"}],\"detach\":true,\"overwrite\":true,\"limit_rate\":9}");
    assert_string_equal(text_of(a, "event"), "queued");
    assert_int_equal(json_integer_value(json_object_get(a, "id")), 42);
    json_decref(a);
    assert_string_equal(fake.want_name, "n");
    assert_true(fake.want.overwrite && !fake.want.rename && !fake.want.sequential);
    assert_int_equal(fake.want.limit_rate, 9);
}

/* ---- streams, with the client on a thread of its own ---- */

struct client {
    uv_thread_t thread;
    const char *path, *body;
    bool leave; /* after the first event */
    struct buf text;
    atomic_int got;
    long status;
    int rc;
};

static bool take(void *ctx, const void *p, size_t len)
{
    struct client *c = ctx;

    buf_add(&c->text, p, len);
    c->got++;
    return !c->leave;
}

static void run_client(void *ctx)
{
    struct client *c = ctx;
    struct buf refusal = {0};
    struct err e;

    c->rc = http_unix_call(t.socket, c->body ? "POST" : "GET", c->path, c->body,
                           c->body ? strlen(c->body) : 0, 20000, take, c, &refusal, &c->status, &e);
    buf_free(&refusal);
}

static void event(const char *what)
{
    json_t *e = json_pack("{ss}", "event", what);

    uv_mutex_lock(&fake.lock);
    if (fake.listen)
        fake.listen(fake.listen_ctx, e);
    uv_mutex_unlock(&fake.lock);
    json_decref(e);
}

#define UNTIL(condition)                                                                           \
    for (int tries = 0; !(condition); tries++) {                                                   \
        assert_true(tries < 20000);                                                                \
        usleep(1000);                                                                              \
    }

static bool listens(void)
{
    bool yes;

    uv_mutex_lock(&fake.lock);
    yes = fake.listen != NULL;
    uv_mutex_unlock(&fake.lock);
    return yes;
}

static void events_are_streamed(void **state)
{
    struct client c = {.path = "/v1/downloads", .body = "{\"wants\":[{\"hash\":\"" HASH_A "\"}]}"};

    (void)state;
    uv_thread_create(&c.thread, run_client, &c);
    UNTIL(listens());
    event("start");
    UNTIL(c.got > 0);
    for (int i = 0; i < 100; i++)
        event("progress");
    event("done");
    uv_thread_join(&c.thread);
    assert_int_equal(c.rc, 0);
    assert_int_equal(c.status, 200);
    assert_true(!strncmp(c.text.data, "{\"event\":\"start\"}\n{\"event\":\"progress\"}\n", 39));
    assert_string_equal(c.text.data + c.text.len - 17, "{\"event\":\"done\"}\n");
    UNTIL(fake.unlistened == 1);
    buf_free(&c.text);
}

static void gone_client_is_unlistened(void **state)
{
    struct client c = {
        .path = "/v1/downloads", .body = "{\"wants\":[{\"hash\":\"" HASH_A "\"}]}", .leave = true};

    (void)state;
    uv_thread_create(&c.thread, run_client, &c);
    UNTIL(listens());
    event("start");
    uv_thread_join(&c.thread);
    for (int tries = 0; !fake.unlistened; tries++) {
        assert_true(tries < 2000);
        event("progress");
        usleep(10000);
    }
    buf_free(&c.text);
}

static void server_ends_under_a_stream(void **state)
{
    struct client c = {.path = "/v1/downloads", .body = "{\"wants\":[{\"hash\":\"" HASH_A "\"}]}"};

    (void)state;
    uv_thread_create(&c.thread, run_client, &c);
    UNTIL(listens());
    control_free(t.control);
    t.control = NULL;
    uv_thread_join(&c.thread);
    assert_int_not_equal(c.rc, 0);
    assert_int_equal(fake.unlistened, 1);
    buf_free(&c.text);
}

static void late_answers_arrive(void **state)
{
    struct client c = {.path = "/v1/search?q=a&timeout_ms=15000"};

    (void)state;
    fake.late = true;
    uv_thread_create(&c.thread, run_client, &c);
    UNTIL(was_asked());
    json_decref(good("GET", "/v1/ping", NULL)); /* meanwhile others are served */
    answer_late();
    uv_thread_join(&c.thread);
    assert_int_equal(c.status, 200);
    assert_string_equal(c.text.data, "{\"rows\":[]}");
    buf_free(&c.text);
}

/* The answer comes when the one who asked is long gone, and the server too. */
static void answer_for_nobody(void **state)
{
    struct client c = {.path = "/v1/search?q=a&timeout_ms=15000"};

    (void)state;
    fake.late = true;
    uv_thread_create(&c.thread, run_client, &c);
    UNTIL(was_asked());
    control_free(t.control);
    t.control = NULL;
    uv_thread_join(&c.thread);
    answer_late();
    buf_free(&c.text);
}

static void queue_is_acted_on(void **state)
{
    json_t *a;

    (void)state;
    a = good("GET", "/v1/downloads", NULL);
    assert_int_equal(json_array_size(json_object_get(a, "downloads")), 2);
    json_decref(a);
    json_decref(good("POST", "/v1/downloads/aaaaaaaabb/pause", ""));
    assert_int_equal(fake.acted, 21);
    json_decref(good("POST", "/v1/downloads/" HASH_A "/cancel", ""));
    assert_int_equal(fake.acted, 13);
    assert_error("POST", "/v1/downloads/aaaaaa/resume", "", ERR_USAGE, "more than one");
    assert_error("POST", "/v1/downloads/cccccc/resume", "", ERR_NOT_FOUND, "cccccc");
    assert_error("POST", "/v1/downloads/aaaaaaaabb/eat", "", ERR_USAGE, "paused");
    assert_error("POST", "/v1/downloads/xyz/pause", "", ERR_USAGE, "hex");
    assert_error("POST", "/v1/downloads//pause", "", ERR_USAGE, "hex");
    assert_error("POST", "/v1/downloads/aaaaaaaabb", "", ERR_USAGE, "paused");
}

static void errands_answer(void **state)
{
    json_t *a;

    (void)state;
    a = good("POST", "/v1/look", "{\"hash\":\"" HASH_A "\"}");
    assert_string_equal(json_string_value(json_object_get(a, "kind")), "f");
    json_decref(a);
    assert_error("POST", "/v1/look", "{\"hash\":\"" HASH_C "\"}", ERR_NOT_FOUND, "nobody");
    assert_error("POST", "/v1/look", "{\"hash\":\"abc\"}", ERR_USAGE, "64 hex digits");
    assert_error("POST", "/v1/look", "no JSON", ERR_USAGE, "64 hex digits");
    a = good("POST", "/v1/links", "{\"hash\":\"" HASH_A "\",\"seconds\":77,\"metalink\":true}");
    assert_int_equal(json_integer_value(json_object_get(a, "seconds")), 77);
    assert_true(json_is_true(json_object_get(a, "metalink")));
    json_decref(a);
    a = good("POST", "/v1/links", "{\"hash\":\"" HASH_A "\",\"seconds\":-5}");
    assert_int_equal(json_integer_value(json_object_get(a, "seconds")), LINK_DEFAULT_S);
    json_decref(a);
    assert_error("POST", "/v1/links", "{}", ERR_USAGE, "64 hex digits");
    a = good("POST", "/v1/links/end", "{\"hash\":null}");
    assert_true(json_is_true(json_object_get(a, "all")));
    json_decref(a);
    assert_error("POST", "/v1/links/end", "{}", ERR_USAGE, "64 hex digits");
    a = good("GET", "/v1/links", NULL);
    assert_true(json_is_array(json_object_get(a, "links")));
    json_decref(a);
}

static void play_lasts_as_long_as_its_client(void **state)
{
    struct client c = {
        .path = "/v1/play", .body = "{\"hash\":\"" HASH_A "\",\"title\":\"t\"}", .leave = true};
    struct client bad = {.path = "/v1/play", .body = "{\"hash\":\"" HASH_C "\"}"};

    (void)state;
    uv_thread_create(&c.thread, run_client, &c);
    uv_thread_join(&c.thread);
    UNTIL(playings == 0);
    assert_true(!strncmp(c.text.data, "{\"event\":\"play\",\"url\":\"t\"}\n", 27));
    buf_free(&c.text);
    uv_thread_create(&bad.thread, run_client, &bad);
    uv_thread_join(&bad.thread);
    assert_int_equal(bad.status, 200);
    assert_non_null(strstr(bad.text.data, "\"exit\":1"));
    buf_free(&bad.text);
    assert_error("POST", "/v1/play", "{\"hash\":1}", ERR_USAGE, "64 hex digits");
}

static json_t *set(const char *name, const char *value)
{
    json_t *body = json_pack("{ss ss}", "name", name, "value", value), *answer;
    char *text = json_dumps(body, 0);

    answer = good("POST", "/v1/set", text);
    free(text);
    json_decref(body);
    return answer;
}

static void settings_change_live(void **state)
{
    json_t *a;

    (void)state;
    json_decref(set("limit-up", "2M"));
    json_decref(set("uploads-at-once", "7"));
    json_decref(set("limit-down", "1.5M"));
    a = set("downloads-at-once", "9");
    assert_true(json_is_true(json_object_get(a, "live")));
    json_decref(a);
    assert_int_equal(fake.limit_up, 2 << 20);
    assert_int_equal(fake.slots, 7);
    assert_int_equal(fake.limit_down, 3 << 19);
    assert_int_equal(fake.at_once, 9);
    a = set("name", "somebody else");
    assert_false(json_is_true(json_object_get(a, "live")));
    assert_string_equal(json_string_value(json_object_get(a, "value")), "somebody else");
    json_decref(a);
    assert_error("POST", "/v1/set", "{\"name\":\"nonsense\",\"value\":\"1\"}", ERR_USAGE,
                 "nonsense");
    assert_error("POST", "/v1/set", "{\"name\":\"limit-up\",\"value\":\"x\"}", ERR_USAGE, "size");
    assert_error("POST", "/v1/set", "{\"name\":\"share\",\"value\":\"/\"}", ERR_USAGE, "own");
    assert_error("POST", "/v1/set", "{\"name\":\"port\",\"value\":\"0\"}", ERR_USAGE, "range");
    assert_error("POST", "/v1/set", "what", ERR_USAGE, "value");
}

static void rest_of_the_routes(void **state)
{
    json_t *a;

    (void)state;
    a = good("GET", "/v1/config", NULL);
    assert_int_equal(json_array_size(json_object_get(a, "settings")), CONF_COUNT);
    json_decref(a);
    assert_error("GET", "/v1/nothing", NULL, ERR_USAGE, "does not know");
    assert_error("POST", "/v1/status", "", ERR_USAGE, "does not know");
    assert_error("GET", "/v1/stop", NULL, ERR_USAGE, "does not know");
    assert_int_equal(fake.quits, 0);
    json_decref(good("POST", "/v1/stop", ""));
    assert_int_equal(fake.quits, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settings_change_live),
        TEST(search_passes_through),
        TEST(names_are_marked),
        TEST(the_page_has_its_routes),
        TEST(prefixes_are_resolved),
        TEST(many_hashes_are_asked_for),
        TEST(status_is_complete),
        TEST(peers_are_completed),
        TEST(folder_changes_or_stays),
        TEST(unsaved_folder_does_not_stay),
        TEST(wishes_are_checked),
        TEST(events_are_streamed),
        TEST(gone_client_is_unlistened),
        TEST(server_ends_under_a_stream),
        TEST(late_answers_arrive),
        TEST(answer_for_nobody),
        TEST(queue_is_acted_on),
        TEST(errands_answer),
        TEST(play_lasts_as_long_as_its_client),
        TEST(rest_of_the_routes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
