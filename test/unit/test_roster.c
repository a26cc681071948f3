/* core/roster: what is told comes whole; what nobody may tell is refused. */
#include "core/roster.h"
#include "core/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct roster_entry entry_of(uint8_t n)
{
    struct roster_entry e = {.inc = 7, .generation = UINT64_MAX, .number = 300, .pub = {n}};

    seal_nid(&e.nid, e.pub);
    e.addr = (struct addr){.family = 4, .ip = {192, 0, 2, n}, .port = 1235};
    return e;
}

static void all_comes_back(void **state)
{
    struct roster_head h = {.epoch = 5, .version = UINT64_MAX, .reset = true}, head;
    struct roster_entry of[4] = {entry_of(1), entry_of(2), entry_of(3), entry_of(4)}, e;
    struct buf b = {0};
    struct rd r;

    (void)state;
    of[1].addr = (struct addr){.family = 6, .ip = {0x20, 1, 0xd, 0xb8, [15] = 9}, .port = 1};
    of[2].addr = (struct addr){0};
    of[2].leader = true;
    of[3] = (struct roster_entry){.nid = of[3].nid, .gone = true};
    roster_put_head(&b, &h);
    for (int n = 0; n < 4; n++)
        roster_put(&b, &of[n]);
    r = rd_over(b.data, b.len);
    assert_true(roster_get_head(&r, &head));
    assert_true(head.epoch == 5 && head.version == UINT64_MAX && head.reset);
    for (int n = 0; n < 4; n++) {
        assert_true(roster_get(&r, &e));
        assert_true(nid_eq(&e.nid, &of[n].nid) && e.gone == of[n].gone);
        assert_true(e.leader == of[n].leader && e.inc == of[n].inc);
        assert_memory_equal(e.pub, of[n].pub, sizeof e.pub);
        assert_true(addr_eq(&e.addr, &of[n].addr));
        assert_true(e.generation == of[n].generation && e.number == of[n].number);
    }
    assert_true(rd_done(&r));
    for (size_t len = 0; len < b.len; len++) { /* cut short anywhere */
        r = rd_over(b.data, len);
        if (roster_get_head(&r, &head))
            while (rd_left(&r) && roster_get(&r, &e))
                ;
        assert_true(r.bad || rd_done(&r));
    }
    buf_free(&b);
}

static void nobody_is_told_under_anothers_id(void **state)
{
    struct roster_entry e = entry_of(1), got;
    struct buf b = {0};
    struct rd r;

    (void)state;
    e.nid.b[15] ^= 1;
    roster_put(&b, &e);
    r = rd_over(b.data, b.len);
    assert_false(roster_get(&r, &got));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_comes_back),
        cmocka_unit_test(nobody_is_told_under_anothers_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
