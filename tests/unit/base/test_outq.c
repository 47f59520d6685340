/* SPDX-License-Identifier: MIT
 *
 * The output queue, against a plain array that knows what should be in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/error.h>

#include "base/outq.h"
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

/* All that is queued is want[0..len). */
static void assert_queued(const struct outq *q, const char *want, size_t len)
{
    static struct iovec iov[4096];
    int n = outq_iovec(q, iov, 4096);
    size_t at = 0;

    assert_true(n < 4096);
    assert_int_equal(q->bytes, len);
    for (int i = 0; i < n; i++) {
        assert_true(iov[i].iov_len > 0 && iov[i].iov_len <= len - at);
        assert_memory_equal(iov[i].iov_base, want + at, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    assert_int_equal(at, len);
}

static void test_append(void **state)
{
    struct outq q;
    struct iovec iov[1];

    outq_init(&q, &pool);
    assert_int_equal(outq_iovec(&q, iov, 1), 0);
    assert_int_equal(outq_append(&q, NULL, 0), 0);
    assert_null(q.head);
    assert_int_equal(outq_append(&q, "hello ", 6), 0);
    assert_int_equal(outq_append(&q, "world", 5), 0);
    assert_int_equal(outq_iovec(&q, iov, 1), 1); /* small pieces are one */
    assert_queued(&q, "hello world", 11);
    outq_consume(&q, 3);
    assert_queued(&q, "lo world", 8);
    outq_consume(&q, 8);
    assert_queued(&q, "", 0);
    assert_null(q.head); /* an empty queue holds no memory */
    assert_null(q.tail);
    outq_done(&q);
}

static void test_reserve(void **state)
{
    struct outq q;

    outq_init(&q, &pool);
    char *length = outq_reserve(&q, 2);
    assert_non_null(length);
    outq_commit(&q, 2);
    for (int i = 0; i < 100; i++)
        assert_int_equal(outq_append(&q, "0123456789", 10), 0);
    length[0] = 'A'; /* filled in later */
    length[1] = 'B';
    struct iovec iov[1];
    assert_int_equal(outq_iovec(&q, iov, 1), 1);
    assert_memory_equal(iov[0].iov_base, "AB", 2);
    outq_done(&q);

    /* Reserved and not used, or less of it. */
    assert_non_null(outq_reserve(&q, 100));
    outq_commit(&q, 0);
    assert_queued(&q, "", 0);
    memcpy(outq_reserve(&q, 100), "xyz", 3);
    outq_commit(&q, 3);
    assert_queued(&q, "xyz", 3);
    assert_true(outq_room(&q) > 0);
    assert_non_null(outq_reserve(&q, 100000));
    assert_true(outq_room(&q) >= 100000);
    outq_commit(&q, 0);
    outq_consume(&q, 3);
    assert_queued(&q, "", 0);
    outq_done(&q);
    assert_int_equal(outq_room(&q), 0);
}

static void test_borrow(void **state)
{
    char *body = malloc(10000), *want = malloc(10020);
    struct outq q;
    struct iovec iov[8];

    assert_non_null(body);
    assert_non_null(want);
    memset(body, 'b', 10000);
    memcpy(want, "head", 4);
    memcpy(want + 4, body, 10000);
    memcpy(want + 10004, "tail", 4);
    outq_init(&q, &pool);
    assert_int_equal(outq_append(&q, "head", 4), 0);
    assert_int_equal(outq_borrow(&q, body, 10000), 0);
    assert_int_equal(outq_append(&q, "tail", 4), 0);
    assert_int_equal(outq_iovec(&q, iov, 8), 3);
    assert_ptr_equal(iov[1].iov_base, body); /* not copied */
    assert_int_equal(outq_iovec(&q, iov, 2), 2);
    assert_int_equal(q.borrowed, 10000);
    assert_queued(&q, want, 10008);

    outq_consume(&q, 1004);
    assert_int_equal(q.borrowed, 9000);
    assert_int_equal(outq_settle(&q), 0);
    assert_int_equal(q.borrowed, 0);
    memset(body, 0, 10000); /* it is no longer ours */
    free(body);
    assert_queued(&q, want + 1004, 9004);
    outq_consume(&q, 9004);
    assert_null(q.head);
    assert_int_equal(outq_settle(&q), 0);

    /* A small piece is copied at once. */
    char small[] = "small";
    assert_int_equal(outq_borrow(&q, small, 5), 0);
    small[0] = 'S';
    assert_int_equal(q.borrowed, 0);
    assert_queued(&q, "small", 5);
    outq_done(&q);
    free(want);
}

/* Everything in random order, against an array. */
static void test_random(void **state)
{
    enum { SIZE = 1 << 20 };
    char *bytes = malloc(SIZE);
    size_t from = 0, to = 0;
    unsigned seed = 7;
    struct outq q;

    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31 >> 3);
    outq_init(&q, &pool);
    while (to < SIZE - 70000) {
        seed = seed * 1103515245 + 12345;
        size_t n = (seed >> 16) % (seed & 0x400 ? 60000 : 300);
        switch (seed >> 28 & 7) {
        case 0:
        case 1:
            assert_int_equal(outq_append(&q, bytes + to, n), 0);
            to += n;
            break;
        case 2:
        case 3:
            assert_int_equal(outq_borrow(&q, bytes + to, n), 0);
            to += n;
            break;
        case 4:
            memcpy(outq_reserve(&q, n + 1), bytes + to, n);
            outq_commit(&q, n);
            to += n;
            break;
        case 5:
            assert_int_equal(outq_settle(&q), 0);
            break;
        default:
            n = n < to - from ? n : to - from;
            outq_consume(&q, n);
            from += n;
            break;
        }
        assert_queued(&q, bytes + from, to - from);
        assert_true(q.borrowed <= q.bytes);
    }
    outq_done(&q);
    assert_int_equal(q.bytes, 0);
    free(bytes);
}

/* Whole pieces move, parts of borrowed ones stay references, parts of others are copied. */
static void test_move(void **state)
{
    static char body[40000];
    struct outq from, to;
    struct iovec iov[8];

    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)(i * 7 >> 2);
    outq_init(&from, &pool);
    outq_init(&to, &pool);
    assert_int_equal(outq_borrow(&from, body, 20000), 0);
    assert_int_equal(outq_append(&from, body + 20000, 20000), 0);
    assert_int_equal(outq_move(&to, &from, 16384), 0);
    assert_int_equal(outq_iovec(&to, iov, 8), 1);
    assert_ptr_equal(iov[0].iov_base, body);
    assert_int_equal(from.borrowed, 20000 - 16384);
    assert_int_equal(to.borrowed, 16384);
    assert_int_equal(outq_move(&to, &from, 20000 - 16384), 0);
    assert_int_equal(outq_iovec(&to, iov, 8), 2);
    assert_ptr_equal(iov[1].iov_base, body + 16384);
    assert_int_equal(outq_iovec(&from, iov, 8), 1);
    char *owned = iov[0].iov_base;
    assert_int_equal(outq_move(&to, &from, 20000), 0);
    assert_int_equal(outq_iovec(&to, iov, 8), 3);
    assert_ptr_equal(iov[2].iov_base, owned);
    assert_null(from.head);
    assert_null(from.tail);
    assert_queued(&to, body, 40000);
    outq_done(&to);
}

