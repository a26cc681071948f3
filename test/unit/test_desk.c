/* svc/desk: members' rows come here whole, follow their changes, go when they go; and the answers
 * made of them. */
#include "desk_rig.h"

#include "core/catalog_priv.h"
#include "core/seal.h"
#include "svc/desk_priv.h"
#include "svc/store.h"
#include "svc/store_index.h"

static struct desk *desk;

static int set_up(void **state)
{
    struct desk_conf c = {.ident = &own};
    struct err e;

    (void)state;
    own_up();
    desk = desk_new(&c, &e);
    return desk ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    desk_free(desk);
    own_down();
    return 0;
}

static json_t *answer(const char *question, unsigned expect)
{
    unsigned status;
    json_t *j = desk_answer(desk, question, &status);

    assert_non_null(j);
    if (status != expect)
        fail_msg("%s: %u %s", question, status, json_dumps(j, 0));
    if (status != 200)
        assert_true(json_is_string(json_object_get(j, "error")));
    return j;
}

static void answer_is(const char *question, unsigned expect)
{
    json_decref(answer(question, expect));
}

static size_t files(void)
{
    struct desk_status st;

    desk_status(desk, &st);
    return st.files;
}

static size_t pulling(void)
{
    struct desk_status st;

    desk_status(desk, &st);
    return st.pulling;
}

static bool leading(void)
{
    struct desk_status st;

    desk_status(desk, &st);
    return st.leading;
}

/* How many rows a search gives. */
static size_t found(const char *question)
{
    json_t *j = answer(question, 200);
    size_t n = json_array_size(json_object_get(j, "rows"));

    json_decref(j);
    return n;
}

static const char *text_of(json_t *j, const char *key)
{
    return json_string_value(json_object_get(j, key));
}

static void who_does_not_lead_does_not_answer(void **state)
{
    struct elect_news gone = {.kind = ELECT_NO_LEADER};
    struct desk_status st;
    struct fake f;

    (void)state;
    answer_is("/v1/search?q=a", 503);
    answer_is("/v1/peers", 503);
    fake_open(&f, 1, "eva");
    fake_add(&f, ROW_FILE, "a.txt", 'a', 0, 1);
    news(desk, ELECT_PEER_UP, &f.peer); /* not ours to pull */
    lead(desk);
    WAIT_FOR(leading());
    answer_is("/v1/search?q=a", 200);
    assert_int_equal(fake_asked(&f), 0);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 1);
    desk_news(desk, &gone);
    WAIT_FOR(!leading());
    answer_is("/v1/search?q=a", 503);
    desk_status(desk, &st);
    assert_int_equal(st.files + st.peers + st.pulling, 0);
    fake_close(&f);
}

static void changes_are_followed(void **state)
{
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    fake_add(&f, ROW_FILE, "Films/one.mkv", 'a', 'r', 5 << 20);
    fake_add(&f, ROW_FILE, "Films/two.mkv", 'b', 0, 1000);
    fake_add(&f, ROW_DIR, "Films", 'd', 0, 2000);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 2 && !pulling());
    assert_int_equal(found("/v1/search?q=one"), 1);

    fake_add(&f, ROW_GONE, "Films/one.mkv", 0, 0, 0);
    fake_add(&f, ROW_FILE, "Films/three.mkv", 'c', 0, 7);
    fake_add(&f, ROW_FILE, "Films/four.mkv", 'e', 0, 7);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(files() == 3 && !pulling());
    assert_int_equal(f.since, 3); /* only what was new */
    assert_int_equal(found("/v1/search?q=one.mkv&limit=1&ext=mkv&larger=5M"), 0);
    assert_int_equal(found("/v1/search?q=four"), 1);

    news(desk, ELECT_PEER_CHANGED, &f.peer); /* nothing new: nothing asked */
    fake_add(&f, ROW_FILE, "five.txt", 'f', 0, 7);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(files() == 4);
    assert_int_equal(fake_asked(&f), 3);
    fake_close(&f);
}

static void long_catalogs_come_in_pages(void **state)
{
    struct fake f;
    char path[40];

    (void)state;
    fake_open(&f, 1, "eva");
    f.page = 700;
    for (int n = 0; n < 2500; n++) {
        snprintf(path, sizeof path, "d%d/file %d.txt", n / 100, n);
        fake_add(&f, ROW_FILE, path, (char)n, 0, (uint64_t)n);
    }
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 2500 && !pulling());
    assert_int_equal(fake_asked(&f), 4);
    assert_int_equal(f.since, 2100);
    fake_close(&f);
}

