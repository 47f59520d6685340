/* SPDX-License-Identifier: MIT
 *
 * Authorities and origin forms on their own, as HTTP/2 uses them too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/request.h"

/* A copy in memory of just that size: reading past the end is found. */
static weir_str exact(const char *text, size_t len)
{
    char *copy = malloc(len ? len : 1);

    assert_non_null(copy);
    memcpy(copy, text, len);
    return str(copy, len);
}

static void test_authority(void **state)
{
    static const struct {
        const char *authority, *host; /* host NULL: refused */
        uint32_t port;
    } cases[] = {
        {"example.com", "example.com", 0},
        {"Example.COM.", "Example.COM.", 0},
        {"a_b~c-d.e", "a_b~c-d.e", 0},
        {"a!$&'()*+;=", "a!$&'()*+;=", 0},
        {"example.com:", "example.com", 0},
        {"example.com:1", "example.com", 1},
        {"example.com:65535", "example.com", 65535},
        {"example.com:00080", "example.com", 80},
        {"192.0.2.1:80", "192.0.2.1", 80},
        {"[::]", "[::]", 0},
        {"[::1]:80", "[::1]", 80},
        {"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", 0},
        {"[2001:DB8:0:0:0:0:0:1]:", "[2001:DB8:0:0:0:0:0:1]", 0},
        {"", NULL, 0},
        {":", NULL, 0},
        {":80", NULL, 0},
        {"a:0", NULL, 0},
        {"a:000", NULL, 0},
        {"a:65536", NULL, 0},
        {"a:99999999999999999999999", NULL, 0},
        {"a:+80", NULL, 0},
        {"a:-1", NULL, 0},
        {"a:8o", NULL, 0},
        {"a: 80", NULL, 0},
        {"a:80:80", NULL, 0},
        {"a,b", NULL, 0},
        {"u@a", NULL, 0},
        {"a/", NULL, 0},
        {"a?", NULL, 0},
        {"a#", NULL, 0},
        {"a\\", NULL, 0},
        {"a<", NULL, 0},
        {"a>", NULL, 0},
        {"a\"", NULL, 0},
        {"a{", NULL, 0},
        {"a}", NULL, 0},
        {"a|", NULL, 0},
        {"a^", NULL, 0},
        {"a`", NULL, 0},
        {"a%41", NULL, 0},
        {"a b", NULL, 0},
        {"a\t", NULL, 0},
        {"\xc3\xa4", NULL, 0},
        {"::1", NULL, 0},
        {"[", NULL, 0},
        {"[]", NULL, 0},
        {"[::1", NULL, 0},
        {"[::1]x", NULL, 0},
        {"[::1]80", NULL, 0},
        {"[::1]]", NULL, 0},
        {"[[::1]]", NULL, 0},
        {"[:::]", NULL, 0},
        {"[::g]", NULL, 0},
        {"[fe80::1%eth0]", NULL, 0},
        {"[fe80::1%25eth0]", NULL, 0},
        {"[v1.a]", NULL, 0},
        {"[192.0.2.1]", NULL, 0},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", NULL, 0},
        {"a[::1]", NULL, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_str authority = exact(cases[i].authority, strlen(cases[i].authority));
        weir_str host = {"untouched", 9};
        uint32_t port = 12345;
        bool ok = http_authority_parse(authority, &host, &port);
        if (ok != (cases[i].host != NULL))
            fail_msg("%s is %s", cases[i].authority, ok ? "accepted" : "refused");
        assert_true(str_eq(host, str_of(ok ? cases[i].host : "untouched")));
        assert_int_equal(port, ok ? cases[i].port : 12345);
        free((void *)(uintptr_t)authority.ptr);
    }
    weir_str host;
    uint32_t port;
    assert_false(http_authority_parse(WEIR_STR("a\0b"), &host, &port));
    assert_false(http_authority_parse(WEIR_STR("[::1\0]"), &host, &port));
    assert_false(http_authority_parse(str(NULL, 0), &host, &port));
}

static void test_origin_form(void **state)
{
    static const struct {
        const char *target, *path, *query; /* path NULL: refused; query NULL: none */
    } cases[] = {
        {"/", "/", NULL},
        {"/a/b", "/a/b", NULL},
        {"/a?b", "/a", "b"},
        {"/?", "/", ""},
        {"/??", "/", "?"},
        {"/a?b?c/d", "/a", "b?c/d"},
        {"/%41%ff%2F", "/%41%ff%2F", NULL},
        {"/a?%zz%", "/a", "%zz%"},
        {"/a?%00", "/a", "%00"},
        {"//a", "//a", NULL},
        {"", NULL, NULL},
        {"a", NULL, NULL},
        {"*", NULL, NULL},
        {"?a", NULL, NULL},
        {"http://a/", NULL, NULL},
        {"/%", NULL, NULL},
        {"/%4", NULL, NULL},
        {"/%4?1", NULL, NULL},
        {"/%g1", NULL, NULL},
        {"/%1g", NULL, NULL},
        {"/%00", NULL, NULL},
        {"/%41%00", NULL, NULL},
        {"/%%41", NULL, NULL},
        {"/a b", NULL, NULL},
        {"/a?b c", NULL, NULL},
        {"/a#b", NULL, NULL},
        {"/a?b#c", NULL, NULL},
        {"/a\\b", NULL, NULL},
        {"/\"", NULL, NULL},
        {"/<", NULL, NULL},
        {"/>", NULL, NULL},
        {"/\x7f", NULL, NULL},
        {"/\x80", NULL, NULL},
        {"/a?\xc3\xa4", NULL, NULL},
        {"/a\r\nb", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        weir_str target = exact(cases[i].target, strlen(cases[i].target)), path, query;
        bool has_query;
        bool ok = http_origin_form_parse(target, &path, &query, &has_query);
        if (ok != (cases[i].path != NULL))
            fail_msg("%s is %s", cases[i].target, ok ? "accepted" : "refused");
        if (ok) {
            assert_true(str_eq(path, str_of(cases[i].path)));
            assert_int_equal(has_query, cases[i].query != NULL);
            assert_true(str_eq(query, str_of(cases[i].query)));
        }
        free((void *)(uintptr_t)target.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_authority),
        cmocka_unit_test(test_origin_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
