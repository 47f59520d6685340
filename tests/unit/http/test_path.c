/* SPDX-License-Identifier: MIT
 *
 * Paths, decoded once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/path.h"

#define OK(path, want)                               \
    {                                                \
        {path, sizeof(path) - 1}, HTTP_PATH_OK, want \
    }
#define REFUSED(path, result)                              \
    {                                                      \
        {path, sizeof(path) - 1}, HTTP_PATH_##result, NULL \
    }

static void test_normalise(void **state)
{
    static const struct {
        weir_str path;
        enum http_path_result result;
        const char *want;
    } cases[] = {
        OK("/", "/"),
        OK("/a", "/a"),
        OK("/a/b", "/a/b"),
        OK("/a/", "/a/"),
        OK("//", "/"),
        OK("///a//b///", "/a/b/"),
        OK("/%61%2Db", "/a-b"),
        OK("/%C3%A4\xc3\xa4", "/\xc3\xa4\xc3\xa4"),
        OK("/a%20b+c", "/a b+c"),
        OK("/%2561", "/%61"),
        OK("/%25%32%35", "/%25"),
        OK("/.", "/"),
        OK("/./", "/"),
        OK("/a/.", "/a/"),
        OK("/a/./b", "/a/b"),
        OK("/a/..", "/"),
        OK("/a/../", "/"),
        OK("/a/../b", "/b"),
        OK("/a/b/..", "/a/"),
        OK("/a/b/../c", "/a/c"),
        OK("/a/b/../../c", "/c"),
        OK("/a//../b", "/b"),
        OK("/a/%2e%2E/b", "/b"),
        OK("/a/%2e", "/a/"),
        OK("/a/.%2e", "/"),
        OK("/...", "/..."),
        OK("/..a", "/..a"),
        OK("/a..", "/a.."),
        OK("/.a", "/.a"),
        OK("/.../..", "/"),
        OK("/..;/a", "/..;/a"),
        OK("/a;b=c/d", "/a;b=c/d"),
        OK("/a\\..\\b", "/a\\..\\b"),
        OK("/%5c", "/\\"),
        OK("/%3F%23", "/?#"),
        REFUSED("", NOT_ABSOLUTE),
        REFUSED("*", NOT_ABSOLUTE),
        REFUSED("a/b", NOT_ABSOLUTE),
        REFUSED("%2Fa", NOT_ABSOLUTE),
        REFUSED("/..", CLIMBS),
        REFUSED("/../", CLIMBS),
        REFUSED("/../a", CLIMBS),
        REFUSED("//..", CLIMBS),
        REFUSED("/./..", CLIMBS),
        REFUSED("/a/../..", CLIMBS),
        REFUSED("/a/../../a", CLIMBS),
        REFUSED("/%2e%2e/a", CLIMBS),
        REFUSED("/%", BAD_ESCAPE),
        REFUSED("/%a", BAD_ESCAPE),
        REFUSED("/%ag", BAD_ESCAPE),
        REFUSED("/%ga", BAD_ESCAPE),
        REFUSED("/%%61", BAD_ESCAPE),
        REFUSED("/%u0041", BAD_ESCAPE),
        REFUSED("/%00", NUL),
        REFUSED("/a\0b", NUL),
        REFUSED("/%0a", CONTROL),
        REFUSED("/%0d%0a", CONTROL),
        REFUSED("/%1f", CONTROL),
        REFUSED("/%7F", CONTROL),
        REFUSED("/\x01", CONTROL),
        REFUSED("/\x7f", CONTROL),
        REFUSED("/a%2fb", SLASH),
        REFUSED("/..%2F", SLASH),
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t room = cases[i].path.len, len = 12345;
        char *in = malloc(room + 1), *out = malloc(room + 1);
        assert_non_null(in);
        assert_non_null(out);
        memcpy(in, cases[i].path.ptr, room);
        in = realloc(in, room ? room : 1);
        out = realloc(out, room ? room : 1);
        enum http_path_result result = http_path_normalise(str(in, room), out, &len);
        if (result != cases[i].result)
            fail_msg("%s: %s", cases[i].path.ptr, http_path_reason(result));
        if (result == HTTP_PATH_OK && !str_eq(str(out, len), str_of(cases[i].want)))
            fail_msg("%s becomes %.*s", cases[i].path.ptr, (int)len, out);
        if (result != HTTP_PATH_OK)
            assert_int_equal(len, 12345);
        free(in);
        free(out);
    }
}

/* Every reason is a word of its own. */
static void test_reasons(void **state)
{
    for (int a = HTTP_PATH_OK; a <= HTTP_PATH_NOT_ABSOLUTE; a++)
        for (int b = HTTP_PATH_OK; b < a; b++)
            assert_string_not_equal(http_path_reason(a), http_path_reason(b));
    assert_string_equal(http_path_reason(HTTP_PATH_CLIMBS), "path-climbs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normalise),
        cmocka_unit_test(test_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
