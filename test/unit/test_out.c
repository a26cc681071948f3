/* src/iwanto: printers, tables and progress: nothing foreign reaches a terminal raw, a pipe's row
 * is one line, a table fits. */
#include "base/buf.h"
#include "core/path.h"
#include "iwanto/out.h"
#include "iwanto/progress.h"
#include "iwanto/status_line.h"
#include "iwanto/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HASH_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static const char ROWS[] =
    "[{\"hash\":\"" HASH_A "\",\"path\":\"Shows/Silicon Valley/S01E01 Minimum Viable Product.mkv\","
    "\"name\":\"S01E01 Minimum Viable Product.mkv\",\"size\":1500000000,\"type\":\"file\","
    "\"modified\":1,\"holders\":[\"a\",\"b\"],\"holders_count\":70,\"score\":0.9},"
    "{\"hash\":\"" HASH_B
    "\",\"path\":\"a\\tb\\n\\u001b[2J\\u202e\",\"name\":\"a\\tb\\n\\u001b[2J\\u202e\","
    "\"size\":0,\"type\":\"dir\",\"holders\":[\"x\"],\"score\":0.1}]";

/* What a printer writes, for the caller to free. */
static char *printed(struct out o, void (*print)(struct out *o, const json_t *v), const char *json)
{
    json_t *v = json_loads(json, 0, NULL);
    char *text = NULL;
    size_t len = 0;

    assert_non_null(v);
    o.to = open_memstream(&text, &len);
    print(&o, v);
    fclose(o.to);
    json_decref(v);
    return text;
}

static void assert_printed(struct out o, void (*print)(struct out *o, const json_t *v),
                           const char *json, const char *want)
{
    char *text = printed(o, print, json);

    assert_string_equal(text, want);
    free(text);
}

/* Every line is at most so wide, and nothing but text and newlines is in it. */
static void assert_tame(const char *text, size_t columns)
{
    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\n");

        assert_true(path_columns(line, len) <= columns);
        for (size_t i = 0; i < len; i++)
            assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
        assert_null(strstr(line, "\xe2\x80\xae"));
        line += len + (line[len] == '\n');
    }
}

static void pipe_rows_are_one_line(void **state)
{
    (void)state;
    assert_printed((struct out){0}, OUT_TEXT.search, ROWS,
                   HASH_A "\t1500000000\t70\tfile\tShows/Silicon Valley/S01E01 Minimum Viable "
                          "Product.mkv\n" HASH_B "\t0\t1\tdir\ta\\x09b\\x0a\\x1b[2J\\u{202e}\n");
}

static void nul_rows_are_raw(void **state)
{
    json_t *v = json_loads(ROWS, 0, NULL);
    struct out o = {.nul = true};
    char *text = NULL;
    size_t len = 0;
    static const char second[] = HASH_B "\t0\t1\tdir\ta\tb\n\x1b[2J\xe2\x80\xae";

    (void)state;
    o.to = open_memstream(&text, &len);
    OUT_TEXT.search(&o, v);
    fclose(o.to);
    json_decref(v);
    assert_int_equal(text[len - 1], '\0');
    assert_int_equal(len, strlen(text) + 1 + sizeof second);
    assert_string_equal(text + strlen(text) + 1, second);
    free(text);
}

static void terminal_gets_nothing_raw(void **state)
{
    (void)state;
    assert_printed((struct out){.nul = true, .people = true}, OUT_TEXT.hashed,
                   "{\"hash\":\"h\",\"size\":1,\"type\":\"file\",\"path\":\"\\u001b[2J\"}",
                   "h\t1\tfile\t\\x1b[2J");
}

static void table_fits(void **state)
{
    (void)state;
    for (unsigned columns = 60; columns < 140; columns += 7) {
        char *text =
            printed((struct out){.people = true, .columns = columns}, OUT_TEXT.search, ROWS);

        assert_tame(text, columns);
        assert_non_null(strstr(text, "NAME"));
        assert_non_null(strstr(text, "@2"));
        assert_non_null(strstr(text, "1.4 GiB"));
        assert_true(columns < 90 || strstr(text, "aaaaaaaaaa"));
        assert_null(strstr(text, "aaaaaaaaaaa"));
        free(text);
    }
}

