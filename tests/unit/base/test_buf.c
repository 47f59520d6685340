/* SPDX-License-Identifier: MIT
 *
 * The bounded buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/error.h>

#include "base/buf.h"
#include "support/failmalloc.h"

static struct pool pool;

static int setup(void **state)
{
    pool_init(&pool);
    return 0;
}

static int teardown(void **state)
{
    pool_done(&pool);
    return 0;
}

static void test_append_consume(void **state)
{
    struct buf buf;

    buf_init(&buf, &pool, 100);
    assert_null(buf.memory);
    assert_int_equal(buf_append(&buf, NULL, 0), 0);
    assert_null(buf.memory);
    assert_int_equal(buf_append(&buf, "hello ", 6), 0);
    assert_int_equal(buf_append(&buf, "world", 5), 0);
    assert_true(str_eq(str(buf.ptr, buf.len), WEIR_STR("hello world")));
    buf_consume(&buf, 6);
    assert_true(str_eq(str(buf.ptr, buf.len), WEIR_STR("world")));
    buf_trim(&buf);
    assert_non_null(buf.memory);
    buf_consume(&buf, 5);
    buf_trim(&buf);
    assert_null(buf.memory);
    assert_int_equal(buf_append(&buf, "again", 5), 0);
    assert_true(str_eq(str(buf.ptr, buf.len), WEIR_STR("again")));
    buf_done(&buf);
}

static void test_maximum(void **state)
{
    struct buf buf;

    buf_init(&buf, &pool, 10);
    assert_true(buf_fits(&buf, 10));
    assert_false(buf_fits(&buf, 11));
    assert_int_equal(buf_append(&buf, "12345678901", 11), WEIR_ERROR_LIMIT);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf_append(&buf, "1234567890", 10), 0);
    assert_int_equal(buf_append(&buf, "x", 1), WEIR_ERROR_LIMIT);
    assert_null(buf_room(&buf, 1));
    assert_false(buf_fits(&buf, SIZE_MAX));
    assert_true(str_eq(str(buf.ptr, buf.len), WEIR_STR("1234567890")));
    buf_consume(&buf, 4);
    assert_int_equal(buf_append(&buf, "abcd", 4), 0);
    assert_true(str_eq(str(buf.ptr, buf.len), WEIR_STR("567890abcd")));
    buf_done(&buf);
}

/* A stream of known bytes through a buffer, written and consumed in odd portions. */
static void test_stream(void **state)
{
    struct buf buf;
    unsigned written = 0, read = 0, seed = 1;

    buf_init(&buf, &pool, 40000);
    while (read < 2000000) {
        seed = seed * 1103515245 + 12345;
        size_t n = (seed >> 16) % 9000;
        if (buf_fits(&buf, n)) {
            char *room = buf_room(&buf, n);
            assert_non_null(room);
            for (size_t i = 0; i < n; i++)
                room[i] = (char)(written++ * 7);
            buf.len += n;
        }
        seed = seed * 1103515245 + 12345;
        n = (seed >> 16) % 9000;
        n = n < buf.len ? n : buf.len;
        for (size_t i = 0; i < n; i++)
            if (buf.ptr[i] != (char)(read++ * 7))
                fail_msg("byte %u", read - 1);
        buf_consume(&buf, n);
    }
    buf_done(&buf);
}

static int fill(void *arg)
{
    struct pool own;
    struct buf buf;
    char piece[700] = {0};
    int rc = 0;

    pool_init(&own);
    buf_init(&buf, &own, 1 << 20);
    while (rc == 0 && buf.len < 500000) {
        size_t before = buf.len;
        rc = buf_append(&buf, piece, sizeof piece);
        assert_int_equal(buf.len, rc == 0 ? before + sizeof piece : before);
    }
    buf_done(&buf);
    pool_done(&own);
    return rc;
}

static void test_out_of_memory(void **state)
{
    assert_in_range(failmalloc_each(fill, NULL, WEIR_ERROR_NOMEM), 4, 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append_consume),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
