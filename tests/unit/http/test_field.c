/* SPDX-License-Identifier: MIT
 *
 * The byte classes, the names, and what can be said about one field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/chars.h"
#include "http/field.h"

/* The table against the RFCs, spelled differently. */
static void test_classes(void **state)
{
    const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool alnum = i && strchr(letters, i);
        bool token = alnum || (i && strchr("!#$%&'*+-.^_`|~", i));
        bool host = alnum || (i && strchr("-._~!$&'()*+;=", i));
        bool value = i == '\t' || (i >= ' ' && i <= '~') || i >= 0x80;
        bool target = i >= '!' && i <= '~' && !strchr("#<>\"\\", i);
        assert_int_equal(http_char_is(c, HTTP_CHAR_TOKEN), token);
        assert_int_equal(http_char_is(c, HTTP_CHAR_HOST), host);
        assert_int_equal(http_char_is(c, HTTP_CHAR_VALUE), value);
        assert_int_equal(http_char_is(c, HTTP_CHAR_TARGET), target);
    }
}

static void test_hex(void **state)
{
    for (int i = 0; i < 256; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *found = i ? strchr(digits, i) : NULL;
        assert_int_equal(http_hex_value((char)i), found ? (found - digits) % 16 : -1);
    }
}

/* Every byte at every place of a value of every length up to 24, in memory of just that size. */
static void test_skip_value(void **state)
{
    for (size_t len = 1; len <= 24; len++) {
        char *value = malloc(len);
        assert_non_null(value);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                memset(value, at % 2 ? 'x' : 0xff, len);
                value[at] = (char)c;
                size_t want = http_char_is((char)c, HTTP_CHAR_VALUE) ? len : at;
                assert_int_equal(http_skip_value(value, 0, len), want);
            }
        }
        free(value);
    }
}

static void test_lookup(void **state)
{
#define FOUND(identifier, name) \
    assert_int_equal(http_field_lookup(name, sizeof(name) - 1), HTTP_FIELD_##identifier);
    HTTP_FIELD_MAP(FOUND)
#undef FOUND
    assert_int_equal(http_field_lookup("Host", 4), HTTP_FIELD_HOST);
    assert_int_equal(http_field_lookup("TRANSFER-encoding", 17), HTTP_FIELD_TRANSFER_ENCODING);
    assert_int_equal(http_field_lookup("", 0), HTTP_FIELD_OTHER);
    assert_int_equal(http_field_lookup("x", 1), HTTP_FIELD_OTHER);
    assert_int_equal(http_field_lookup("hos", 3), HTTP_FIELD_OTHER);
    assert_int_equal(http_field_lookup("hosts", 5), HTTP_FIELD_OTHER);
    assert_int_equal(http_field_lookup("user-agent", 10), HTTP_FIELD_OTHER);
    assert_int_equal(http_field_lookup("content_length", 14), HTTP_FIELD_OTHER);
    assert_int_equal(http_field_lookup("if-unmodified-since-x", 21), HTTP_FIELD_OTHER);
}

/* Every name of the map with one byte replaced by each that a token may have: only the other case
 * of the letter that was there is the same name. */
static void test_lookup_neighbours(void **state)
{
    static const char *const names[] = {"",
#define NAME(identifier, name) name,
                                        HTTP_FIELD_MAP(NAME)
#undef NAME
    };

    for (int id = 1; id < HTTP_FIELD_COUNT; id++) {
        size_t len = strlen(names[id]);
        for (size_t at = 0; at < len; at++) {
            for (int c = 0; c < 256; c++) {
                if (!http_char_is((char)c, HTTP_CHAR_TOKEN))
                    continue;
                char *name = malloc(len); /* no NUL, and no room to read further */
                assert_non_null(name);
                memcpy(name, names[id], len);
                name[at] = (char)c;
                bool same = ascii_lower((char)c) == names[id][at];
                assert_int_equal(http_field_lookup(name, len), same ? id : HTTP_FIELD_OTHER);
                free(name);
            }
        }
    }
}

static void test_hop_by_hop(void **state)
{
    static const char *const wanted[] = {
        "connection",       "http2-settings",
        "keep-alive",       "proxy-authorization",
        "proxy-connection", "te",
        "trailer",          "transfer-encoding",
        "upgrade",
    };
    unsigned count = 0;

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        assert_true(http_field_is_hop_by_hop(http_field_lookup(wanted[i], strlen(wanted[i]))));
    for (unsigned id = 0; id < HTTP_FIELD_COUNT; id++)
        count += http_field_is_hop_by_hop(id);
    assert_int_equal(count, sizeof wanted / sizeof wanted[0]);
}

static void test_valid(void **state)
{
    assert_true(http_name_valid(WEIR_STR("X-A")));
    assert_false(http_name_valid(WEIR_STR("")));
    assert_false(http_name_valid(WEIR_STR("X A")));
    assert_false(http_name_valid(WEIR_STR("X:")));
    assert_false(http_name_valid(WEIR_STR("X\0")));
    assert_true(http_value_valid(WEIR_STR("")));
    assert_true(http_value_valid(str(NULL, 0)));
    assert_true(http_value_valid(WEIR_STR("a\tb \xff")));
    assert_false(http_value_valid(WEIR_STR("a\r\nSet-Cookie: x")));
    assert_false(http_value_valid(WEIR_STR("a\n")));
    assert_false(http_value_valid(WEIR_STR("a\0")));
    assert_false(http_value_valid(WEIR_STR("\x7f")));
}

static void test_list_next(void **state)
{
    static const char *const items[] = {"", "a", "b c", "", "d", ""};
    weir_str list = WEIR_STR(",a\t, b c ,, d,\t"), item;

    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        assert_true(http_list_next(&list, &item));
        assert_true(str_eq(item, str_of(items[i])));
    }
    assert_false(http_list_next(&list, &item));

    list = WEIR_STR("");
    assert_true(http_list_next(&list, &item));
    assert_int_equal(item.len, 0);
    assert_false(http_list_next(&list, &item));
}

