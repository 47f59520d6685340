/* SPDX-License-Identifier: MIT
 *
 * The cookie jar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/fcurl/cookies.h"

static struct url url_of(const char *text)
{
    struct url url;

    assert_null(url_parse(&url, text, false));
    return url;
}

static bool receive(struct cookies *jar, const char *from, const char *field)
{
    struct url url = url_of(from);
    bool good = cookies_receive(jar, &url, field);

    url_done(&url);
    return good;
}

static void sent(struct cookies *jar, const char *to, const char *want)
{
    struct url url = url_of(to);
    char *got = cookies_header(jar, &url);

    if (want) {
        assert_non_null(got);
        assert_string_equal(got, want);
    } else if (got) {
        fail_msg("%s was sent to %s", got, to);
    }
    free(got);
    url_done(&url);
}

static void test_scope(void **state)
{
    struct cookies jar = {NULL, true};

    (void)state;
    assert_true(receive(&jar, "http://a.b.example/x/y", "one=1"));
    assert_true(receive(&jar, "http://a.b.example/", "two=2; Domain=.b.example; Path=/"));
    assert_true(receive(&jar, "https://a.b.example/", "three=3; Secure; Path=/"));
    sent(&jar, "http://a.b.example/x/z", "one=1; two=2");
    sent(&jar, "http://a.b.example/x", "one=1; two=2");
    sent(&jar, "http://a.b.example/xx", "two=2");
    sent(&jar, "https://a.b.example/", "two=2; three=3");
    sent(&jar, "http://c.b.example/", "two=2");
    sent(&jar, "http://b.example/", "two=2");
    sent(&jar, "http://cb.example/", NULL);
    sent(&jar, "http://example/", NULL);
    cookies_done(&jar);
}

static void test_refused(void **state)
{
    struct cookies jar = {NULL, true};
    static const char *const fields[] = {
        "",
        "noequals",
        "=x",
        "a=b; Domain=other.example",
        "a=b; Domain=example",
        "a=b; Domain=x.b.example",
        "a=b; Secure",
        "__Secure-a=b",
        "__Host-a=b; Path=/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (receive(&jar, "http://b.example/", fields[i]))
            fail_msg("%s was taken", fields[i]);
    assert_false(receive(&jar, "http://127.0.0.1/", "a=b; Domain=0.0.1"));
    assert_false(receive(&jar, "https://b.example/", "__Host-a=b; Secure; Path=/x"));
    assert_true(receive(&jar, "https://b.example/", "__Host-a=b; Secure; Path=/"));
    sent(&jar, "https://b.example/", "__Host-a=b");
    cookies_done(&jar);
}

static void test_replaced_and_expired(void **state)
{
    struct cookies jar = {NULL, true};

    (void)state;
    assert_true(receive(&jar, "http://a/", "x=1"));
    assert_true(receive(&jar, "http://a/", "x=2; Max-Age=100"));
    sent(&jar, "http://a/", "x=2");
    assert_true(receive(&jar, "http://a/", "x=3; Max-Age=0"));
    sent(&jar, "http://a/", NULL);
    assert_true(receive(&jar, "http://a/", "y=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    sent(&jar, "http://a/", NULL);
    assert_true(receive(&jar, "http://a/", "y=1; Max-Age=9223372036854775807"));
    assert_true(receive(&jar, "http://a/", "y=1; Max-Age=99999999999999999999"));
    assert_true(
        receive(&jar, "http://a/", "z=1; Max-Age=50; Expires=Thu, 01 Jan 1970 00:00:00 GMT"));
    sent(&jar, "http://a/", "y=1; z=1");
    cookies_done(&jar);
}

static void test_bounded(void **state)
{
    struct cookies jar = {NULL, true};
    char field[32];
    char *big = must_alloc(9000);
    size_t count = 0;

    (void)state;
    memset(big, 'x', 8999);
    big[1] = '=';
    assert_false(receive(&jar, "http://a/", big));
    big[8000] = '\0';
    assert_true(receive(&jar, "http://a/", big));
    big[0] = 'y';
    assert_true(receive(&jar, "http://a/", big));
    struct url url = url_of("http://a/");
    char *header = cookies_header(&jar, &url);
    assert_int_equal(strlen(header), 8000); /* the second does not fit */
    free(header);
    for (int i = 0; i < 6000; i++) {
        snprintf(field, sizeof field, "c%d=1; Path=/p", i);
        (void)cookies_receive(&jar, &url, field);
    }
    url_done(&url);
    char path[] = "/tmp/weir-cookies-XXXXXX", line[16384];
    close(mkstemp(path));
    assert_true(cookies_save(&jar, path));
    FILE *file = fopen(path, "r");
    while (fgets(line, sizeof line, file))
        count += line[0] != '#' && line[0] != '\n';
    fclose(file);
    unlink(path);
    assert_int_equal(count, 5000);
    free(big);
    cookies_done(&jar);
}

static void test_file(void **state)
{
    struct cookies jar = {NULL, true}, again = {NULL, true};
    char path[] = "/tmp/weir-cookies-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");

    (void)state;
    fputs("# comment\n\ngarbage\na\tTRUE\n"
          "#HttpOnly_a.example\tFALSE\t/\tFALSE\t0\th\tonly\r\n"
          ".a.example\tTRUE\t/\tFALSE\t4000000000\tlong\tvalue with\ttab\n"
          "a.example\tFALSE\t/\tFALSE\t1\told\tgone\n"
          "a.example\tFALSE\tx\tFALSE\t0\tpath\tbad\n"
          "a.example\tFALSE\t/\tFALSE\t0\tempty",
          file);
    fclose(file);
    cookies_load(&jar, path, false);
    sent(&jar, "http://a.example/", "h=only; long=value with\ttab; empty=");
    assert_true(cookies_save(&jar, path));
    cookies_load(&again, path, true);
    sent(&again, "http://x.a.example/", "long=value with\ttab");
    sent(&again, "http://a.example/", "long=value with\ttab");
    cookies_load(&again, "/no/such/file", false);
    assert_false(cookies_save(&jar, "/no/such/folder/jar"));
    unlink(path);
    cookies_done(&jar);
    cookies_done(&again);
}

static void test_dates(void **state)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"6 nov 1994", 784080000},
        {"01 Jan 70 00:00:00", 0},
        {"", -1},
        {"Nov 1994", -1},
        {"32 Nov 1994", -1},
        {"6 Nov 1994 25:00:00", -1},
        {"6 Nov 1600 00:00:00", -1},
        {"99999999999999999999", -1},
        {"data.txt", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cookies_parse_date(cases[i].text) != cases[i].want)
            fail_msg("%s: %lld", cases[i].text, (long long)cookies_parse_date(cases[i].text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bounded), cmocka_unit_test(test_replaced_and_expired),
        cmocka_unit_test(test_file),    cmocka_unit_test(test_dates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