static void a_new_generation_replaces_all(void **state)
{
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    fake_add(&f, ROW_FILE, "old one.txt", 'a', 0, 1);
    fake_add(&f, ROW_FILE, "old two.txt", 'b', 0, 1);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 2);
    uv_mutex_lock(&f.lock);
    f.rows = 0;
    f.generation = f.peer.generation = 777;
    uv_mutex_unlock(&f.lock);
    fake_add(&f, ROW_FILE, "fresh.txt", 'c', 0, 1);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(files() == 1 && !pulling());
    assert_int_equal(found("/v1/search?q=fresh"), 1);
    assert_int_equal(found("/v1/search?q=old&in="), 0);
    fake_close(&f);
}

static void bad_rows_end_only_their_own_pull(void **state)
{
    struct fake bad, good;
    char path[40];

    (void)state;
    fake_open(&bad, 1, "liar");
    fake_open(&good, 2, "eva");
    for (int n = 0; n < 20; n++) {
        snprintf(path, sizeof path, "bad %d.txt", n);
        fake_add(&bad, ROW_FILE, path, (char)n, 0, 1);
    }
    bad.garbage_at = 10;
    lead(desk);
    news(desk, ELECT_PEER_UP, &bad.peer);
    WAIT_FOR(files() == 10); /* what came before is kept */
    fake_add(&good, ROW_FILE, "good.txt", 'g', 0, 1);
    news(desk, ELECT_PEER_UP, &good.peer);
    WAIT_FOR(files() == 11 && pulling() == 1);
    assert_true(fake_asked(&bad) < 4); /* not again and again */
    fake_close(&bad);
    fake_close(&good);
}

static void who_leaves_takes_its_rows(void **state)
{
    struct fake a, b;

    (void)state;
    fake_open(&a, 1, "eva");
    fake_open(&b, 2, "tom");
    fake_add(&a, ROW_FILE, "hers.txt", 'a', 0, 1);
    fake_add(&a, ROW_FILE, "both.txt", 'z', 0, 1);
    fake_add(&b, ROW_FILE, "his.txt", 'b', 0, 1);
    fake_add(&b, ROW_FILE, "both.txt", 'z', 0, 1);
    lead(desk);
    news(desk, ELECT_PEER_UP, &a.peer);
    news(desk, ELECT_PEER_UP, &b.peer);
    WAIT_FOR(files() == 4);
    news(desk, ELECT_PEER_DOWN, &a.peer);
    WAIT_FOR(files() == 2);
    assert_int_equal(found("/v1/search?q=hers"), 0);
    assert_int_equal(found("/v1/search?q=both"), 1);
    fake_close(&a);
    fake_close(&b);
}

static void who_vanishes_is_asked_again(void **state)
{
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    fake_add(&f, ROW_FILE, "late.txt", 'a', 0, 1);
    set_status(&f, 500);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(fake_asked(&f) >= 2);
    assert_int_equal(files(), 0);
    set_status(&f, 0);
    WAIT_FOR(files() == 1);
    fake_add(&f, ROW_FILE, "later.txt", 'b', 0, 1);
    f.peer.addr.port ^= 1; /* nobody there */
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    f.peer.addr.port ^= 1; /* moved back */
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(files() == 2);
    fake_close(&f);
}

static void many_members_take_turns(void **state)
{
    struct fake f;
    struct elect_peer p;

    (void)state;
    fake_open(&f, 1, "eva");
    fake_add(&f, ROW_FILE, "a.txt", 'a', 0, 1);
    fake_add(&f, ROW_FILE, "b.txt", 'b', 0, 1);
    p = f.peer;
    lead(desk);
    for (uint8_t n = 1; n <= 30; n++) {
        p.nid.b[5] = n;
        news(desk, ELECT_PEER_UP, &p);
    }
    WAIT_FOR(files() == 60 && !pulling());
    for (uint8_t n = 1; n <= 30; n += 2) {
        p.nid.b[5] = n;
        news(desk, ELECT_PEER_DOWN, &p);
    }
    WAIT_FOR(files() == 30);
    fake_close(&f);
}

