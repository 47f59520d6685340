/* SPDX-License-Identifier: MIT
 *
 * What the documents of tests/cases/http1 cannot say about the request parser: that it never
 * allocates, that no prefix is judged differently, and what it offers beside its verdict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/cgi.h"
#include "http/chunked.h"
#include "http/request.h"
#include "support/failmalloc.h"

enum { FIELDS_MAX = 16 };

static const struct http_limits limits = {4096, 1024, FIELDS_MAX};

static void parse(struct http_parser *parser, struct http_field *fields, weir_str head)
{
    http_parser_init(parser, limits, fields, false);
    assert_int_equal(http_parser_feed(parser, head.ptr, head.len), HTTP_DONE);
}

/* A head that comes in two reads: the parse goes on in another place, with other bytes. */
static void test_moved_at_every_offset(void **state)
{
    weir_str head = WEIR_STR("GET /p?q HTTP/1.1\r\n"
                             "Host: a\r\n"
                             "X-One:  first value\t\r\n"
                             "Cookie: a=b\r\n"
                             "Accept:\r\n"
                             "\r\n");
    struct http_field whole_fields[FIELDS_MAX];
    struct http_parser whole;

    parse(&whole, whole_fields, head);
    assert_int_equal(whole.request.field_count, 4);
    for (size_t cut = 0; cut < head.len; cut++) {
        struct http_field before[FIELDS_MAX], after[FIELDS_MAX];
        struct http_parser first, second;
        memset(before, 0xaa, sizeof before);
        memset(after, 0x55, sizeof after);
        http_parser_init(&first, limits, before, false);
        assert_int_equal(http_parser_feed(&first, head.ptr, cut), HTTP_MORE);
        http_parser_move(&second, &first, after);
        memset(before, 0xbb, sizeof before);
        assert_int_equal(http_parser_feed(&second, head.ptr, head.len), HTTP_DONE);
        assert_int_equal(second.request.field_count, whole.request.field_count);
        for (size_t i = 0; i < whole.request.field_count; i++) {
            assert_int_equal(after[i].name_off, whole_fields[i].name_off);
            assert_int_equal(after[i].name_len, whole_fields[i].name_len);
            assert_int_equal(after[i].value.off, whole_fields[i].value.off);
            assert_int_equal(after[i].value.len, whole_fields[i].value.len);
            assert_int_equal(after[i].id, whole_fields[i].id);
        }
    }
    (void)state;
}

static void test_connection_option(void **state)
{
    weir_str head = WEIR_STR("POST / HTTP/1.1\r\n"
                             "Host: a\r\n"
                             "Connection: x-mine, Host, content-length, Content-Type\r\n"
                             "Content-Length: 0\r\n"
                             "connection: X-Other ,, transfer-encoding\r\n"
                             "X-Connection: x-third\r\n"
                             "\r\n");
    static const struct {
        const char *name;
        bool want;
    } cases[] = {
        {"X-Mine", true},
        {"x-other", true},
        {"x-third", false},
        {"mine", false},
        {"", false},
        {"host", false},
        {"Content-Length", false},
        {"content-type", false},
        {"Transfer-Encoding", false},
        {"connection", false},
        {"x-mine, Host", false},
    };
    struct http_field fields[FIELDS_MAX];
    struct http_parser parser;

    parse(&parser, fields, head);
    assert_true(parser.request.connection_options);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (http_request_is_connection_option(&parser.request, head.ptr, fields,
                                              str_of(cases[i].name)) != cases[i].want)
            fail_msg("%s", cases[i].name);
}

static void test_field_ids(void **state)
{
    weir_str head = WEIR_STR("GET / HTTP/1.1\r\nHOST: a\r\nX-Y: z\r\ncookie: c\r\n\r\n");
    struct http_field fields[FIELDS_MAX];
    struct http_parser parser;

    parse(&parser, fields, head);
    assert_int_equal(parser.request.field_count, 3);
    assert_int_equal(fields[0].id, HTTP_FIELD_HOST);
    assert_int_equal(fields[1].id, HTTP_FIELD_OTHER);
    assert_int_equal(fields[2].id, HTTP_FIELD_COOKIE);
    assert_true(str_eq(http_field_name(head.ptr, &fields[1]), WEIR_STR("X-Y")));
    assert_true(str_eq(http_field_value(head.ptr, &fields[1]), WEIR_STR("z")));
}