/* Bytes go through one queue into another in random pieces, and come out as they went in. */
static void test_move_random(void **state)
{
    enum { SIZE = 1 << 20 };
    char *bytes = malloc(SIZE);
    size_t at[3] = {0}; /* sent, moved, queued */
    unsigned seed = 11;
    struct outq from, to;

    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31 >> 3);
    outq_init(&from, &pool);
    outq_init(&to, &pool);
    while (at[2] < SIZE - 70000) {
        seed = seed * 1103515245 + 12345;
        size_t n = (seed >> 16) % (seed & 0x400 ? 40000 : 300);
        if ((seed >> 28 & 3) < 2) {
            assert_int_equal(seed >> 28 & 1 ? outq_append(&from, bytes + at[2], n)
                                            : outq_borrow(&from, bytes + at[2], n),
                             0);
            at[2] += n;
        } else if ((seed >> 28 & 3) == 2) {
            n = n < at[2] - at[1] ? n : at[2] - at[1];
            assert_int_equal(outq_append(&to, "", 0), 0);
            assert_int_equal(outq_move(&to, &from, n), 0);
            at[1] += n;
        } else {
            n = n < at[1] - at[0] ? n : at[1] - at[0];
            outq_consume(&to, n);
            at[0] += n;
        }
        if (seed & 0x800)
            assert_int_equal(outq_settle(&to), 0);
        assert_queued(&from, bytes + at[1], at[2] - at[1]);
        assert_queued(&to, bytes + at[0], at[1] - at[0]);
        assert_true(from.borrowed <= from.bytes && to.borrowed <= to.bytes);
    }
    outq_done(&from);
    outq_done(&to);
    free(bytes);
}

static int fill(void *arg)
{
    static char body[200000];
    struct pool own;
    struct outq q, other;

    pool_init(&own);
    outq_init(&q, &own);
    outq_init(&other, &own);
    int rc = outq_append(&q, body, 100000);
    if (rc == 0)
        rc = outq_borrow(&q, body, 50000);
    if (rc == 0)
        rc = outq_append(&q, body, 10);
    if (rc == 0)
        rc = outq_reserve(&q, 20000) ? 0 : WEIR_ERROR_NOMEM;
    if (rc == 0)
        outq_commit(&q, 20000);
    if (rc == 0)
        rc = outq_borrow(&q, body, 200000);
    if (rc == 0)
        rc = outq_move(&other, &q, 120000);
    if (rc == 0)
        rc = outq_settle(&q);
    if (rc == 0)
        assert_int_equal(q.bytes, 100000 + 50000 + 10 + 20000 + 200000 - 120000);
    outq_done(&other);
    outq_done(&q);
    pool_done(&own);
    return rc;
}

static void test_out_of_memory(void **state)
{
    assert_in_range(failmalloc_each(fill, NULL, WEIR_ERROR_NOMEM), 8, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_append),        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_borrow),        cmocka_unit_test(test_random),
        cmocka_unit_test(test_move),          cmocka_unit_test(test_move_random),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
