/* SPDX-License-Identifier: MIT
 *
 * URLs: taken apart, put together, resolved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/fcurl/url.h"

static void test_parts(void **state)
{
    static const struct {
        const char *text, *scheme, *user, *password, *host;
        unsigned port;
        const char *path, *query, *fragment;
    } cases[] = {
        {"http://a", "http", NULL, NULL, "a", 80, "/", NULL, NULL},
        {"a", "http", NULL, NULL, "a", 80, "/", NULL, NULL},
        {"a:81/x", "http", NULL, NULL, "a", 81, "/x", NULL, NULL},
        {"HTTPS://A.example./", "https", NULL, NULL, "a.example.", 443, "/", NULL, NULL},
        {"http:/a/b", "http", NULL, NULL, "a", 80, "/b", NULL, NULL},
        {"http:///a/b", "http", NULL, NULL, "a", 80, "/b", NULL, NULL},
        {"http://a:/b", "http", NULL, NULL, "a", 80, "/b", NULL, NULL},
        {"http://a?q#f?g", "http", NULL, NULL, "a", 80, "/", "q", "f?g"},
        {"http://a#f", "http", NULL, NULL, "a", 80, "/", NULL, "f"},
        {"http://a/?", "http", NULL, NULL, "a", 80, "/", "", NULL},
        {"http://u@a/", "http", "u", NULL, "a", 80, "/", NULL, NULL},
        {"http://u:@a/", "http", "u", "", "a", 80, "/", NULL, NULL},
        {"http://:p@a/", "http", "", "p", "a", 80, "/", NULL, NULL},
        {"http://u%40:p%3a:%zz@a/", "http", "u@", "p::%zz", "a", 80, "/", NULL, NULL},
        {"http://x@y@a/", "http", "x@y", NULL, "a", 80, "/", NULL, NULL},
        {"http://a/@b:c", "http", NULL, NULL, "a", 80, "/@b:c", NULL, NULL},
        {"http://[::1]:8080/x", "http", NULL, NULL, "[::1]", 8080, "/x", NULL, NULL},
        {"fcgi://[FE80::1]/", "fcgi", NULL, NULL, "[fe80::1]", 9000, "/", NULL, NULL},
        {"http://a/b/./c/../d", "http", NULL, NULL, "a", 80, "/b/d", NULL, NULL},
        {"http://a/../../b/..", "http", NULL, NULL, "a", 80, "/", NULL, NULL},
        {"http://a/b/.", "http", NULL, NULL, "a", 80, "/b/", NULL, NULL},
        {"http://a/\xc3\xa4?\xff", "http", NULL, NULL, "a", 80, "/%C3%A4", "%FF", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct url url;
        const char *why = url_parse(&url, cases[i].text, false);
        if (why)
            fail_msg("%s: %s", cases[i].text, why);
        const char *got[] = {url.scheme, url.user,  url.password, url.host,
                             url.path,   url.query, url.fragment};
        const char *want[] = {cases[i].scheme, cases[i].user,  cases[i].password, cases[i].host,
                              cases[i].path,   cases[i].query, cases[i].fragment};
        for (size_t k = 0; k < 7; k++)
            if ((got[k] == NULL) != (want[k] == NULL) || (got[k] && strcmp(got[k], want[k]) != 0))
                fail_msg("%s: part %zu is %s, not %s", cases[i].text, k, got[k], want[k]);
        assert_int_equal(url.port, cases[i].port);
        url_done(&url);
    }
}

static void test_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "http://",
        "http:///",
        "http://:80/",
        "http://a:65536/",
        "http://a:x",
        "http://a:-1/",
        "http://[::1",
        "http://[::1]x",
        "http://[x]/",
        "ftp://a/",
        "http://a b/",
        "http://a/ b",
        "http://a\n/",
        "http://a%00/",
        "://a",
        "http://a\"b/",
        "http://u@/",
        "http://[]/",
        "http://\xc3\xa4/",
        "http://a\x7f/",
        "http://a:80:80/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct url url;
        if (url_parse(&url, cases[i], false) == NULL)
            fail_msg("%s was taken: host %s", cases[i], url.host);
        assert_null(url.host);
    }
}

static void test_as_is(void **state)
{
    struct url url;

    (void)state;
    assert_null(url_parse(&url, "http://a/b/../c/./d", true));
    assert_string_equal(url.path, "/b/../c/./d");
    url_done(&url);
}

/* RFC 3986 5.4, and what redirects hold in practice. */
static void test_resolve(void **state)
{
    static const struct {
        const char *reference, *want;
    } cases[] = {
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g/"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q"},
        {"", "http://a/b/c/d;p?q"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../../../g", "http://a/g"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"https://h:1/x", "https://h:1/x"},
        {"a b?c d", "http://a/b/c/a%20b?c+d"},
        {"/x?u=http://y/", "http://a/x?u=http://y/"},
    };
    struct url base, url;

    (void)state;
    assert_null(url_parse(&base, "http://u:p@a/b/c/d;p?q", false));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(url_resolve(&url, &base, cases[i].reference));
        char *got = url_format(&url);
        assert_string_equal(got, cases[i].want);
        assert_null(url.user);
        free(got);
        url_done(&url);
    }
    assert_non_null(url_resolve(&url, &base, "ftp://x/"));
    assert_non_null(url_resolve(&url, &base, "/a\nb"));
    url_done(&base);
}

static void test_words(void **state)
{
    struct url url;
    size_t len;

    (void)state;
    assert_null(url_parse(&url, "https://A:443/x", false));
    char *site = url_site(&url), *authority = url_authority(&url), *text = url_format(&url);
    assert_string_equal(site, "https://a:443");
    assert_string_equal(authority, "a");
    assert_string_equal(text, "https://a:443/x");
    free(site);
    free(authority);
    free(text);
    url_add_query(&url, "");
    assert_null(url.query);
    url_add_query(&url, "a=b");
    url_add_query(&url, "c");
    assert_string_equal(url.query, "a=b&c");
    url_done(&url);
    text = url_decode("%00%4", 5, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "\0%4", 3);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_as_is), cmocka_unit_test(test_resolve),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
