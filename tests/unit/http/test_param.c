/* SPDX-License-Identifier: MIT
 *
 * Values with parameters: Content-Type, Content-Disposition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/error.h>

#include "http/param.h"

/* "head|name=value|name=value", values without their quotes; "!" at the end if malformed. */
static const char *shown(const char *value)
{
    static char out[512];
    char unquoted[256];
    weir_str rest = str_of(value), head = http_param_head(&rest), name, text;
    size_t len = head.len;
    int rc;

    memcpy(out, head.ptr, head.len);
    while ((rc = http_param_next(&rest, &name, &text)) > 0) {
        out[len++] = '|';
        memcpy(out + len, name.ptr, name.len);
        len += name.len;
        out[len++] = '=';
        size_t n = http_unquote(text, unquoted);
        assert_true(n <= text.len);
        memcpy(out + len, unquoted, n);
        len += n;
    }
    if (rc != 0) {
        assert_int_equal(rc, WEIR_ERROR_HEADER);
        out[len++] = '!';
    } else {
        assert_int_equal(rest.len, 0);
    }
    out[len] = '\0';
    return out;
}

static void test_parameters(void **state)
{
    static const struct {
        const char *value, *want;
    } cases[] = {
        {"", ""},
        {"text/html", "text/html"},
        {" text/html ", "text/html"},
        {"text/html;", "text/html"},
        {"text/html ; ;; charset=utf-8 ;", "text/html|charset=utf-8"},
        {"text/html;charset=\"utf-8\"", "text/html|charset=utf-8"},
        {"a;b=c;d=\"e;f\";g=h", "a|b=c|d=e;f|g=h"},
        {"a;b=\"\"", "a|b="},
        {"a;b=\"c\\\"d\"", "a|b=c\"d"},
        {"a;b=\"c\\\\d\"", "a|b=c\\d"},
        {"a;b=\"C:\\dir\\file\"", "a|b=C:\\dir\\file"},
        {"a;b=\"\\x\\\"\"", "a|b=\\x\""},
        {"a;b=", "a!"},
        {"a;b", "a!"},
        {"a;=b", "a!"},
        {"a;b =c", "a!"},
        {"a;b= c", "a!"},
        {"a;b=\"c", "a!"},
        {"a;b=\"c\\\"", "a!"},
        {"a;b=c d", "a|b=c!"},
        {"a;b=c;d=e/f", "a|b=c|d=e!"},
        {"a;b=\"c\"d", "a|b=c!"},
        {"a;b=\"caf\xc3\xa9\"", "a|b=caf\xc3\xa9"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(shown(cases[i].value), cases[i].want);
}

static void test_unquote_in_place(void **state)
{
    char value[] = "\"a\\\"b\\\\c\\d\"";
    size_t len = http_unquote(str_of(value), value);

    assert_true(str_eq(str(value, len), WEIR_STR("a\"b\\c\\d")));
    assert_int_equal(http_unquote(WEIR_STR("\""), value), 1);
    assert_int_equal(http_unquote(WEIR_STR(""), value), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_unquote_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
