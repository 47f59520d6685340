/* SPDX-License-Identifier: MIT
 *
 * Pool and arena. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "support/failmalloc.h"

static void test_pool_sizes(void **state)
{
    static const struct {
        size_t asked, given;
    } cases[] = {
        {1, POOL_512},
        {POOL_512, POOL_512},
        {POOL_512 + 1, POOL_4K},
        {POOL_4K, POOL_4K},
        {POOL_4K + 1, POOL_16K},
        {POOL_16K, POOL_16K},
        {POOL_16K + 1, POOL_64K},
        {POOL_64K, POOL_64K},
        {POOL_64K + 1, POOL_64K + 1},
        {1000000, 1000000},
    };
    struct pool pool;

    pool_init(&pool);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t given = 0;
        void *memory = pool_get(&pool, cases[i].asked, &given);
        assert_non_null(memory);
        assert_int_equal(given, cases[i].given);
        assert_int_equal((uintptr_t)memory % 16, 0);
        memset(memory, 0xa5, given);
        pool_put(&pool, memory, given);
    }
    pool_put(&pool, NULL, 0);
    pool_done(&pool);
}

/* Whether this build of the pool keeps what it gets back; under AddressSanitizer it does not. */
static bool pool_keeps(void)
{
    struct pool pool;
    size_t size;

    pool_init(&pool);
    void *memory = pool_get(&pool, 1, &size);
    pool_put(&pool, memory, size);
    bool keeps = pool.count[0] == 1;
    pool_done(&pool);
    return keeps;
}

static void test_pool_recycles(void **state)
{
    struct pool pool;
    size_t small, large;

    bool keeps = pool_keeps();
    pool_init(&pool);
    void *a = pool_get(&pool, POOL_512, &small), *b = pool_get(&pool, POOL_16K, &large);
    pool_put(&pool, a, small);
    pool_put(&pool, b, large);
    failmalloc_reset();
    for (int i = 0; i < 1000; i++) {
        void *again = pool_get(&pool, 100, &small), *large_again = pool_get(&pool, 5000, &large);
        if (keeps) {
            assert_ptr_equal(again, a);
            assert_ptr_equal(large_again, b);
        }
        pool_put(&pool, again, small);
        pool_put(&pool, large_again, large);
    }
    assert_int_equal(failmalloc_count(), keeps ? 0 : 2000);
    pool_done(&pool);
}

/* No more than POOL_KEEP bytes of one size are kept. */
static void test_pool_bound(void **state)
{
    enum { BLOCKS = POOL_KEEP / POOL_64K + 3 };
    void *blocks[BLOCKS];
    struct pool pool;
    size_t size;

    size_t kept = pool_keeps() ? POOL_KEEP / POOL_64K : 0;
    pool_init(&pool);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = pool_get(&pool, POOL_64K, &size);
        assert_non_null(blocks[i]);
    }
    for (int i = 0; i < BLOCKS; i++)
        pool_put(&pool, blocks[i], size);
    assert_int_equal(pool.count[3], kept);
    pool_done(&pool);
    assert_int_equal(pool.count[3], 0);
    assert_null(pool.kept[3]);
}

static void test_pool_out_of_memory(void **state)
{
    struct pool pool;
    size_t size = 12345;

    pool_init(&pool);
    failmalloc_fail(1, true);
    assert_null(pool_get(&pool, 1, &size));
    assert_null(pool_get(&pool, 1000000, &size));
    assert_int_equal(size, 12345);
    failmalloc_reset();
    pool_done(&pool);
}

static void test_arena(void **state)
{
    struct pool pool;
    struct arena arena;
    unsigned char *pieces[200];

    pool_init(&pool);
    arena_init(&arena, &pool);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 200; i++) {
            pieces[i] = arena_alloc(&arena, i * 3);
            assert_non_null(pieces[i]);
            assert_int_equal((uintptr_t)pieces[i] % 16, 0);
            memset(pieces[i], (int)i, i * 3);
        }
        for (size_t i = 0; i < 200; i++)
            for (size_t k = 0; k < i * 3; k++)
                assert_int_equal(pieces[i][k], i);
        arena_done(&arena);
    }
    pool_done(&pool);
}

static void test_arena_sizes(void **state)
{
    static const char zeros[300];
    struct pool pool;
    struct arena arena;

    pool_init(&pool);
    arena_init(&arena, &pool);
    char *large = arena_alloc(&arena, 1000000);
    assert_non_null(large);
    memset(large, 1, 1000000);
    for (int i = 0; i < 100; i++) {
        char *memory = arena_alloc(&arena, 300);
        assert_non_null(memory);
        memset(memory, 0xff, 300);
    }
    arena_done(&arena);
    for (int i = 0; i < 100; i++) {
        char *memory = arena_zalloc(&arena, sizeof zeros);
        assert_non_null(memory);
        assert_memory_equal(memory, zeros, sizeof zeros);
    }
    assert_null(arena_alloc(&arena, SIZE_MAX));
    assert_null(arena_alloc(&arena, SIZE_MAX - 15));
    assert_null(arena_zalloc(&arena, SIZE_MAX / 2 + 1));
    assert_null(arena_copy(&arena, "", SIZE_MAX));
    arena_done(&arena);
    pool_done(&pool);
}

static void test_arena_copy(void **state)
{
    struct pool pool;
    struct arena arena;

    pool_init(&pool);
    arena_init(&arena, &pool);
    assert_string_equal(arena_copy(&arena, "abcdef", 3), "abc");
    assert_string_equal(arena_copy(&arena, NULL, 0), "");
    assert_memory_equal(arena_copy(&arena, "a\0b", 3), "a\0b", 4);
    arena_done(&arena);
    pool_done(&pool);
}

static int fill_arena(void *arg)
{
    struct pool pool;
    struct arena arena;
    int rc = 0;

    pool_init(&pool);
    arena_init(&arena, &pool);
    for (int i = 0; rc == 0 && i < 100; i++)
        if (!arena_alloc(&arena, 500) || !arena_zalloc(&arena, 20) || !arena_copy(&arena, "x", 1) ||
            (i == 50 && !arena_alloc(&arena, 100000)))
            rc = -1;
    arena_done(&arena);
    pool_done(&pool);
    return rc;
}

static void test_arena_out_of_memory(void **state)
{
    assert_in_range(failmalloc_each(fill_arena, NULL, -1), 4, 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool_sizes), cmocka_unit_test(test_pool_recycles),
        cmocka_unit_test(test_pool_bound), cmocka_unit_test(test_pool_out_of_memory),
        cmocka_unit_test(test_arena),      cmocka_unit_test(test_arena_sizes),
        cmocka_unit_test(test_arena_copy), cmocka_unit_test(test_arena_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
