/* SPDX-License-Identifier: MIT
 *
 * URL globbing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/fcurl/glob.h"

/* All that a pattern makes, each followed by a space; at most 40. */
static char *all(const char *pattern, bool off, const char *name)
{
    struct glob glob;
    struct text out = {NULL, 0, 0};
    char *why = NULL, *url;

    if (!glob_init(&glob, pattern, off, &why)) {
        assert_non_null(why);
        free(why);
        return NULL;
    }
    for (int i = 0; i < 40 && (url = glob_next(&glob)); i++) {
        char *named = name ? glob_name(&glob, name) : NULL;
        text_printf(&out, "%s ", named ? named : url);
        free(named);
        free(url);
    }
    glob_done(&glob);
    return text_take(&out);
}

static void test_patterns(void **state)
{
    static const struct {
        const char *pattern, *want;
    } cases[] = {
        {"a", "a "},
        {"", " "},
        {"{a,b}{c,d}", "ac ad bc bd "},
        {"x{a,,b}y", "xay xy xby "},
        {"{a}", "a "},
        {"[1-3]", "1 2 3 "},
        {"[08-10]", "08 09 10 "},
        {"[0-1]", "0 1 "},
        {"[1-10:4]", "1 5 9 "},
        {"[a-e:2]", "a c e "},
        {"[X-Z]", "X Y Z "},
        {"[5-5]", "5 "},
        {"[18446744073709551614-18446744073709551615]",
         "18446744073709551614 18446744073709551615 "},
        {"http://[::1]/[1-2]", "http://[::1]/1 http://[::1]/2 "},
        {"\\[1-2\\]\\{x\\}", "[1-2]{x} "},
        {"a[]b", "a[]b "},
        {"{\\,,\\}}", ", } "},
        {"a\\b", "a\\b "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = all(cases[i].pattern, false, NULL);
        assert_non_null(got);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

static void test_refused(void **state)
{
    static const char *const cases[] = {
        "{a",
        "{a,{b}}",
        "a}",
        "a]",
        "[1-",
        "[1",
        "[3-1]",
        "[z-a]",
        "[a-Z]",
        "[1-x]",
        "[1-2:0]",
        "[1-2:x]",
        "[1-2",
        "[-1-2]",
        "[a]",
        "[a-",
        "{a]",
        "[a-bc]",
        "[ 1-2]",
        "[1-2:]",
        "[0-18446744073709551615]",
        "[0-99999999999999999999]",
        "[1-9999999999][1-9999999999]",
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *got = all(cases[i], false, NULL);
        if (got)
            fail_msg("%s made %s", cases[i], got);
    }
}

static void test_off(void **state)
{
    char *got = all("{a,b}[1-2]\\[", true, NULL);

    (void)state;
    assert_string_equal(got, "{a,b}[1-2]\\[ ");
    free(got);
}

static void test_names(void **state)
{
    char *got = all("h/{a,b}/[1-2]", false, "#2-#1-#3-#0-#x-##1");

    (void)state;
    assert_string_equal(got, "1-a-#3-#0-#x-#a 2-a-#3-#0-#x-#a 1-b-#3-#0-#x-#b 2-b-#3-#0-#x-#b ");
    free(got);
    got = all("[01-02]", false, "f#1#99999999999999999999");
    assert_string_equal(got, "f01#99999999999999999999 f02#99999999999999999999 ");
    free(got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_off),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
