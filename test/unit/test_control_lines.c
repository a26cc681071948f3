#include "base/buf.h"
#include "svc/control_lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void count(void *ctx)
{
    ++*(unsigned *)ctx;
}

static json_t *event(const char *name, int i)
{
    return json_pack("{s:s, s:i}", "event", name, "i", i);
}

static void tell(struct lines *l, const char *name, int i)
{
    json_t *o = event(name, i);

    lines_event(l, o);
    json_decref(o);
}

static void comes_as_it_was_told(void **state)
{
    static const char want[] = "{\"event\":\"start\",\"i\":1}\n{\"event\":\"done\",\"i\":2}\n";
    unsigned woken = 0;
    struct lines *l = lines_new(count, &woken);
    struct buf got = {0};
    char some[7];
    int64_t n;

    (void)state;
    assert_int_equal(lines_read(l, some, sizeof some), 0);
    tell(l, "start", 1);
    tell(l, "done", 2);
    assert_int_equal(woken, 2);
    lines_end(l);
    assert_int_equal(woken, 3);
    while ((n = lines_read(l, some, sizeof some)) > 0) /* what waits comes before the end */
        buf_add(&got, some, (size_t)n);
    assert_int_equal(n, -1);
    assert_string_equal(buf_cstr(&got), want);
    buf_free(&got);
    lines_free(l);
}

/* A reader that stands still: progress is left out, an end never; and memory has a bound. */
static void a_slow_reader_misses_progress_only(void **state)
{
    unsigned woken = 0, others = 0;
    struct lines *l = lines_new(count, &woken);
    struct buf got = {0};
    static char some[65536];
    json_t *o;
    int64_t n;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        tell(l, "progress", i);
        if (i % 1000 == 999)
            tell(l, "piece-bad", i);
    }
    o = json_pack("{s:s}", "error", "x");
    lines_add(l, o);
    json_decref(o);
    lines_end(l);
    while ((n = lines_read(l, some, sizeof some)) > 0)
        buf_add(&got, some, (size_t)n);
    assert_int_equal(n, -1);
    assert_true(got.len > LINES_MAX && got.len < LINES_MAX + 100 * 100);
    for (const char *p = buf_cstr(&got); (p = strstr(p, "piece-bad")); p++)
        others++;
    assert_int_equal(others, 100);
    assert_string_equal(buf_cstr(&got) + got.len - 14, "{\"error\":\"x\"}\n");
    tell(l, "progress", 1); /* there is room again */
    assert_int_equal(lines_read(l, some, sizeof some), 27);
    buf_free(&got);
    lines_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_as_it_was_told),
        cmocka_unit_test(a_slow_reader_misses_progress_only),
    };

    return cmocka_run_group_tests_name("control_lines", tests, NULL, NULL);
}
