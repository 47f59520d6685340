/* SPDX-License-Identifier: MIT
 *
 * Byte strings, numbers, and the error table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/error.h>

#include "base/str.h"

static void test_equality(void **state)
{
    assert_true(str_eq(WEIR_STR("a"), WEIR_STR("a")));
    assert_false(str_eq(WEIR_STR("a"), WEIR_STR("A")));
    assert_false(str_eq(WEIR_STR("a"), WEIR_STR("ab")));
    assert_true(str_eq(str(NULL, 0), WEIR_STR("")));
    assert_true(str_eq(str_of(NULL), str_of("")));
    assert_true(str_eq(str_of("a\0b"), WEIR_STR("a")));

    assert_true(str_eq_nocase(WEIR_STR("Content-LENGTH"), WEIR_STR("content-length")));
    assert_false(str_eq_nocase(WEIR_STR("content_length"), WEIR_STR("content-length")));
    assert_false(str_eq_nocase(WEIR_STR("@"), WEIR_STR("`")));
    assert_false(str_eq_nocase(WEIR_STR("["), WEIR_STR("{")));
    assert_false(str_eq_nocase(WEIR_STR("\xc4"), WEIR_STR("\xe4")));
    assert_false(str_eq_nocase(WEIR_STR("a"), WEIR_STR("ab")));
}

static void test_case(void **state)
{
    for (int c = 0; c < 256; c++) {
        bool upper = c >= 'A' && c <= 'Z', lower = c >= 'a' && c <= 'z';
        assert_int_equal((unsigned char)ascii_lower((char)c), upper ? c + 32 : c);
        assert_int_equal((unsigned char)ascii_upper((char)c), lower ? c - 32 : c);
    }
}

static void test_starts(void **state)
{
    assert_true(str_starts(WEIR_STR("/a/b"), WEIR_STR("/a")));
    assert_true(str_starts(WEIR_STR("/a"), WEIR_STR("")));
    assert_false(str_starts(WEIR_STR("/a"), WEIR_STR("/a/")));
    assert_false(str_starts(WEIR_STR("/b"), WEIR_STR("/a")));
}

static void test_to_u64(void **state)
{
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } cases[] = {
        {"0", 0, true, 0},
        {"00", 0, true, 0},
        {"0000000000000000000000000000042", 42, true, 42},
        {"42", 41, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"18446744073709551620", UINT64_MAX, false, 0},
        {"99999999999999999999999", UINT64_MAX, false, 0},
        {"", UINT64_MAX, false, 0},
        {"+1", UINT64_MAX, false, 0},
        {"-1", UINT64_MAX, false, 0},
        {" 1", UINT64_MAX, false, 0},
        {"1 ", UINT64_MAX, false, 0},
        {"1a", UINT64_MAX, false, 0},
        {"/", UINT64_MAX, false, 0},
        {":", UINT64_MAX, false, 0},
        {"\xb1", UINT64_MAX, false, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t value = 12345;
        bool ok = str_to_u64(str_of(cases[i].text), cases[i].max, &value);
        if (ok != cases[i].ok || value != (ok ? cases[i].value : 12345))
            fail_msg("\"%s\": %d, %llu", cases[i].text, ok, (unsigned long long)value);
    }
}

static void test_to_dec(void **state)
{
    static const struct {
        uint64_t value;
        const char *want;
    } cases[] = {
        {0, "0"}, {9, "9"}, {10, "10"}, {65535, "65535"}, {UINT64_MAX, "18446744073709551615"},
    };
    char out[20];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = u64_to_dec(cases[i].value, out);
        assert_true(str_eq(str(out, n), str_of(cases[i].want)));
    }
}

static void test_error_table(void **state)
{
    assert_string_equal(weir_error_name(WEIR_ERROR_NOMEM), "NOMEM");
    assert_string_equal(weir_error_text(WEIR_ERROR_NOMEM), "out of memory");
    assert_string_equal(weir_error_name(0), "OK");
    assert_string_equal(weir_error_name(17), "OK");
    assert_string_equal(weir_error_name(-9999), "UNKNOWN");
    assert_string_equal(weir_error_text(0), "no error");
    assert_string_equal(weir_error_text(-9999), "unknown error");

    static const int numbers[] = {
#define NUMBER(number, name, text) number,
        WEIR_ERROR_MAP(NUMBER)
#undef NUMBER
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const char *text = weir_error_text(numbers[i]);
        assert_true(numbers[i] < 0);
        assert_true(text[0] && text[strlen(text) - 1] != '.');
    }
}

static void test_version(void **state)
{
    assert_string_equal(weir_version(), WEIR_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equality), cmocka_unit_test(test_case),
        cmocka_unit_test(test_starts),   cmocka_unit_test(test_to_u64),
        cmocka_unit_test(test_to_dec),   cmocka_unit_test(test_error_table),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