static void a_search_tells_all(void **state)
{
    struct fake a, b;
    json_t *j, *row;
    char hex[HASH_HEX_LEN + 1];
    struct hash h = hash_named('a');

    (void)state;
    hash_hex(&h, hex);
    fake_open(&a, 1, "eva");
    fake_open(&b, 2, "tom \xff");
    fake_add(&a, ROW_FILE, "Films/big buck.mkv", 'a', 'r', 5 << 20);
    fake_add(&b, ROW_FILE, "b\xe9 big buck", 'a', 'r', 5 << 20);
    fake_add(&b, ROW_DIR, "buck folder", 'd', 0, 77);
    lead(desk);
    news(desk, ELECT_PEER_UP, &a.peer);
    news(desk, ELECT_PEER_UP, &b.peer);
    WAIT_FOR(files() == 2 && !pulling());

    j = answer("/v1/search?q=buck&type=video", 200);
    assert_int_equal(json_array_size(json_object_get(j, "rows")), 1);
    row = json_array_get(json_object_get(j, "rows"), 0);
    assert_string_equal(text_of(row, "hash"), hex);
    assert_int_equal(strlen(text_of(row, "root")), HASH_HEX_LEN);
    assert_string_equal(text_of(row, "path"), "Films/big buck.mkv");
    assert_string_equal(text_of(row, "name"), "big buck.mkv");
    assert_string_equal(text_of(row, "type"), "video");
    assert_int_equal(json_integer_value(json_object_get(row, "size")), 5 << 20);
    assert_int_equal(json_integer_value(json_object_get(row, "modified")), 1700000000);
    assert_int_equal(json_integer_value(json_object_get(row, "holders_count")), 2);
    assert_true(json_is_integer(json_object_get(row, "other_names")));
    assert_int_equal(json_array_size(json_object_get(row, "holders")), 2);
    assert_true(json_is_real(json_object_get(row, "score")));
    assert_true(json_is_null(json_object_get(j, "corrected")));
    json_decref(j);

    j = answer("/v1/search?q=folder&type=dir", 200);
    row = json_array_get(json_object_get(j, "rows"), 0);
    assert_string_equal(text_of(row, "type"), "dir");
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "holders"), 0)),
                        "tom \\xff"); /* valid UTF-8 whatever the peer says */
    json_decref(j);

    assert_int_equal(found("/v1/search?q=buck&peer=EVA"), 1);
    assert_int_equal(found("/v1/search?q=buck&peer=020000"), 2);
    assert_int_equal(found("/v1/search?q=buck&limit=1&offset=1"), 1);
    answer_is("/v1/search?q=buck&peer=nobody", 404);
    answer_is("/v1/search?q=buck&larger=x", 400);
    answer_is("/v1/search?q=%", 400);
    answer_is("/v1/searching?q=buck", 404);
    answer_is("/v1/peers/x", 404);
    answer_is("/v2/search", 404);
    answer_is("", 404);
    fake_close(&a);
    fake_close(&b);
}

struct cut_told {
    unsigned why[3];
    uint64_t rows[3];
};

/* On desk's thread, which alone may change members. */
static void leave_rows_out(void *arg)
{
    struct cut_told *told = arg;
    struct member *m = desk->members;

    while (m->self)
        m = m->hh.next;
    uv_rwlock_wrlock(&desk->lock);
    m->files = 9;
    told->why[0] = desk_cut(desk, m, &told->rows[0]);
    for (uint32_t i = 0; i < desk->catalog->peers; i++)
        if (nid_eq(&desk->catalog->peer[i].nid, &m->nid)) {
            desk->catalog->peer[i].cut = CUT_ROWS;
            desk->catalog->peer[i].rows_cut = 7;
        }
    told->why[1] = desk_cut(desk, m, &told->rows[1]);
    m->known = false; /* rows are still coming in */
    told->why[2] = desk_cut(desk, m, &told->rows[2]);
    m->known = true;
    uv_rwlock_wrunlock(&desk->lock);
}

/* The caps are far away for a test: here the catalog is told that rows were left out. */
static void what_a_peer_shares_too_much_is_told(void **state)
{
    struct cut_told told = {.why = {0}};
    json_t *j;
    struct fake a;

    (void)state;
    fake_open(&a, 1, "eva");
    fake_add(&a, ROW_FILE, "x.txt", 'a', 0, 1);
    fake_add(&a, ROW_FILE, "y.txt", 'b', 0, 1);
    lead(desk);
    news(desk, ELECT_PEER_UP, &a.peer);
    WAIT_FOR(files() == 2 && !pulling());
    loop_call(desk_loop(desk), leave_rows_out, &told);
    assert_int_equal(told.why[0], 0);
    assert_int_equal(told.rows[0], 0);
    assert_int_equal(told.why[1], CUT_ROWS);
    assert_int_equal(told.rows[1], 7);
    assert_int_equal(told.why[2], 0);
    j = answer("/v1/peers", 200);
    for (size_t i = 0; i < 2; i++) {
        json_t *row = json_array_get(json_object_get(j, "peers"), i);
        bool eva = !strcmp(text_of(row, "name"), "eva");

        assert_int_equal(json_integer_value(json_object_get(row, "unlisted")), eva ? 7 : 0);
        assert_int_equal(json_is_string(json_object_get(row, "cut")), eva);
    }
    json_decref(j);
    fake_close(&a);
}

