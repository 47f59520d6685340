/* SPDX-License-Identifier: MIT
 *
 * Strings that grow, and what they are escaped for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/fcurl/text.h"

static void test_growing(void **state)
{
    struct text text = {NULL, 0, 0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        text_printf(&text, "%d,", i);
    assert_int_equal(text.len, 10 * 2 + 90 * 3 + 900 * 4);
    assert_int_equal(text.ptr[text.len], '\0');
    assert_string_equal(text.ptr + text.len - 4, "999,");
    char *taken = text_take(&text);
    assert_null(text.ptr);
    free(taken);
    taken = text_take(&text);
    assert_string_equal(taken, "");
    free(taken);
    text_add(&text, "a\0b", 3);
    assert_memory_equal(text.ptr, "a\0b", 4);
    text_done(&text);
    text_done(&text);
}

static void test_escaping(void **state)
{
    struct text text = {NULL, 0, 0};

    (void)state;
    text_add_escaped(&text, "a-._~/ \xff\0", 9, "/");
    assert_string_equal(text.ptr, "a-._~/%20%FF%00");
    text.len = 0;
    text_add_form_escaped(&text, "a b+&", 5);
    assert_string_equal(text.ptr, "a+b%2B%26");
    text_done(&text);
}

static void test_json(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *want;
    } cases[] = {
        {"a\"\\\n\t\x01", 6, "a\\\"\\\\\\n\\t\\u0001"},
        {"\0", 1, "\\u0000"},
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 9, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc3", 1, "\\ufffd"},
        {"\xc0\x80", 2, "\\ufffd\\ufffd"},
        {"\xed\xa0\x80", 3, "\\ufffd\\ufffd\\ufffd"},
        {"\xf4\x90\x80\x80", 4, "\\ufffd\\ufffd\\ufffd\\ufffd"},
        {"\xe2\x82x", 3, "\\ufffd\\ufffdx"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = {NULL, 0, 0};
        text_add_json(&text, cases[i].bytes, cases[i].len);
        assert_string_equal(text.ptr, cases[i].want);
        text_done(&text);
    }
}

static void test_files(void **state)
{
    char path[] = "/tmp/weir-text-XXXXXX";
    int fd = mkstemp(path);
    struct text text = {NULL, 0, 0};

    (void)state;
    assert_int_equal(write(fd, "a\r\nb\0c\n", 7), 7);
    close(fd);
    assert_true(text_read_file(&text, path));
    assert_int_equal(text.len, 7);
    text_strip_line_ends(&text);
    assert_string_equal(text.ptr, "abc");
    unlink(path);
    text_done(&text);
    assert_false(text_read_file(&text, path));
    assert_false(text_read_file(&text, "/"));
    text_done(&text);
}

static void test_lists(void **state)
{
    struct strings list = {NULL, 0, 0};

    (void)state;
    for (int i = 0; i < 100; i++)
        strings_add(&list, "x");
    assert_int_equal(list.count, 100);
    assert_string_equal(list.at[99], "x");
    strings_done(&list);
    assert_int_equal(list.count, 0);
    assert_null(must_copy(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growing), cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_files),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
