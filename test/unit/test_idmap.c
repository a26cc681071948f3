/* core/idmap and core/sip: what is put is found until it is taken out, whatever collides. */
#include "base/rng.h"
#include "core/idmap.h"
#include "core/sip.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

/* The paper's own vector: key 00 .. 0f, message 00 .. 0e. */
static void siphash_is_siphash(void **state)
{
    struct sip_key key = {{0x0706050403020100u, 0x0f0e0d0c0b0a0908u}};
    uint8_t message[15];

    (void)state;
    for (uint8_t i = 0; i < sizeof message; i++)
        message[i] = i;
    assert_true(sip(&key, message, sizeof message) == 0xa129ca6149be45e5u);
    assert_true(sip(&key, message, 0) == 0x726fdb47dd0e0e31u);
    key = sip_key_from(1);
    assert_true(sip(&key, message, 8) != sip(&key, message, 9));
}

/* Is id under hash? */
static uint32_t find(const struct idmap *m, uint64_t hash, uint32_t id)
{
    uint32_t at = IDMAP_START, found;

    while ((found = idmap_next(m, hash, &at)))
        if (found == id)
            return at;
    return IDMAP_START;
}

enum { IDS = 500 };

/* Few different hashes, so that most collide; and all the same; and well spread. */
static void model_agrees(void **state)
{
    static const uint64_t masks[] = {7, 0, UINT64_MAX};
    struct rng rng;

    (void)state;
    rng_seed(&rng, 11);
    for (size_t k = 0; k < 3; k++) {
        bool there[IDS + 1] = {false};
        struct idmap m = {0};
        uint32_t count = 0;

        for (int step = 0; step < 20000; step++) {
            uint32_t id = 1 + (uint32_t)rng_below(&rng, IDS);
            uint64_t hash = ((uint64_t)id * 0x9e3779b97f4a7c15u & masks[k]) << (k ? 0 : 32);
            uint32_t at = find(&m, hash, id);

            assert_int_equal(at != IDMAP_START, there[id]);
            if (there[id])
                idmap_remove_at(&m, at);
            else
                idmap_put(&m, hash, id);
            there[id] = !there[id];
            count = there[id] ? count + 1 : count - 1;
            assert_int_equal(m.used, count);
        }
        for (uint32_t id = 1; id <= IDS; id++)
            assert_int_equal(find(&m,
                                  ((uint64_t)id * 0x9e3779b97f4a7c15u & masks[k]) << (k ? 0 : 32),
                                  id) != IDMAP_START,
                             there[id]);
        idmap_done(&m);
        assert_int_equal(idmap_bytes(&m), 0);
    }
}

static void ids_are_renumbered(void **state)
{
    static const uint32_t to[] = {0, 3, 1, 2};
    struct idmap m = {0};

    (void)state;
    for (uint32_t id = 1; id <= 3; id++)
        idmap_put(&m, (uint64_t)id << 32, id);
    idmap_renumber(&m, to);
    assert_int_not_equal(find(&m, 1ull << 32, 3), IDMAP_START);
    assert_int_not_equal(find(&m, 2ull << 32, 1), IDMAP_START);
    assert_int_equal(find(&m, 1ull << 32, 1), IDMAP_START);
    idmap_done(&m);
}

static void an_empty_map_has_nothing(void **state)
{
    struct idmap m = {0};

    (void)state;
    assert_int_equal(find(&m, 5, 1), IDMAP_START);
    idmap_done(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_is_siphash),
        cmocka_unit_test(model_agrees),
        cmocka_unit_test(ids_are_renumbered),
        cmocka_unit_test(an_empty_map_has_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