/* What was sought is marked, with its accents; without colour nothing is. */
static void marks_what_was_sought(void **state)
{
    static const char rows[] = "[{\"hash\":\"" HASH_A "\",\"path\":\"a/Caf\u00e9 table.mp3\","
                               "\"name\":\"Caf\u00e9 table.mp3\",\"size\":1,\"row\":51,"
                               "\"other_names\":2,\"holders\":[\"x\"]}]";
    struct out o = {.people = true, .columns = 100, .sought = "cafe -table"};
    char *text = printed(o, OUT_TEXT.search, rows);

    (void)state;
    assert_null(strchr(text, 0x1b));
    assert_non_null(strstr(text, "@51  Caf"));
    assert_non_null(strstr(text, "NAMES"));
    assert_non_null(strstr(text, "1      3  aaaaaaaaaa  a\n"));
    free(text);
    o.color = true;
    text = printed(o, OUT_TEXT.search, rows);
    assert_non_null(strstr(text, "@51  \x1b[1;31mCaf\xc3\xa9\x1b[0m table.mp3  "));
    free(text);
}

static void narrow_terminals_get_fewer_columns(void **state)
{
    (void)state;
    for (unsigned columns = 20; columns < 60; columns++) {
        char *text = printed((struct out){.people = true, .columns = columns, .color = false},
                             OUT_TEXT.search, ROWS);

        assert_tame(text, columns);
        assert_non_null(strstr(text, "@2  "));
        assert_non_null(strstr(text, "NAME"));
        if (columns < 40)
            assert_null(strstr(text, "FOLDER"));
        free(text);
    }
}

static void json_is_ascii_lines(void **state)
{
    char *text = printed((struct out){.people = true}, OUT_JSON.search, ROWS), *nl;
    json_t *row;

    (void)state;
    for (const char *p = text; *p; p++)
        assert_true(*p == '\n' || ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f));
    nl = strchr(text, '\n');
    assert_non_null(nl);
    row = json_loads(nl + 1, 0, NULL);
    assert_string_equal(out_str(row, "name"), "a\tb\n\x1b[2J\xe2\x80\xae");
    json_decref(row);
    free(text);
}

static void only_ends_of_downloads_are_results(void **state)
{
    struct out o = {0};

    (void)state;
    assert_printed(o, OUT_TEXT.event, "{\"event\":\"progress\",\"hash\":\"" HASH_A "\"}", "");
    assert_printed(o, OUT_TEXT.event, "{\"event\":\"failed\",\"hash\":\"" HASH_A "\"}", "");
    assert_printed(o, OUT_TEXT.event,
                   "{\"event\":\"done\",\"hash\":\"" HASH_A
                   "\",\"size\":5,\"holders\":2,\"kind\":\"x\",\"path\":\"/d/a\\nb\"}",
                   HASH_A "\t5\t2\tfile\t/d/a\\x0ab\n");
    assert_printed((struct out){.people = true}, OUT_TEXT.event,
                   "{\"event\":\"done\",\"kind\":\"f\",\"size\":5,\"copied\":5,\"from\":"
                   "\"/d/\\u001bb\",\"path\":\"/d/a\"}",
                   "done  /d/a  (5 B, copied from /d/\\x1bb)\n");
    assert_printed((struct out){.people = true}, OUT_TEXT.event,
                   "{\"event\":\"done\",\"kind\":\"d\",\"size\":5000,\"copied\":1024,\"from\":"
                   "\"/d/b\",\"path\":\"/d/a\"}",
                   "done  /d/a  (4.9 KiB, 1.0 KiB copied on this computer)\n");
    assert_printed((struct out){.people = true}, OUT_TEXT.event,
                   "{\"event\":\"skipped\",\"size\":5,\"path\":\"/d/a\"}",
                   "there already  /d/a  (5 B)\n");
}

