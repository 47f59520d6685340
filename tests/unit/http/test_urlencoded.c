/* SPDX-License-Identifier: MIT
 *
 * application/x-www-form-urlencoded, in every way it may be cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "http/urlencoded.h"
#include "support/cuts.h"
#include <cmocka.h>

/* Writes name=value; for each pair, as it is decoded; what is not printable as \xHH. */
static void add(struct text *out, weir_str piece)
{
    for (size_t i = 0; i < piece.len; i++) {
        unsigned char c = (unsigned char)piece.ptr[i];
        text_add(out, c > 0x20 && c < 0x7f && c != ';' ? "%c" : "\\x%02x", c);
    }
}

static bool decode(struct http_urlencoded *u, weir_str input, bool last, struct text *out)
{
    weir_str data;

    for (;;) {
        switch (http_urlencoded_next(u, &input, last, &data)) {
        case HTTP_PAIR_MORE:
            assert_false(last);
            assert_int_equal(input.len, 0);
            return false;
        case HTTP_PAIR_NAME:
        case HTTP_PAIR_VALUE:
            assert_true(data.len > 0);
            add(out, data);
            break;
        case HTTP_PAIR_NAME_END:
            text_add(out, "=");
            break;
        case HTTP_PAIR_END:
            text_add(out, ";");
            break;
        case HTTP_PAIR_DONE:
            assert_int_equal(input.len, 0);
            return true;
        }
    }
}

static void drive(struct delivery *delivery, const void *arg, struct text *out)
{
    struct http_urlencoded decoder = {0};
    weir_str part;

    while (delivery_next(delivery, false, &part))
        assert_false(decode(&decoder, part, false, out));
    assert_true(decode(&decoder, str(NULL, 0), true, out));
}

static void check(const char *input, size_t len, const char *want)
{
    static struct text whole;
    struct http_urlencoded decoder = {0};

    deliver_in_every_way(input, str(input, len), drive, NULL, &whole);
    whole.bytes[whole.len] = '\0';
    assert_string_equal(whole.bytes, want);

    whole.len = 0; /* the end told with the last bytes, as for a query string */
    assert_true(decode(&decoder, str(input, len), true, &whole));
    whole.bytes[whole.len] = '\0';
    assert_string_equal(whole.bytes, want);
}

static void test_pairs(void **state)
{
    static const struct {
        const char *input, *want;
    } cases[] = {
        {"", ""},
        {"a=1&b=2", "a=1;b=2;"},
        {"a=1&a=2&a", "a=1;a=2;a=;"},
        {"a", "a=;"},
        {"a=", "a=;"},
        {"=", "=;"},
        {"=v", "=v;"},
        {"&", ""},
        {"&&a=1&&&b&", "a=1;b=;"},
        {"a=b=c", "a=b=c;"},
        {"a==", "a==;"},
        {"a+b=c+d", "a\\x20b=c\\x20d;"},
        {"a%20b=%63%4a%4A", "a\\x20b=cJJ;"},
        {"%3D%26%2B=%3d%26%2b", "=&+==&+;"},
        {"a;b=c;d", "a\\x3bb=c\\x3bd;"},
        {"a=%00b", "a=\\x00b;"},
        {"a=100%", "a=100%;"},
        {"a=%", "a=%;"},
        {"a=%4", "a=%4;"},
        {"%=%", "%=%;"},
        {"a=%zz%4z%%41%4%41", "a=%zz%4z%A%4A;"},
        {"%4=%4&%4", "%4=%4;%4=;"},
        {"a=%+&b=%4+", "a=%\\x20;b=%4\\x20;"},
        {"\xc3\xa9=%C3%A9", "\\xc3\\xa9=\\xc3\\xa9;"},
        {"a=\r\nb", "a=\\x0d\\x0ab;"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(cases[i].input, strlen(cases[i].input), cases[i].want);
}

static void test_nul_byte(void **state)
{
    check("a\0b=\0", 5, "a\\x00b=\\x00;");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_nul_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