static void test_list_has(void **state)
{
    weir_str list = WEIR_STR("gzip, BR ,deflate");

    assert_true(http_list_has(list, WEIR_STR("gzip")));
    assert_true(http_list_has(list, WEIR_STR("br")));
    assert_true(http_list_has(list, WEIR_STR("Deflate")));
    assert_false(http_list_has(list, WEIR_STR("zip")));
    assert_false(http_list_has(list, WEIR_STR("gzip, br")));
    assert_false(http_list_has(WEIR_STR("close-x"), WEIR_STR("close")));
    assert_false(http_list_has(WEIR_STR("\xa0"
                                        "close"),
                               WEIR_STR("close")));
    assert_false(http_list_has(str(NULL, 0), WEIR_STR("a")));
}

static void test_trailers(void **state)
{
    static const char *const allowed[] = {"x-checksum", "Server-Timing", "ETag", "Content-Digest"};
    static const char *const refused[] = {
        "",
        "X Y",
        "Content-Length",
        "transfer-encoding",
        "Trailer",
        "TE",
        "Host",
        "Authorization",
        "WWW-Authenticate",
        "Set-Cookie",
        "Cookie",
        "Range",
        "Expect",
        "Cache-Control",
        "Content-Type",
        "Content-Encoding",
        "Date",
        "Content-Range",
        "Expires",
        "If-None-Match",
        "Location",
        "Vary",
        "Age",
        "Connection",
        "Status",
        "retry-after",
    };

    (void)state;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        assert_true(http_trailer_allowed(str_of(allowed[i])));
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (http_trailer_allowed(str_of(refused[i])))
            fail_msg("%s must not be a trailer", refused[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_hex),
        cmocka_unit_test(test_skip_value),
        cmocka_unit_test(test_lookup),
        cmocka_unit_test(test_lookup_neighbours),
        cmocka_unit_test(test_hop_by_hop),
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_list_next),
        cmocka_unit_test(test_list_has),
        cmocka_unit_test(test_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