static void one_name_of_two_peers_is_ambiguous(void **state)
{
    struct fake a, b;

    (void)state;
    fake_open(&a, 1, "eva");
    fake_open(&b, 2, "eva");
    fake_add(&a, ROW_FILE, "x.txt", 'a', 0, 1);
    fake_add(&b, ROW_FILE, "x.txt", 'b', 0, 1);
    lead(desk);
    news(desk, ELECT_PEER_UP, &a.peer);
    news(desk, ELECT_PEER_UP, &b.peer);
    WAIT_FOR(files() == 2 && !pulling());
    answer_is("/v1/search?q=x&peer=eva", 409);
    fake_close(&a);
    fake_close(&b);
}

static void holders_are_grouped(void **state)
{
    struct fake a, b, c, liar;
    char question[100] = "/v1/holders/", hex[HASH_HEX_LEN + 1], addr[ADDR_TEXT_MAX];
    struct hash h = hash_named('a'), root = hash_named('r');
    json_t *j, *contents, *group, *holder;

    (void)state;
    fake_open(&a, 1, "a");
    fake_open(&b, 2, "b");
    fake_open(&c, 3, "c");
    fake_open(&liar, 4, "liar");
    fake_add(&liar, ROW_FILE, "wrong.bin", 'a', 'w', 5 << 20);
    fake_add(&a, ROW_EXEC, "x/right.bin", 'a', 'r', 5 << 20);
    fake_add(&b, ROW_EXEC, "right.bin", 'a', 'r', 5 << 20);
    fake_add(&c, ROW_PART, "", 'a', 'r', 5 << 20);
    lead(desk);
    news(desk, ELECT_PEER_UP, &liar.peer);
    news(desk, ELECT_PEER_UP, &c.peer);
    news(desk, ELECT_PEER_UP, &a.peer);
    news(desk, ELECT_PEER_UP, &b.peer);
    WAIT_FOR(files() == 3 && !pulling());

    hash_hex(&h, hex);
    strcat(question, hex);
    j = answer(question, 200);
    assert_string_equal(text_of(j, "hash"), hex);
    assert_string_equal(text_of(j, "kind"), "x");
    assert_string_equal(text_of(j, "name"), "right.bin");
    assert_int_equal(json_integer_value(json_object_get(j, "size")), 5 << 20);
    contents = json_object_get(j, "contents");
    assert_int_equal(json_array_size(contents), 2);
    group = json_array_get(contents, 0);
    hash_hex(&root, hex);
    assert_string_equal(text_of(group, "root"), hex);
    assert_int_equal(json_array_size(json_object_get(group, "holders")), 3);
    for (size_t n = 0; n < 3; n++) {
        holder = json_array_get(json_object_get(group, "holders"), n);
        assert_int_equal(json_is_true(json_object_get(holder, "partial")),
                         !strcmp(text_of(holder, "name"), "c"));
        assert_int_equal(strlen(text_of(holder, "pub")), 64);
        assert_int_equal(strlen(text_of(holder, "peer")), NID_HEX_LEN);
        if (!strcmp(text_of(holder, "name"), "a"))
            assert_string_equal(text_of(holder, "addr"), addr_text(&a.peer.addr, addr));
    }
    assert_int_equal(json_array_size(json_object_get(json_array_get(contents, 1), "holders")), 1);
    json_decref(j);

    question[12] ^= 1;
    answer_is(question, 404);
    question[12] = 'g';
    answer_is(question, 400);
    answer_is("/v1/holders/", 400);
    fake_close(&a);
    fake_close(&b);
    fake_close(&c);
    fake_close(&liar);
}

static void a_prefix_finds_its_hash(void **state)
{
    char question[100], hex[HASH_HEX_LEN + 1];
    struct hash h = hash_named('a');
    struct fake f;
    json_t *j;

    (void)state;
    fake_open(&f, 1, "eva");
    fake_add(&f, ROW_FILE, "a", 'a', 0, 1);
    fake_add(&f, ROW_FILE, "b", 'b', 0, 1);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 2);
    hash_hex(&h, hex);
    snprintf(question, sizeof question, "/v1/resolve/%.8s", hex);
    j = answer(question, 200);
    assert_string_equal(text_of(j, "hash"), hex);
    json_decref(j);
    snprintf(question, sizeof question, "/v1/resolve/%s", hex);
    answer_is(question, 200);
    answer_is("/v1/resolve/00000000", 404);
    answer_is("/v1/resolve/12345", 400);
    answer_is("/v1/resolve/xyzxyz", 400);
    fake_close(&f);
}