/* Every prefix of a good request, by a parser that has seen nothing before. */
static void test_every_prefix(void **state)
{
    weir_str head = WEIR_STR("\r\nPUT http://h:80/p%20?q HTTP/1.1\r\nHost:  h \r\nA:\r\n"
                             "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");

    for (size_t len = 0; len <= head.len; len++) {
        struct http_field fields[FIELDS_MAX];
        struct http_parser parser;
        char *copy = malloc(len ? len : 1);
        assert_non_null(copy);
        memcpy(copy, head.ptr, len);
        http_parser_init(&parser, limits, fields, false);
        assert_int_equal(http_parser_feed(&parser, copy, len),
                         len < head.len ? HTTP_MORE : HTTP_DONE);
        free(copy);
    }
}

/* The same parser again and again: no state is left behind. */
static void test_reuse(void **state)
{
    weir_str full = WEIR_STR("POST /x?y HTTP/1.1\r\nHost: a:1\r\nContent-Length: 7\r\n"
                             "Connection: close, upgrade, other\r\nUpgrade: x\r\n\r\n");
    weir_str bare = WEIR_STR("GET / HTTP/1.0\r\n\r\n");
    struct http_field fields[FIELDS_MAX];
    struct http_parser parser;

    parse(&parser, fields, full);
    assert_int_equal(parser.request.content_length, 7);
    parse(&parser, fields, bare);
    assert_int_equal(parser.request.content_length, 0);
    assert_int_equal(parser.request.body, HTTP_BODY_NONE);
    assert_int_equal(parser.request.field_count, 0);
    assert_false(parser.request.has_host);
    assert_false(parser.request.has_query);
    assert_false(parser.request.connection_options);
    parse(&parser, fields, full);
    assert_int_equal(parser.request.port, 1);
    assert_false(parser.request.keep_alive);
}

/* Limits of nothing refuse the first byte and read none. */
static void test_zero_limits(void **state)
{
    struct http_parser parser;

    http_parser_init(&parser, (struct http_limits){0, 0, 0}, NULL, false);
    assert_int_equal(http_parser_feed(&parser, "G", 1), HTTP_REFUSED);
    assert_int_equal(parser.status, 431);

    http_parser_init(&parser, (struct http_limits){100, 0, 0}, NULL, false);
    assert_int_equal(http_parser_feed(&parser, "GET /", 5), HTTP_REFUSED);
    assert_int_equal(parser.status, 414);

    weir_str head = WEIR_STR("GET / HTTP/1.0\r\nA");
    http_parser_init(&parser, (struct http_limits){100, 100, 0}, NULL, false);
    assert_int_equal(http_parser_feed(&parser, head.ptr, head.len), HTTP_REFUSED);
    assert_int_equal(parser.status, 431);
}

/* The largest limits do not overflow. */
static void test_huge_limits(void **state)
{
    struct http_limits huge = {UINT32_MAX, UINT32_MAX, FIELDS_MAX};
    weir_str head = WEIR_STR("\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n");
    struct http_field fields[FIELDS_MAX];
    struct http_parser parser;

    http_parser_init(&parser, huge, fields, false);
    for (size_t len = 1; len < head.len; len++)
        assert_int_equal(http_parser_feed(&parser, head.ptr, len), HTTP_MORE);
    assert_int_equal(http_parser_feed(&parser, head.ptr, head.len), HTTP_DONE);
}

static void test_no_allocation(void **state)
{
    weir_str head = WEIR_STR("GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: x\r\n\r\n");
    weir_str cgi = WEIR_STR("Status: 200 OK\r\nContent-Length: 3\r\n\r\n");
    weir_str body = WEIR_STR("3;a=\"b\"\r\nabc\r\n0\r\nT: x\r\n\r\n"), data;
    struct http_field fields[FIELDS_MAX];
    struct http_parser parser;
    struct cgi_parser response;
    struct http_chunked chunked;

    failmalloc_reset();
    parse(&parser, fields, head);
    cgi_parser_init(&response, limits, fields);
    assert_int_equal(cgi_parser_feed(&response, cgi.ptr, cgi.len), HTTP_DONE);
    http_chunked_init(&chunked, limits);
    assert_int_equal(http_chunked_next(&chunked, &body, &data), HTTP_MORE);
    assert_true(str_eq(data, WEIR_STR("abc")));
    assert_int_equal(http_chunked_next(&chunked, &body, &data), HTTP_DONE);
    assert_int_equal(failmalloc_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moved_at_every_offset),
        cmocka_unit_test(test_connection_option),
        cmocka_unit_test(test_field_ids),
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_zero_limits),
        cmocka_unit_test(test_huge_limits),
        cmocka_unit_test(test_no_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
