/* base/mem: sizes are checked, arenas give aligned memory and die whole. */
#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void nothing_can_be_allocated(void **state)
{
    char *p = mem_alloc(0);

    (void)state;
    assert_non_null(p);
    mem_free(p);
    p = mem_zero(0, 8);
    assert_non_null(p);
    p = mem_resize(p, 0, 8);
    assert_non_null(p);
    mem_free(p);
    mem_free(mem_copy(NULL, 0));
    mem_free(NULL);
    assert_null(mem_str(NULL));
}

static void copies_are_equal(void **state)
{
    char *p = mem_str("text");

    (void)state;
    assert_string_equal(p, "text");
    mem_free(p);
    p = mem_strn("text", 2);
    assert_string_equal(p, "te");
    mem_free(p);
    p = mem_strn(NULL, 0);
    assert_string_equal(p, "");
    mem_free(p);
    p = mem_zero(100, 10);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(p[i], 0);
    mem_free(p);
}

static void arrays_grow(void **state)
{
    int *array = NULL;
    size_t len = 0, cap = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        MEM_GROW(array, len, cap);
        array[len++] = i;
    }
    assert_true(cap >= 1000 && cap < 2048);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(array[i], i);
    mem_free(array);
}

/* What a child that does this leaves as exit status. */
static int status_of(void (*act)(void))
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (!child) {
        (void)!freopen("/dev/null", "w", stderr);
        act();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void resize_by_a_product_that_wraps(void)
{
    mem_free(mem_resize(NULL, SIZE_MAX / 2, 4));
}

static void allocate_more_than_there_is_in_an_arena(void)
{
    arena_alloc(arena_new(), SIZE_MAX - 8);
}

static void too_much_ends_the_program(void **state)
{
    (void)state;
    assert_int_equal(status_of(resize_by_a_product_that_wraps), ERR_IO);
    assert_int_equal(status_of(allocate_more_than_there_is_in_an_arena), ERR_IO);
}

static void an_arena_gives_aligned_memory(void **state)
{
    struct arena *a = arena_new();
    unsigned char *piece[300];

    (void)state;
    assert_int_equal(arena_bytes(a), 0);
    for (size_t i = 0; i < 300; i++) {
        piece[i] = arena_alloc(a, i * 7);
        assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
        memset(piece[i], (int)i & 0xff, i * 7);
    }
    for (size_t i = 0; i < 300; i++) /* none lies in another */
        for (size_t k = 0; k < i * 7; k++)
            assert_int_equal(piece[i][k], i & 0xff);
    assert_true(arena_bytes(a) >= 299 * 150 * 7);
    arena_free(a);
    arena_free(NULL);
}

static void an_arena_takes_large_ones(void **state)
{
    struct arena *a = arena_new();
    char *large = arena_alloc(a, 1 << 20);
    char *text = arena_strn(a, "name", 3);

    (void)state;
    memset(large, 1, 1 << 20);
    assert_string_equal(text, "nam");
    assert_true(arena_bytes(a) >= 1 << 20);
    assert_string_equal(arena_strn(a, NULL, 0), "");
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_can_be_allocated),
        cmocka_unit_test(copies_are_equal),
        cmocka_unit_test(arrays_grow),
        cmocka_unit_test(too_much_ends_the_program),
        cmocka_unit_test(an_arena_gives_aligned_memory),
        cmocka_unit_test(an_arena_takes_large_ones),
    };

    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