static void many_hashes_are_known_at_once(void **state)
{
    struct hash h[3] = {hash_named('a'), hash_named('x'), hash_named('p')};
    struct buf question = {0};
    char hex[HASH_HEX_LEN + 1];
    struct fake f, g;
    json_t *j, *rows;

    (void)state;
    fake_open(&f, 1, "eva");
    fake_open(&g, 2, "tom");
    fake_add(&f, ROW_FILE, "a", 'a', 0, 7);
    fake_add(&g, ROW_FILE, "other a", 'a', 0, 7);
    fake_add(&g, ROW_PART, "", 'p', 0, 9);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    news(desk, ELECT_PEER_UP, &g.peer);
    WAIT_FOR(files() == 2);
    buf_str(&question, "/v1/known?");
    for (int i = 0; i < 3; i++) {
        hash_hex(&h[i], hex);
        buf_str(&question, hex);
    }
    j = answer(question.data, 200);
    rows = json_object_get(j, "rows");
    assert_int_equal(json_array_size(rows), 3);
    assert_string_equal(json_string_value(json_array_get(json_array_get(rows, 0), 0)), "f");
    assert_int_equal(json_integer_value(json_array_get(json_array_get(rows, 0), 1)), 7);
    assert_int_equal(json_integer_value(json_array_get(json_array_get(rows, 0), 2)), 2);
    assert_true(json_is_null(json_array_get(rows, 1)));
    assert_true(json_is_null(json_array_get(rows, 2))); /* a part is no file yet */
    json_decref(j);
    buf_char(&question, 'a');
    answer_is(question.data, 400);
    question.data[10] = 'x';
    question.data[question.len - 1] = '\0';
    answer_is(question.data, 400);
    answer_is("/v1/known?", 400);
    answer_is("/v1/known", 400);
    buf_free(&question);
    fake_close(&f);
    fake_close(&g);
}

static size_t heard(void *ctx, struct elect_peer *out, size_t max)
{
    struct elect_peer *p = ctx;

    assert_true(max >= 1);
    out[0] = *p;
    out[0].heard_ms = loop_now_ms();
    return 1;
}

static void peers_are_listed(void **state)
{
    struct fake f;
    json_t *j, *list, *p;

    (void)state;
    fake_open(&f, 1, "eva");
    f.peer.heard_ms = loop_now_ms() - 1000000000;
    fake_add(&f, ROW_FILE, "a", 'a', 0, 1);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 1 && !pulling());
    desk_heard(desk, heard, &f.peer);
    j = answer("/v1/peers", 200);
    list = json_object_get(j, "peers");
    assert_int_equal(json_array_size(list), 2);
    p = json_array_get(list, 0);
    assert_true(json_is_true(json_object_get(p, "leader")));
    assert_true(json_is_null(json_object_get(p, "addr")));
    p = json_array_get(list, 1);
    assert_string_equal(text_of(p, "name"), "eva");
    assert_false(json_is_true(json_object_get(p, "leader")));
    assert_int_equal(json_integer_value(json_object_get(p, "files")), 1);
    assert_int_equal(json_integer_value(json_object_get(p, "bytes")), 1000);
    assert_true(json_integer_value(json_object_get(p, "heard_ms")) < 100000000);
    json_decref(j);
    fake_close(&f);
}

static void put_own(struct store *s, const char *name, char content)
{
    struct store_entry entry = {.kind = 'f', .size = 3, .hash = hash_named(content)};
    struct err e;

    content_root(&entry.root, NULL, 0);
    if (store_put(s, name, &entry, NULL, 0, &e) || store_commit(s, &e))
        fail_msg("%s", e.text);
}

static void our_own_rows_count_too(void **state)
{
    char db[96];
    struct desk_conf c = {.ident = &own, .db_path = db};
    struct store *s;
    struct err e;
    json_t *j, *row;

    (void)state;
    snprintf(db, sizeof db, "%s/own.db", top);
    s = store_open(db, NULL, &e);
    assert_non_null(s);
    assert_int_equal(store_set_folder(s, "/nowhere", &e), 0);
    put_own(s, "mine.txt", 'a');
    desk_free(desk);
    desk = desk_new(&c, &e);
    assert_non_null(desk);
    lead(desk);
    WAIT_FOR(files() == 1 && !pulling());
    j = answer("/v1/search?q=mine", 200);
    row = json_array_get(json_object_get(j, "rows"), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(row, "holders"), 0)),
                        "me");
    json_decref(j);
    put_own(s, "mine too.txt", 'b');
    desk_own(desk, store_generation(s), store_number(s));
    WAIT_FOR(files() == 2);
    assert_int_equal(store_set_folder(s, "/elsewhere", &e), 0);
    put_own(s, "other.txt", 'c');
    desk_own(desk, store_generation(s), store_number(s));
    WAIT_FOR(files() == 1 && found("/v1/search?q=other") == 1);
    store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static size_t fake_sent(struct fake *f)
{
    size_t n;

    uv_mutex_lock(&f->lock);
    n = f->sent;
    uv_mutex_unlock(&f->lock);
    return n;
}