/* What the service did not say is printed as nothing, not read from nowhere. */
static void missing_members_are_survived(void **state)
{
    static const char *const odd[] = {"{}", "[]", "[{}]", "[null,1,\"x\"]", "{\"leader\":3}"};
    void (*const print[])(struct out *, const json_t *) = {
        OUT_TEXT.search, OUT_TEXT.peers,     OUT_TEXT.status, OUT_TEXT.config,
        OUT_TEXT.event,  OUT_TEXT.downloads, OUT_TEXT.hashed};

    (void)state;
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        for (size_t k = 0; k < sizeof print / sizeof *print; k++)
            for (int people = 0; people < 2; people++)
                free(printed((struct out){.people = people, .columns = 80}, print[k], odd[i]));
}

static void status_says_who_is_there(void **state)
{
    char *text =
        printed((struct out){.people = true, .columns = 80}, OUT_TEXT.status,
                "{\"name\":\"eva\",\"network\":\"lan\",\"open\":true,\"leader\":null,\"peers\":1,"
                "\"shared\":{\"folder\":\"/s\",\"files\":2,\"bytes\":2048,\"indexing\":true,"
                "\"pending_files\":3,\"pending_bytes\":1,\"skipped\":{\"hidden\":4,\"links\":0}}}");

    (void)state;
    assert_non_null(strstr(text, "no other peer heard yet"));
    assert_non_null(strstr(text, "anyone on this LAN"));
    assert_non_null(strstr(text, "none yet"));
    assert_non_null(strstr(text, "2 files, 2.0 KiB; indexing, 3 files"));
    assert_non_null(strstr(text, "4 hidden\n"));
    free(text);
}

#define ROLES                                                                                      \
    "{\"name\":\"eva\",\"network\":\"lan\",\"leader\":{\"name\":\"bob\",\"peer\":\"aa\",\"self\":" \
    "false},"                                                                                      \
    "\"term\":7,\"peers\":3,\"role\":\"standby\",\"role_ms\":61000,\"member_ms\":3723000,"         \
    "\"loss_permille\":12,\"leader_changes\":2,\"leader_changed_ms\":61000,"                       \
    "\"leader_changed_why\":\"the one before fell silent\",\"standbys\":["                         \
    "{\"peer\":\"bb\",\"name\":\"eva\",\"self\":true,\"warm\":true},"                              \
    "{\"peer\":\"cc\",\"name\":null,\"self\":false,\"warm\":false}]}"

static void status_says_who_stands_by(void **state)
{
    struct out people = {.people = true, .columns = 80, .verbose = true}, pipe = {.verbose = true};
    char *text = printed(people, OUT_TEXT.status, ROLES);

    (void)state;
    assert_non_null(strstr(text,
                           "leader      bob, term 7\n"
                           "new leader  1:01 ago: the one before fell silent (2 in all)\n"
                           "stand-bys   eva (this one), cc (still copying)\n"
                           "role        stands by for 1:01; member for 1:02:03; 1.2 % loss to "
                           "the leader\n"));
    free(text);
    text = printed(pipe, OUT_TEXT.status, ROLES);
    assert_non_null(strstr(text, "leader\tbob\nleader-changes\t2\nleader-changed-ms\t61000\n"
                                 "leader-changed-why\tthe one before fell silent\n"
                                 "standby-warm\teva\nstandby\tcc\nrole\tstandby\nrole-ms\t61000\n"
                                 "member-ms\t3723000\nterm\t7\nloss-permille\t12\n"));
    free(text);
    pipe.verbose = false;
    text = printed(pipe, OUT_TEXT.status, ROLES);
    assert_null(strstr(text, "changed"));
    free(text);
    text = printed(people, OUT_TEXT.status, "{\"role\":\"alone\",\"loss_permille\":null}");
    assert_non_null(strstr(text, "hears none of the others"));
    assert_null(strstr(text, "loss to"));
    free(text);
}

