/* SPDX-License-Identifier: MIT
 *
 * Ranges of bytes, and media types. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "http/media.h"
#include "http/range.h"

enum { MAX = 4 };

/* "whole", "416", or "first+length ..." */
static void describe(weir_str value, uint64_t size, char out[static 256])
{
    struct http_range ranges[MAX];
    size_t count = 99;
    int n = 0;

    switch (http_range_parse(value, size, ranges, MAX, &count)) {
    case HTTP_RANGE_IGNORED:
        snprintf(out, 256, "whole");
        break;
    case HTTP_RANGE_UNSATISFIABLE:
        snprintf(out, 256, "416");
        break;
    default:
        assert_true(count >= 1 && count <= MAX);
        for (size_t i = 0; i < count; i++) {
            assert_true(ranges[i].length > 0 && ranges[i].first < size &&
                        ranges[i].length <= size - ranges[i].first);
            n +=
                snprintf(out + n, 256 - (size_t)n, "%s%llu+%llu", i ? " " : "",
                         (unsigned long long)ranges[i].first, (unsigned long long)ranges[i].length);
        }
    }
}

static void expect(const char *value, uint64_t size, const char *wanted)
{
    size_t len = strlen(value);
    char *copy = malloc(len ? len : 1), got[256];

    assert_non_null(copy);
    memcpy(copy, value, len);
    describe(str(copy, len), size, got);
    if (strcmp(got, wanted) != 0)
        fail_msg("%s of %llu: %s, not %s", value, (unsigned long long)size, got, wanted);
    /* Any part of it has one of the outcomes, and nothing behind it is read. */
    for (size_t cut = 0; cut < len; cut++) {
        char *part = malloc(cut ? cut : 1);
        assert_non_null(part);
        memcpy(part, value, cut);
        describe(str(part, cut), size, got);
        free(part);
    }
    free(copy);
}

static void ranges(void **state)
{
    (void)state;
    expect("bytes=0-0", 10, "0+1");
    expect("bytes=0-9", 10, "0+10");
    expect("bytes=3-", 10, "3+7");
    expect("bytes=-3", 10, "7+3");
    expect("bytes=-10", 10, "0+10");
    expect("bytes=-11", 10, "0+10");
    expect("bytes=9-100", 10, "9+1");
    expect("BytEs=1-2", 10, "1+2");
    expect("bytes=1-2,4-5", 10, "1+2 4+2");
    expect("bytes=4-5,1-2", 10, "4+2 1+2");
    expect("bytes= 1-2 ,\t4-5 ,, -1,", 10, "1+2 4+2 9+1");
    expect("bytes=0-1,2-3,4-5,6-7", 10, "0+2 2+2 4+2 6+2");
    expect("bytes=1-1,10-,99-", 10, "1+1");
}

static void unsatisfiable_ranges(void **state)
{
    (void)state;
    expect("bytes=10-", 10, "416");
    expect("bytes=10-20", 10, "416");
    expect("bytes=10-,20-", 10, "416");
    expect("bytes=-0", 10, "416");
    expect("bytes=0-", 0, "416");
    expect("bytes=0-0", 0, "416");
}

static void ignored_ranges(void **state)
{
    (void)state;
    expect("", 10, "whole");
    expect("bytes", 10, "whole");
    expect("bytes=", 10, "whole");
    expect("bytes=,", 10, "whole");
    expect("bytes=-", 10, "whole");
    expect("bytes=1", 10, "whole");
    expect("bytes=2-1", 10, "whole");
    expect("bytes=20-19", 10, "whole");
    expect("bytes=1-2x", 10, "whole");
    expect("bytes=x1-2", 10, "whole");
    expect("bytes=1 -2", 10, "whole");
    expect("bytes=1- 2", 10, "whole");
    expect("bytes=--1", 10, "whole");
    expect("bytes=1--2", 10, "whole");
    expect("bytes =1-2", 10, "whole");
    expect("lines=1-2", 10, "whole");
    expect("bytes=1-2;3-4", 10, "whole");
    expect("bytes=1-2,x", 10, "whole");
    expect("bytes=-5", 0, "whole");
}

/* Nobody gets more than the whole, and nobody a thousand parts. */
static void ranges_that_attack(void **state)
{
    (void)state;
    expect("bytes=0-1,2-3,4-5,6-7,8-9", 10, "whole");
    expect("bytes=0-1,2-3,4-5,6-7,99-", 10, "whole");
    expect("bytes=0-5,5-9", 10, "whole");
    expect("bytes=0-,0-,0-", 10, "whole");
    expect("bytes=-5,-5", 10, "whole");
    expect("bytes=5-5,0-9", 10, "whole");
    expect("bytes=0-9,5-5", 10, "whole");
}

static void numbers_beyond_all_files(void **state)
{
    (void)state;
    expect("bytes=0-18446744073709551615", 10, "0+10");
    expect("bytes=0-99999999999999999999999999", 10, "0+10");
    expect("bytes=18446744073709551615-", 10, "416");
    expect("bytes=18446744073709551616-", 10, "416");
    expect("bytes=18446744073709551617-18446744073709551618", 10, "416");
    expect("bytes=-99999999999999999999999999", 10, "0+10");
    expect("bytes=00000000000000000000000000001-2", 10, "1+2");
    expect("bytes=9223372036854775806-", INT64_MAX, "9223372036854775806+1");
    expect("bytes=0-0,-1", INT64_MAX, "0+1 9223372036854775806+1");
}

static void media_types(void **state)
{
    static const char *const cases[][2] = {
        {"/a/index.html", "text/html; charset=utf-8"},
        {"a.PNG", "image/png"},
        {"a.tar.gz", "application/gzip"},
        {".css", "text/css; charset=utf-8"},
        {"a.b/c", "application/octet-stream"},
        {"a.html/", "application/octet-stream"},
        {"a.", "application/octet-stream"},
        {"html", "application/octet-stream"},
        {"a.htmlx", "application/octet-stream"},
        {"", "application/octet-stream"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(http_media_type(str_of(cases[i][0])), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(unsatisfiable_ranges),
        cmocka_unit_test(ignored_ranges),
        cmocka_unit_test(ranges_that_attack),
        cmocka_unit_test(numbers_beyond_all_files),
        cmocka_unit_test(media_types),
    };
    return cmocka_run_group_tests_name("http/range", tests, NULL, NULL);
}