/* As after a kill: another generation, the same rows. */
static void fake_again(struct fake *f, uint64_t generation)
{
    uv_mutex_lock(&f->lock);
    f->generation = f->peer.generation = generation;
    uv_mutex_unlock(&f->lock);
}

static void fill_fake(struct fake *f, int count)
{
    char path[40];

    for (int n = 0; n < count; n++) {
        snprintf(path, sizeof path, "d%d/file %d.txt", n / 100, n);
        fake_add(f, ROW_FILE, path, (char)n, 0, (uint64_t)n);
    }
}

static void equal_digests_spare_all_rows(void **state)
{
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    f.digests = true;
    fill_fake(&f, 900);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 900 && !pulling());
    fake_again(&f, 555);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(fake_asked(&f) == 2 && !pulling());
    assert_int_equal(fake_sent(&f), 900); /* those of the first time */
    assert_int_equal(files(), 900);
    fake_add(&f, ROW_FILE, "one more.txt", 'x', 0, 1); /* and it goes on from there */
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(files() == 901);
    assert_int_equal(fake_sent(&f), 901);
    fake_close(&f);
}

static void only_buckets_that_differ_travel(void **state)
{
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    f.digests = true;
    fill_fake(&f, 2560);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 2560 && !pulling());
    fake_add(&f, ROW_FILE, "fresh.txt", 'f', 0, 1);
    fake_add(&f, ROW_GONE, "d3/file 333.txt", 0, 0, 0);
    fake_add(&f, ROW_FILE, "d4/file 444.txt", 'z', 0, 1); /* another content */
    f.page = 900;
    fake_again(&f, 777);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(fake_sent(&f) > 2560 && !pulling());
    assert_int_equal(files(), 2560);
    assert_true(fake_sent(&f) > 2560 && fake_sent(&f) < 2560 + 100); /* of three buckets of 256 */
    assert_int_equal(found("/v1/search?q=fresh"), 1);
    assert_int_equal(found("/v1/search?q=333"), 0);
    fake_close(&f);
}

static void a_copy_that_is_wrong_is_mended(void **state)
{
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    f.digests = true;
    fill_fake(&f, 600);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 600 && !pulling());
    uv_mutex_lock(&f.lock); /* a row changes behind our back */
    snprintf(f.row[5].path, sizeof f.row[5].path, "moved quietly.txt");
    uv_mutex_unlock(&f.lock);
    fake_add(&f, ROW_FILE, "one more.txt", 'x', 0, 1);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(files() == 601 && !pulling());
    assert_int_equal(found("/v1/search?q=quietly"), 1);
    assert_true(fake_sent(&f) < 601 + 50);
    uv_mutex_lock(&f.lock); /* one whose digests never fit is taken as it is */
    f.other_digest = true;
    uv_mutex_unlock(&f.lock);
    fake_add(&f, ROW_FILE, "and one.txt", 'y', 0, 1);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(files() == 602 && !pulling());
    fake_close(&f);
}

static void who_always_differs_is_left_alone(void **state)
{
    struct fake f;
    unsigned asked;

    (void)state;
    fake_open(&f, 1, "eva");
    f.digests = true;
    fill_fake(&f, 10);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 10 && !pulling());
    uv_mutex_lock(&f.lock);
    f.only_buckets = true;
    uv_mutex_unlock(&f.lock);
    fake_again(&f, 777);
    news(desk, ELECT_PEER_CHANGED, &f.peer);
    WAIT_FOR(fake_asked(&f) >= 3);
    usleep(300000);
    asked = fake_asked(&f);
    assert_true(asked < 12); /* not again and again */
    fake_close(&f);
}

static void who_comes_back_sends_only_news(void **state)
{
    struct elect_news gone = {.kind = ELECT_NO_LEADER};
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    fill_fake(&f, 300);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 300 && !pulling());
    news(desk, ELECT_PEER_DOWN, &f.peer);
    WAIT_FOR(files() == 0);
    assert_int_equal(found("/v1/search?q=file"), 0);
    fake_add(&f, ROW_FILE, "meanwhile.txt", 'm', 0, 1);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 301 && !pulling());
    assert_int_equal(fake_sent(&f), 301);
    desk_news(desk, &gone); /* another one leads for a while */
    WAIT_FOR(!leading());
    assert_int_equal(files(), 0);
    lead(desk);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 301 && !pulling());
    assert_int_equal(fake_sent(&f), 301);
    fake_close(&f);
}

/* ---- standing by ---- */