static void peers_tell_their_roles(void **state)
{
    static const char rows[] =
        "[{\"peer\":\"aa\",\"name\":\"bob\",\"addr\":\"192.0.2.1:1235\",\"files\":3,\"bytes\":2048,"
        "\"leader\":true,\"since_ms\":3723000,\"loss_permille\":null,\"standby\":0},"
        "{\"peer\":\"bb\",\"name\":\"eva\",\"addr\":\"[fe80::1]:1235\",\"self\":true,\"since_ms\":"
        "61000,"
        "\"loss_permille\":25,\"standby\":1,\"warm\":true},"
        "{\"peer\":\"cc\",\"name\":\"kim\",\"heard_ms\":1500,\"standby\":2,\"warm\":false}]";
    char *text = printed((struct out){.people = true, .columns = 100}, OUT_TEXT.peers, rows);

    (void)state;
    assert_string_equal(
        text,
        "NAME  ADDRESS         FILES     SIZE   MEMBER   LOSS      HEARD  \n"
        "bob   192.0.2.1:1235      3  2.0 KiB  1:02:03      -  0.0 s ago  leader\n"
        "eva   [fe80::1]:1235      0      0 B     1:01  2.5 %          -  stand-by, this one\n"
        "kim                       0      0 B        -      -  1.5 s ago  stand-by (copying)\n");
    free(text);
    text = printed((struct out){0}, OUT_TEXT.peers, rows);
    assert_string_equal(text, "aa\t192.0.2.1:1235\t3\t2048\t0\t3723000\t0\tleader\tbob\n"
                              "bb\t[fe80::1]:1235\t0\t0\t0\t61000\t25\tstandby\teva\n"
                              "cc\t\t0\t0\t1500\t0\t0\tstandby\tkim\n");
    free(text);
}

/* A peer that shares more than the leader lists is marked, and its owner told what to do. */
static void who_shares_too_much_is_told(void **state)
{
    struct out o = {.people = true, .columns = 120};
    char *text =
        printed(o, OUT_TEXT.peers,
                "[{\"name\":\"eva\",\"addr\":\"x\",\"files\":9,\"unlisted\":7,\"self\":true},"
                "{\"name\":\"tom\",\"addr\":\"y\",\"files\":9,\"unlisted\":0},"
                "{\"name\":\"max\",\"unlisted\":0,\"cut\":\"it has\"}]");

    (void)state;
    assert_non_null(strstr(text, "this one, 7 files too many\n"));
    assert_non_null(strstr(text, "  words too many\n"));
    free(text);
    text = printed(o, OUT_TEXT.status,
                   "{\"shared\":{\"files\":9,\"unlisted\":7,\"cut\":\"it has too many\"}}");
    assert_non_null(strstr(text, "trouble     nobody finds 7 of these files: it has too many\n"));
    assert_non_null(strstr(text, ".iwantignore"));
    free(text);
    text = printed((struct out){0}, OUT_TEXT.status, "{\"shared\":{\"files\":9,\"unlisted\":7}}");
    assert_non_null(strstr(text, "unlisted\t7\n"));
    free(text);
}

static void cut_keeps_both_ends(void **state)
{
    static const char wide[] =
        "\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2\xe5\xad\x97.mkv";
    struct buf b = {0};

    (void)state;
    table_cut(&b, "abcdefghijklmnopqrst.mkv", 13);
    assert_string_equal(b.data, "abcdef....mkv");
    for (size_t columns = 0; columns < 20; columns++) {
        buf_reset(&b);
        table_cut(&b, wide, columns);
        assert_true(path_columns(buf_cstr(&b), b.len) <= columns);
    }
    /* an accent is not left without its letter: a, then e with two accents and what follows */
    buf_reset(&b);
    table_cut(&b,
              "aaaaaaaaaaaaaa"
              "e\xcc\x81\xcc\x81"
              "bc",
              8);
    assert_string_equal(b.data, "aaa...bc");
    buf_reset(&b);
    table_cut(&b, wide, 16);
    assert_string_equal(b.data, wide);
    buf_free(&b);
}

static void progress_fits(void **state)
{
    json_t *e = json_loads(
        "{\"event\":\"progress\",\"name\":\"a long name of a film, really\\u001b[1m.mkv\","
        "\"size\":1000,\"bytes\":455,\"rate\":1048576,\"holders\":2,\"eta\":75}",
        0, NULL);
    struct buf b = {0};

    (void)state;
    for (size_t columns = 20; columns < 200; columns++) {
        buf_reset(&b);
        progress_text(&b, e, columns);
        assert_tame(b.data, columns);
    }
    assert_non_null(
        strstr(b.data, "a long name of a film, really\\x1b[1m.mkv  [#############...."));
    assert_non_null(strstr(b.data, "]   45 %  1.0 MiB/s  1:15 left  2 holders"));
    json_object_set_new(e, "event", json_string("waiting"));
    buf_reset(&b);
    progress_text(&b, e, 100);
    assert_non_null(strstr(b.data, "waiting for a holder"));
    buf_free(&b);
    json_decref(e);
}

