/* SPDX-License-Identifier: MIT
 *
 * The query string and cookies of an exchange. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/weir.h>

#include "fake.h"
#include "support/failmalloc.h"

static void start(struct fake *f, const char *query, const char *cookie)
{
    fake_init(f, NULL, WEIR_STR(""), 1);
    f->x.query = str_of(query);
    if (cookie)
        fake_add_header(f, "cookie", cookie);
}

static void end(struct fake *f)
{
    weir_finish(&f->x);
    fake_done(f);
}

static void test_query(void **state)
{
    weir_str name, value;
    struct fake f;

    start(&f, "a=1&b=x%20y+z&a=2&&c&=e&nul=a%00b&d%3D=%zz", NULL);
    assert_string_equal(weir_query_get(&f.x, "a"), "1");
    assert_string_equal(weir_query_get(&f.x, "b"), "x y z");
    assert_string_equal(weir_query_get(&f.x, "c"), "");
    assert_string_equal(weir_query_get(&f.x, ""), "e");
    assert_string_equal(weir_query_get(&f.x, "d="), "%zz");
    assert_null(weir_query_get(&f.x, "nul"));
    assert_null(weir_query_get(&f.x, "A"));
    assert_true(weir_query_at(&f.x, 2, &name, &value));
    assert_string_equal(name.ptr, "a");
    assert_string_equal(value.ptr, "2");
    assert_true(weir_query_at(&f.x, 5, &name, &value));
    assert_true(str_eq(value, WEIR_STR("a\0b")));
    assert_true(weir_query_at(&f.x, 6, &name, &value));
    assert_false(weir_query_at(&f.x, 7, &name, &value));
    const char *same = weir_query_get(&f.x, "a");
    assert_ptr_equal(weir_query_get(&f.x, "a"), same); /* decoded once */
    end(&f);
}

static void test_no_query(void **state)
{
    static const char *const empty[] = {NULL, "", "&", "&&"};
    weir_str name, value;

    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        struct fake f;
        start(&f, empty[i], NULL);
        assert_null(weir_query_get(&f.x, ""));
        assert_null(weir_query_get(&f.x, "a"));
        assert_false(weir_query_at(&f.x, 0, &name, &value));
        assert_null(weir_cookie(&f.x, "a"));
        end(&f);
    }
}

static void test_cookies(void **state)
{
    weir_str name, value;
    struct fake f;

    start(&f, NULL, "a=1; b=\"x\"; a=2; bad; c=");
    assert_string_equal(weir_cookie(&f.x, "a"), "1");
    assert_string_equal(weir_cookie(&f.x, "b"), "x");
    assert_string_equal(weir_cookie(&f.x, "c"), "");
    assert_null(weir_cookie(&f.x, "A"));
    assert_null(weir_cookie(&f.x, "bad"));
    assert_true(weir_cookie_at(&f.x, 2, &name, &value));
    assert_string_equal(name.ptr, "a");
    assert_string_equal(value.ptr, "2");
    assert_false(weir_cookie_at(&f.x, 4, &name, &value));
    end(&f);
}

static void test_set_cookie(void **state)
{
    weir_cookie_options options = {.size = sizeof options, .path = "/", .http_only = true};
    struct fake f;

    start(&f, NULL, NULL);
    assert_int_equal(weir_set_cookie(&f.x, "a", "1", NULL), 0);
    assert_int_equal(weir_set_cookie(&f.x, "b", "2", &options), 0);
    options.size = offsetof(weir_cookie_options, same_site); /* of a header before it */
    assert_int_equal(weir_set_cookie(&f.x, "c", "3", &options), 0);
    assert_int_equal(weir_set_cookie(&f.x, "d", "4; Domain=evil", NULL), WEIR_ERROR_HEADER);
    assert_int_equal(weir_set_cookie(&f.x, "d\r\nX: y", "4", NULL), WEIR_ERROR_HEADER);
    assert_int_equal(weir_set_cookie(&f.x, NULL, "", NULL), WEIR_ERROR_INVALID);
    options.size = 0;
    assert_int_equal(weir_set_cookie(&f.x, "e", "5", &options), WEIR_ERROR_INVALID);
    assert_int_equal(f.x.field_count, 3);
    assert_true(str_eq(f.x.fields[0].name, WEIR_STR("Set-Cookie")));
    assert_true(str_eq(f.x.fields[0].value, WEIR_STR("a=1")));
    assert_true(str_eq(f.x.fields[1].value, WEIR_STR("b=2; Path=/; HttpOnly")));
    assert_true(str_eq(f.x.fields[2].value, WEIR_STR("c=3; Path=/")));
    f.x.head_sent = true;
    assert_int_equal(weir_set_cookie(&f.x, "a", "1", NULL), WEIR_ERROR_STATE);
    end(&f);
}

static int look_up(void *arg)
{
    struct fake f;
    bool found;

    start(&f, "a=1&b=2", "c=3");
    found = weir_query_get(&f.x, "b") && weir_cookie(&f.x, "c") &&
            weir_set_cookie(&f.x, "a", "1", NULL) == 0;
    f.x.finished = true;
    fake_done(&f);
    return found ? 0 : WEIR_ERROR_NOMEM;
}

static void test_out_of_memory(void **state)
{
    failmalloc_each(look_up, NULL, WEIR_ERROR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query),         cmocka_unit_test(test_no_query),
        cmocka_unit_test(test_cookies),       cmocka_unit_test(test_set_cookie),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
