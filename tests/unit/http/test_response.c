/* SPDX-License-Identifier: MIT
 *
 * Writing responses, also when memory is out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <weir/error.h>

#include "http/response.h"
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

static void assert_queued(struct outq *q, weir_str want)
{
    struct iovec iov[64];
    int n = outq_iovec(q, iov, 64);
    size_t at = 0;

    assert_int_equal(q->bytes, want.len);
    for (int i = 0; i < n; i++) {
        assert_true(iov[i].iov_len <= want.len - at);
        assert_memory_equal(iov[i].iov_base, want.ptr + at, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    assert_int_equal(at, want.len);
    outq_done(q);
}

static void test_date(void **state)
{
    static const struct {
        int64_t seconds;
        const char *want;
    } cases[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {4107542399, "Sun, 28 Feb 2100 23:59:59 GMT"},
        {2147483648, "Tue, 19 Jan 2038 03:14:08 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT"},
        {-62167219200, "Sat, 01 Jan 0000 00:00:00 GMT"},
        {INT64_MIN, "Sat, 01 Jan 0000 00:00:00 GMT"},
    };
    char out[HTTP_DATE_SIZE];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        http_date(cases[i].seconds, out);
        assert_string_equal(out, cases[i].want);
    }
}

/* Against libc, a day and a bit at a time over 400 years, which is the whole cycle. */
static void test_date_cycle(void **state)
{
    char out[HTTP_DATE_SIZE], want[64];

    for (int64_t t = -3000000000; t < 10000000000; t += 86400 + 12345) {
        time_t seconds = (time_t)t;
        struct tm tm;
        http_date(t, out);
        gmtime_r(&seconds, &tm);
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        assert_string_equal(out, want);
    }
}

static void test_status(void **state)
{
    struct outq q;

    outq_init(&q, &pool);
    assert_int_equal(http1_write_status(&q, 200, WEIR_STR("")), 0);
    assert_queued(&q, WEIR_STR("HTTP/1.1 200 OK\r\n"));
    assert_int_equal(http1_write_status(&q, 404, str(NULL, 0)), 0);
    assert_queued(&q, WEIR_STR("HTTP/1.1 404 Not Found\r\n"));
    assert_int_equal(http1_write_status(&q, 404, WEIR_STR("Gone fishing")), 0);
    assert_queued(&q, WEIR_STR("HTTP/1.1 404 Gone fishing\r\n"));
    assert_int_equal(http1_write_status(&q, 299, WEIR_STR("")), 0);
    assert_queued(&q, WEIR_STR("HTTP/1.1 299 \r\n"));
}

static void test_reason_phrase(void **state)
{
    assert_true(str_eq(http_reason_phrase(101), WEIR_STR("Switching Protocols")));
    assert_true(str_eq(http_reason_phrase(511), WEIR_STR("Network Authentication Required")));
    assert_int_equal(http_reason_phrase(0).len, 0);
    assert_int_equal(http_reason_phrase(299).len, 0);
    for (unsigned status = 0; status < 1000; status++)
        for (size_t i = 0; i < http_reason_phrase(status).len; i++)
            assert_in_range(http_reason_phrase(status).ptr[i], ' ', '~');
}

static void test_field(void **state)
{
    struct outq q;

    outq_init(&q, &pool);
    assert_int_equal(http1_write_field(&q, WEIR_STR("Server"), WEIR_STR("weir")), 0);
    assert_int_equal(http1_write_field(&q, WEIR_STR("X"), str(NULL, 0)), 0);
    assert_queued(&q, WEIR_STR("Server: weir\r\nX: \r\n"));

    size_t len = 100000;
    char *value = malloc(len), *want = malloc(len + 5);
    assert_non_null(value);
    assert_non_null(want);
    memset(value, 'v', len);
    memcpy(want, "X: ", 3);
    memset(want + 3, 'v', len);
    memcpy(want + 3 + len, "\r\n", 2);
    assert_int_equal(http1_write_field(&q, WEIR_STR("X"), str(value, len)), 0);
    assert_queued(&q, str(want, len + 5));
    free(value);
    free(want);
}

static void test_chunk_size(void **state)
{
    struct outq q;

    outq_init(&q, &pool);
    assert_int_equal(http1_write_chunk_size(&q, 1), 0);
    assert_int_equal(http1_write_chunk_size(&q, 16), 0);
    assert_int_equal(http1_write_chunk_size(&q, 0x1a2b), 0);
    assert_int_equal(http1_write_chunk_size(&q, UINT64_MAX), 0);
    assert_queued(&q, WEIR_STR("1\r\n10\r\n1a2b\r\nffffffffffffffff\r\n"));
}

static void test_has_body(void **state)
{
    assert_true(http_has_body(200, false));
    assert_true(http_has_body(404, false));
    assert_true(http_has_body(205, false));
    assert_false(http_has_body(200, true));
    assert_false(http_has_body(100, false));
    assert_false(http_has_body(101, false));
    assert_false(http_has_body(199, false));
    assert_false(http_has_body(204, false));
    assert_false(http_has_body(304, false));
    assert_false(http_has_body(304, true));
}

/* Each attempt starts without kept memory, and needs several nodes. */
static int write_head(void *arg)
{
    struct pool own;
    struct outq q;
    char date[HTTP_DATE_SIZE];

    pool_init(&own);
    outq_init(&q, &own);
    http_date(0, date);
    int rc = http1_write_status(&q, 200, WEIR_STR(""));
    for (int i = 0; rc == 0 && i < 100; i++) {
        rc = http1_write_field(&q, WEIR_STR("Date"), str(date, HTTP_DATE_SIZE - 1));
        if (rc == 0)
            rc = http1_write_chunk_size(&q, 4096);
    }
    outq_done(&q);
    pool_done(&own);
    return rc;
}

static void test_failing_allocations(void **state)
{
    assert_in_range(failmalloc_each(write_head, NULL, WEIR_ERROR_NOMEM), 2, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_date),     cmocka_unit_test(test_date_cycle),
        cmocka_unit_test(test_status),   cmocka_unit_test(test_reason_phrase),
        cmocka_unit_test(test_field),    cmocka_unit_test(test_chunk_size),
        cmocka_unit_test(test_has_body), cmocka_unit_test(test_failing_allocations),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