/* What stands on the screen after these events. */
static char *lines_of(const char *const *events, size_t count, size_t all, size_t rows,
                      size_t columns)
{
    struct progress *p = progress_new(all, false);
    struct buf b = {0};

    for (size_t i = 0; i < count; i++) {
        json_t *e = json_loads(events[i], 0, NULL);

        assert_non_null(e);
        progress_event(p, e);
        json_decref(e);
    }
    progress_lines(p, &b, rows, columns);
    assert_tame(buf_cstr(&b), columns);
    progress_free(p);
    return buf_take(&b, NULL);
}

static void assert_lines(const char *const *events, size_t count, size_t all, size_t rows,
                         size_t columns, const char *want)
{
    char *text = lines_of(events, count, all, rows, columns);

    assert_string_equal(text ? text : "", want);
    free(text);
}

static const char *const SIX[] = {
    "{\"event\":\"progress\",\"hash\":\"a\",\"name\":\"film.mkv\",\"size\":1000,\"bytes\":455,"
    "\"rate\":1048576,\"holders\":2,\"eta\":75,\"fetched\":455}",
    "{\"event\":\"waiting\",\"hash\":\"b\",\"name\":\"b\\u001b[2J\",\"size\":3000,\"bytes\":30,"
    "\"error\":\"nobody has it now\"}",
    "{\"event\":\"progress\",\"hash\":\"c\",\"name\":\"Photos\",\"kind\":\"d\",\"size\":4000,"
    "\"bytes\":1000,\"rate\":1048576,\"holders\":1,\"eta\":2,\"fetched\":9,\"files\":100,"
    "\"files_done\":7,\"now\":[{\"name\":\"deep/large.raw\",\"size\":100,\"bytes\":50}]}",
    "{\"event\":\"queued\",\"hash\":\"d\",\"name\":\"later\",\"size\":0,\"bytes\":0}",
    "{\"event\":\"done\",\"hash\":\"e\",\"name\":\"over\",\"size\":2000,\"bytes\":2000}",
    "{\"event\":\"progress\",\"hash\":\"f\",\"name\":\"copy\",\"size\":100,\"bytes\":50,"
    "\"rate\":1024,\"holders\":1,\"fetched\":0,\"copied\":50}",
};

static void progress_has_a_line_for_each_in_work(void **state)
{
    (void)state;
    assert_lines(
        SIX, 6, 6, 24, 80,
        "film.mkv          [###.....]   45 %  1.0 MiB/s  1:15 left  2 holders\n"
        "b\\x1b[2J          [........]    1 %  waiting: nobody has it now\n"
        "Photos            [##......]   25 %  1.0 MiB/s  0:02 left  1 holder  7/100 files\n"
        "  deep/large.raw  [####....]   50 %\n"
        "copy              [####....]   50 %  1.0 KiB/s  copying, it is here already\n"
        "total  1/6 done   [##......]   35 %  2.0 MiB/s  0:00 left");
    assert_lines(SIX, 6, 6, 24, 20,
                 "film.mkv       45 %\n"
                 "b\\x1b[2J        1 %\n"
                 "Photos         25 %\n"
                 "  deep...raw   50 %\n"
                 "copy           50 %\n"
                 "total ...one   35 %");
    assert_lines(
        SIX, 6, 6, 24, 200,
        "film.mkv          [#############.................]   45 %  1.0 MiB/s  1:15 left  2 "
        "holders\n"
        "b\\x1b[2J          [..............................]    1 %  waiting: nobody has it now\n"
        "Photos            [#######.......................]   25 %  1.0 MiB/s  0:02 left  1 holder "
        " 7/100 files\n"
        "  deep/large.raw  [###############...............]   50 %\n"
        "copy              [###############...............]   50 %  1.0 KiB/s  copying, it is here "
        "already\n"
        "total  1/6 done   [##########....................]   35 %  2.0 MiB/s  0:00 left");
    assert_lines(SIX, 6, 6, 3, 60,
                 "film.mkv          45 %  1.0 MiB/s  1:15 left  2 holders\n"
                 "b\\x1b[2J           1 %  waiting: nobody has it now\n"
                 "total  1/6 done   35 %  2.0 MiB/s  0:00 left  3 lines more");
    assert_lines(
        SIX, 1, 1, 24, 80,
        "film.mkv  [############................]   45 %  1.0 MiB/s  1:15 left  2 holders");
    assert_lines(SIX, 1, 1, 24, 20, "film.mkv   45 %");
}

