/* SPDX-License-Identifier: MIT
 *
 * Cookies, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/error.h>

#include "http/cookie.h"

static void test_reading(void **state)
{
    static const struct {
        const char *field, *want; /* name=value, each followed by | */
    } cases[] = {
        {"", ""},
        {"a=1", "a=1|"},
        {"a=1; b=2;c=3 ;  d=4", "a=1|b=2|c=3|d=4|"},
        {"a=1; a=2", "a=1|a=2|"},
        {"a=", "a=|"},
        {"a=b=c", "a=b=c|"},
        {" a = b ", "a=b|"},
        {"a", ""},
        {"a; b=1; c", "b=1|"},
        {"=1; b=2", "b=2|"},
        {" =1", ""},
        {";;a=1;;", "a=1|"},
        {"a=\"1 2\"; b=\"; c=\"\"; d=\"x", "a=1 2|b=\"|c=|d=\"x|"},
        {"a=1,2; b[c]=3", "a=1,2|b[c]=3|"},
        {"a=%20x", "a=%20x|"},
        {"a=\x01; b=2; c\x7f=3", "b=2|"},
        {"a=caf\xc3\xa9", "a=caf\xc3\xa9|"},
        {"__Host-a=1; __host-a=2", "__Host-a=1|__host-a=2|"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        weir_str rest = str_of(cases[i].field), name, value;
        char out[200] = "";
        while (http_cookie_next(&rest, &name, &value)) {
            strncat(out, name.ptr, name.len);
            strcat(out, "=");
            strncat(out, value.ptr, value.len);
            strcat(out, "|");
        }
        assert_string_equal(out, cases[i].want);
    }
}

static void check(struct http_cookie cookie, int want_rc, const char *want)
{
    char out[HTTP_SET_COOKIE_MAX];
    int rc = http_cookie_write(&cookie, out);

    assert_int_equal(rc, want_rc);
    if (rc == 0)
        assert_string_equal(out, want);
}

static void test_writing(void **state)
{
#define COOKIE(n, v, ...) \
    (struct http_cookie){.name = WEIR_STR(n), .value = WEIR_STR(v), __VA_ARGS__}
    check(COOKIE("a", "", ), 0, "a=");
    check(COOKIE("a", "b=c!#$%&'()*+-./:<=>?@[]^_`{|}~", ), 0, "a=b=c!#$%&'()*+-./:<=>?@[]^_`{|}~");
    check(COOKIE("a", "1", .path = WEIR_STR("/x y"), .domain = WEIR_STR("Example.com"),
                 .max_age = 60, .expires = 784111777, .secure = true, .http_only = true,
                 .same_site = HTTP_SAME_SITE_STRICT),
          0,
          "a=1; Path=/x y; Domain=Example.com; Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:37 GMT; "
          "Secure; HttpOnly; SameSite=Strict");
    check(COOKIE("a", "1", .max_age = -5, .expires = 784111777), 0,
          "a=1; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    check(COOKIE("a", "1", .max_age = INT64_MAX), 0, "a=1; Max-Age=9223372036854775807");
    check(COOKIE("a", "1", .same_site = HTTP_SAME_SITE_LAX), 0, "a=1; SameSite=Lax");
    check(COOKIE("a", "1", .same_site = HTTP_SAME_SITE_NONE, .secure = true, .partitioned = true),
          0, "a=1; Secure; SameSite=None; Partitioned");
    check(COOKIE("__Host-a", "1", .path = WEIR_STR("/"), .secure = true), 0,
          "__Host-a=1; Path=/; Secure");
    check(COOKIE("__Secure-a", "1", .domain = WEIR_STR("b.c"), .secure = true), 0,
          "__Secure-a=1; Domain=b.c; Secure");
}

static void test_refused(void **state)
{
    static const char *const bad_values[] = {"a b", "a\"", "a,b",   "a;b",      "a\\b",
                                             "a\r", "a\n", "a\x7f", "\xc3\xa9", "a\tb"};
    static const char *const bad_names[] = {"", "a b", "a=b", "a;b", "a,b", "a\n", "\xc3\xa9"};
    static const char *const bad_paths[] = {"", "x", "/;", "/\n", "/\x7f", "/\xc3\xa9"};
    static const char *const bad_domains[] = {"", "a b", "a;b", "a/b", "a\n", "a:1"};
    static char longest[HTTP_COOKIE_MAX + 1];

    for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++)
        check((struct http_cookie){.name = WEIR_STR("a"), .value = str_of(bad_values[i])},
              WEIR_ERROR_HEADER, NULL);
    for (size_t i = 0; i < sizeof bad_names / sizeof *bad_names; i++)
        check((struct http_cookie){.name = str_of(bad_names[i])}, WEIR_ERROR_HEADER, NULL);
    for (size_t i = 0; i < sizeof bad_paths / sizeof *bad_paths; i++)
        check(COOKIE("a", "", .path = str_of(bad_paths[i])), WEIR_ERROR_HEADER, NULL);
    for (size_t i = 0; i < sizeof bad_domains / sizeof *bad_domains; i++)
        check(COOKIE("a", "", .domain = str_of(bad_domains[i])), WEIR_ERROR_HEADER, NULL);

    check(COOKIE("a", "1", .same_site = HTTP_SAME_SITE_NONE), WEIR_ERROR_INVALID, NULL);
    check(COOKIE("a", "1", .partitioned = true), WEIR_ERROR_INVALID, NULL);
    check(COOKIE("__secure-a", "1", ), WEIR_ERROR_INVALID, NULL);
    check(COOKIE("__Host-a", "1", .path = WEIR_STR("/")), WEIR_ERROR_INVALID, NULL);
    check(COOKIE("__Host-a", "1", .secure = true), WEIR_ERROR_INVALID, NULL);
    check(COOKIE("__Host-a", "1", .secure = true, .path = WEIR_STR("/x")), WEIR_ERROR_INVALID,
          NULL);
    check(COOKIE("__HOST-a", "1", .secure = true, .path = WEIR_STR("/"), .domain = WEIR_STR("b")),
          WEIR_ERROR_INVALID, NULL);

    memset(longest, 'x', sizeof longest);
    struct http_cookie c = {.name = WEIR_STR("a"), .value = str(longest, HTTP_COOKIE_MAX)};
    check(c, WEIR_ERROR_LIMIT, NULL);
    c.path = c.domain = str(longest, HTTP_COOKIE_ATTRIBUTE_MAX);
    longest[0] = '/';
    c.value.len--;
    c.domain.ptr++;
    c.max_age = INT64_MAX;
    c.expires = 1;
    c.secure = c.http_only = c.partitioned = true;
    c.same_site = HTTP_SAME_SITE_STRICT;
    char out[HTTP_SET_COOKIE_MAX];
    assert_int_equal(http_cookie_write(&c, out), 0); /* all of it fits */
    c.path.len++;
    assert_int_equal(http_cookie_write(&c, out), WEIR_ERROR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