static bool is_warm(void)
{
    struct desk_status st;

    desk_status(desk, &st);
    return st.warm;
}

static atomic_int warm_said = -1;

static void on_warm(void *ctx, bool warm)
{
    (void)ctx;
    warm_said = warm;
}

/* f leads, and we are its first stand-by. */
static void stand_by(struct fake *f, uint64_t term)
{
    struct elect_news n = {.kind = ELECT_LEADER, .term = term, .peer = f->peer};

    desk_news(desk, &n);
    n = (struct elect_news){.kind = ELECT_STANDBY, .term = term, .place = 1};
    memcpy(n.standby[0], own.nid.b, sizeof n.standby[0]);
    desk_news(desk, &n);
}

static void tell_roster(struct fake *f, bool reset, uint64_t version, bool gone)
{
    struct roster_head h = {.epoch = 9, .version = version, .reset = reset};
    struct roster_entry e = {.nid = f->peer.nid,
                             .gone = gone,
                             .leader = !gone,
                             .inc = 1,
                             .generation = f->peer.generation,
                             .number = f->peer.number};

    memcpy(e.pub, f->peer.pub, sizeof e.pub);
    uv_mutex_lock(&f->lock);
    buf_reset(&f->roster);
    roster_put_head(&f->roster, &h);
    roster_put(&f->roster, &e);
    uv_mutex_unlock(&f->lock);
}

static void a_standby_has_what_the_leader_has(void **state)
{
    struct fake f;
    json_t *j;

    (void)state;
    fake_open(&f, 1, "eva");
    seal_nid(&f.peer.nid, f.peer.pub);
    fill_fake(&f, 300);
    desk_on_warm(desk, on_warm, NULL);
    tell_roster(&f, true, 5, false);
    stand_by(&f, 3);
    WAIT_FOR(is_warm() && warm_said == 1);
    assert_int_equal(files(), 300);
    j = answer("/v1/search?q=file", 200);
    assert_int_equal(json_integer_value(json_object_get(j, "term")), 3);
    assert_int_equal(json_integer_value(json_object_get(j, "version")), 5);
    assert_int_equal(json_integer_value(json_object_get(j, "lag_ms")), 0);
    json_decref(j);
    answer_is("/v1/peers", 503); /* only the leader knows */
    answer_is("/v1/nothing", 503);
    fake_add(&f, ROW_FILE, "late.txt", 'm', 0, 1);
    tell_roster(&f, false, 6, false);
    WAIT_FOR(files() == 301);
    assert_int_equal(fake_sent(&f), 301);
    lead(desk); /* the leader is gone: so are its rows, but not for good */
    WAIT_FOR(leading() && files() == 0);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(files() == 301 && !pulling());
    assert_int_equal(fake_sent(&f), 301); /* none moved */
    fake_close(&f);
}

static void a_bad_roster_changes_nothing(void **state)
{
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    seal_nid(&f.peer.nid, f.peer.pub);
    fill_fake(&f, 30);
    tell_roster(&f, true, 5, false);
    stand_by(&f, 3);
    WAIT_FOR(is_warm());
    uv_mutex_lock(&f.lock);
    f.held = 0;
    buf_reset(&f.roster);
    buf_str(&f.roster, "what is this?");
    uv_mutex_unlock(&f.lock);
    WAIT_FOR(f.held);
    assert_int_equal(files(), 30);
    tell_roster(&f, true, 7, true); /* then a good one: nobody is left */
    WAIT_FOR(files() == 0);
    fake_close(&f);
}

struct woken {
    struct desk_waiter w;
    atomic_int times;
};

static void on_wake(void *ctx)
{
    ((struct woken *)ctx)->times++;
}