static void progress_keeps_within_the_screen(void **state)
{
    (void)state;
    for (size_t rows = 1; rows < 9; rows++) {
        for (size_t columns = 20; columns <= 200; columns += 9) {
            char *text = lines_of(SIX, 6, 6, rows, columns);
            size_t lines = 1;

            for (const char *c = text; *c; c++)
                lines += *c == '\n';
            assert_true(lines <= rows);
            assert_non_null(strstr(text, "total")); /* the last to go */
            free(text);
        }
    }
}

static void status_line_fits(void **state)
{
    struct status_numbers n = {.peers = 3,
                               .has_leader = true,
                               .leader = "evil\x1b]0;x\x07",
                               .files = 7,
                               .bytes = 1 << 20,
                               .pending_files = 2,
                               .rate_down = 1 << 20,
                               .downloads = 1};
    struct buf b = {0};

    (void)state;
    for (size_t columns = 20; columns < 160; columns++) {
        buf_reset(&b);
        status_line_text(&b, &n, columns);
        assert_tame(b.data, columns);
    }
    assert_string_equal(
        b.data, "3 peers, leader evil\\x1b]0;x\\x07 | 7 files, 1.0 MiB, indexing 2 | 1 download "
                "| down 1.0 MiB/s");
    n = (struct status_numbers){.peers = 1};
    buf_reset(&b);
    status_line_text(&b, &n, 80);
    assert_string_equal(b.data, "no other peer heard yet, no leader yet | 0 files, 0 B");
    buf_free(&b);
}

/* A terminal that became narrower has folded the line. */
static void a_folded_status_line_goes_as_a_whole(void **state)
{
    static const struct {
        size_t drawn, columns;
        bool movable;
        const char *want;
    } cases[] = {
        {3, 80, true, "\r   \r"},          {79, 40, true, "\r\x1b[1A\x1b[J"},
        {80, 40, true, "\r\x1b[1A\x1b[J"}, {81, 40, true, "\r\x1b[2A\x1b[J"},
        {9, 4, false, "\r   \r"},          {0, 80, true, "\r\r"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf b = {0};

        status_line_erase(&b, cases[i].drawn, cases[i].columns, cases[i].movable);
        assert_string_equal(b.data, cases[i].want);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipe_rows_are_one_line),
        cmocka_unit_test(nul_rows_are_raw),
        cmocka_unit_test(terminal_gets_nothing_raw),
        cmocka_unit_test(table_fits),
        cmocka_unit_test(marks_what_was_sought),
        cmocka_unit_test(narrow_terminals_get_fewer_columns),
        cmocka_unit_test(json_is_ascii_lines),
        cmocka_unit_test(only_ends_of_downloads_are_results),
        cmocka_unit_test(missing_members_are_survived),
        cmocka_unit_test(status_says_who_is_there),
        cmocka_unit_test(status_says_who_stands_by),
        cmocka_unit_test(peers_tell_their_roles),
        cmocka_unit_test(who_shares_too_much_is_told),
        cmocka_unit_test(cut_keeps_both_ends),
        cmocka_unit_test(progress_fits),
        cmocka_unit_test(progress_has_a_line_for_each_in_work),
        cmocka_unit_test(progress_keeps_within_the_screen),
        cmocka_unit_test(status_line_fits),
        cmocka_unit_test(a_folded_status_line_goes_as_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