static void a_leader_tells_its_standbys(void **state)
{
    struct elect_news n = {.kind = ELECT_STANDBY, .term = 1};
    struct nid who = {{7}}, other = {{8}};
    struct woken k = {.w = {.wake = on_wake, .ctx = &k}};
    struct roster_head h;
    struct roster_entry e;
    struct buf b = {0};
    struct fake f;
    struct rd r;

    (void)state;
    memcpy(n.standby[1], who.b, sizeof n.standby[1]);
    assert_int_equal(desk_roster(desk, &who, 0, 0, &b, &k.w), 503);
    lead(desk);
    desk_news(desk, &n);
    WAIT_FOR(desk_roster(desk, &who, 0, 0, &b, NULL) == 0);
    assert_int_equal(desk_roster(desk, &other, 0, 0, &b, &k.w), 403);
    r = rd_over(b.data, b.len);
    assert_true(roster_get_head(&r, &h) && h.reset && h.epoch);
    assert_true(roster_get(&r, &e) && e.leader && nid_eq(&e.nid, &own.nid) && rd_done(&r));
    buf_reset(&b);
    assert_int_equal(desk_roster(desk, &who, h.epoch, h.version, &b, &k.w), 1);
    fake_open(&f, 1, "eva");
    seal_nid(&f.peer.nid, f.peer.pub);
    news(desk, ELECT_PEER_UP, &f.peer);
    WAIT_FOR(k.times == 1);
    assert_int_equal(desk_roster(desk, &who, h.epoch, h.version, &b, &k.w), 0);
    r = rd_over(b.data, b.len);
    assert_true(roster_get_head(&r, &h) && !h.reset);
    assert_true(roster_get(&r, &e) && nid_eq(&e.nid, &f.peer.nid) && rd_done(&r));
    assert_true(e.generation == f.peer.generation && addr_eq(&e.addr, &f.peer.addr));
    buf_reset(&b);
    assert_int_equal(desk_roster(desk, &who, h.epoch, h.version, &b, &k.w), 1);
    desk_unwait(desk, &k.w);
    desk_unwait(desk, &k.w);
    news(desk, ELECT_PEER_DOWN, &f.peer);
    WAIT_FOR(desk_roster(desk, &who, h.epoch, h.version, &b, NULL) == 0 && b.len > 30);
    r = rd_over(b.data, b.len);
    assert_true(roster_get_head(&r, &h));
    while (rd_left(&r) && roster_get(&r, &e) && !e.gone)
        ;
    buf_reset(&b);
    assert_int_equal(desk_roster(desk, &who, h.epoch + 1, 1, &b, &k.w), 0); /* of another leader */
    assert_int_equal(k.times, 1);
    buf_free(&b);
    fake_close(&f);
}

/* For ThreadSanitizer: questions on other threads while rows come, members go and the leader
 * changes. */
static atomic_bool asking;

static void ask_on(void *arg)
{
    unsigned status;

    while (asking) {
        struct desk_status st;
        struct buf b = {0};

        json_decref(desk_answer(desk, arg, &status));
        desk_status(desk, &st);
        desk_roster(desk, &own.nid, 0, 0, &b, NULL);
        buf_free(&b);
    }
}

static void all_at_once(void **state)
{
    struct elect_news none = {.kind = ELECT_NO_LEADER};
    uv_thread_t thread[2];
    struct fake f;

    (void)state;
    fake_open(&f, 1, "eva");
    seal_nid(&f.peer.nid, f.peer.pub);
    f.digests = true;
    fill_fake(&f, 500);
    asking = true;
    uv_thread_create(&thread[0], ask_on, (char[]){"/v1/search?q=file"});
    uv_thread_create(&thread[1], ask_on, (char[]){"/v1/peers"});
    for (uint64_t turn = 1; turn < 6; turn++) {
        fake_add(&f, ROW_FILE, "more.txt", (char)turn, 0, turn);
        fake_again(&f, 100 + turn);
        tell_roster(&f, true, turn, false);
        stand_by(&f, turn);
        WAIT_FOR(is_warm());
        lead(desk);
        news(desk, ELECT_PEER_UP, &f.peer);
        WAIT_FOR(files() == 501 && !pulling());
        news(desk, ELECT_PEER_DOWN, &f.peer);
        desk_news(desk, &none);
    }
    asking = false;
    uv_thread_join(&thread[0]);
    uv_thread_join(&thread[1]);
    fake_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_does_not_lead_does_not_answer),
        TEST(changes_are_followed),
        TEST(long_catalogs_come_in_pages),
        TEST(a_new_generation_replaces_all),
        TEST(bad_rows_end_only_their_own_pull),
        TEST(who_leaves_takes_its_rows),
        TEST(who_vanishes_is_asked_again),
        TEST(many_members_take_turns),
        TEST(a_search_tells_all),
        TEST(what_a_peer_shares_too_much_is_told),
        TEST(one_name_of_two_peers_is_ambiguous),
        TEST(holders_are_grouped),
        TEST(a_prefix_finds_its_hash),
        TEST(many_hashes_are_known_at_once),
        TEST(peers_are_listed),
        TEST(our_own_rows_count_too),
        TEST(equal_digests_spare_all_rows),
        TEST(only_buckets_that_differ_travel),
        TEST(a_copy_that_is_wrong_is_mended),
        TEST(who_always_differs_is_left_alone),
        TEST(who_comes_back_sends_only_news),
        TEST(a_standby_has_what_the_leader_has),
        TEST(a_bad_roster_changes_nothing),
        TEST(a_leader_tells_its_standbys),
        TEST(all_at_once),
    };

    return cmocka_run_group_tests(tests, rig_up, rig_down);
}
