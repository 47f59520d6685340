/* SPDX-License-Identifier: MIT
 *
 * Reads the documents of tests/cases/http1 that are given as arguments; the format is described in
 * tests/cases/README.md. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/cgi.h"
#include "http/chunked.h"
#include "http/request.h"
#include "support/document.h"

enum { FIELDS_MAX = 128 };

static struct http_limits limits_of(const struct document_case *c)
{
    struct http_limits limits = HTTP_LIMITS_DEFAULT;

    limits.head_max = (uint32_t)document_number(c, "head", limits.head_max);
    limits.target_max = (uint32_t)document_number(c, "target", limits.target_max);
    limits.fields_max = (uint16_t)document_number(c, "fields", limits.fields_max);
    assert_true(limits.fields_max <= FIELDS_MAX);
    return limits;
}

/* The array has exactly the room that the contract asks for, so that one more is found by ASan. */
static struct http_field *new_fields(struct http_limits limits)
{
    struct http_field *fields = malloc(limits.fields_max * sizeof *fields);

    assert_non_null(fields);
    return fields;
}

static void add_verdict(struct text *out, enum http_verdict verdict, unsigned status,
                        const char *reason, size_t at)
{
    if (verdict == HTTP_REFUSED)
        text_add(out, "refuse %u %s\n", status, reason);
    else
        text_add(out, "%s\n", verdict == HTTP_DONE ? "accept" : "more");
    text_add(out, "at=%zu\n", at);
}

static void add_fields(struct text *out, const char *base, const struct http_field *fields,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        weir_str name = http_field_name(base, &fields[i]);
        text_add(out, "field %.*s", (int)name.len, name.ptr);
        text_add_bytes(out, "", http_field_value(base, &fields[i]));
    }
    text_add(out, "fields=%u\n", count);
}

static void add_request(struct text *out, const char *head, const struct http_parser *p)
{
    static const char *const forms[] = {"origin", "absolute", "authority", "asterisk"};
    const struct http_request *r = &p->request;

    assert_int_equal(r->head_len, p->pos);
    text_add_bytes(out, "method", http_span_str(head, r->method));
    text_add_bytes(out, "path", http_span_str(head, r->path));
    if (r->has_query)
        text_add_bytes(out, "query", http_span_str(head, r->query));
    else
        text_add(out, "query=none\n");
    text_add_bytes(out, "target", http_span_str(head, r->target));
    if (r->has_host) {
        text_add_bytes(out, "host", http_span_str(head, r->host));
        text_add_bytes(out, "authority", http_span_str(head, r->authority));
    }
    text_add(out, "form=%s\nport=%u\nminor=%u\n", forms[r->target_form], r->port, r->minor);
    if (r->body == HTTP_BODY_LENGTH)
        text_add(out, "body=length %llu\n", (unsigned long long)r->content_length);
    else
        text_add(out, "body=%s\n", r->body == HTTP_BODY_CHUNKED ? "chunked" : "none");
    text_add(out, "connection=%s\n", r->keep_alive ? "keep-alive" : "close");
    text_add(out, "upgrade=%d\ncontinue=%d\noptions=%d\nhttps=%d\n", r->upgrade, r->expect_continue,
             r->connection_options, r->is_https);
    add_fields(out, head, p->fields, r->field_count);
}

static void drive_request(struct delivery *delivery, const void *arg, struct text *out)
{
    const struct document_case *c = arg;
    struct http_limits limits = limits_of(c);
    struct http_field *fields = new_fields(limits);
    struct http_parser parser;
    enum http_verdict verdict = HTTP_MORE;
    weir_str head = {NULL, 0};

    http_parser_init(&parser, limits, fields, document_has(c, "tls"));
    while (verdict == HTTP_MORE && delivery_next(delivery, true, &head))
        verdict = http_parser_feed(&parser, head.ptr, head.len);
    /* A verdict is for good. */
    if (verdict != HTTP_MORE)
        assert_int_equal(http_parser_feed(&parser, head.ptr, head.len), verdict);
    add_verdict(out, verdict, parser.status, parser.reason, parser.pos);
    if (verdict == HTTP_DONE)
        add_request(out, head.ptr, &parser);
    free(fields);
}

static void drive_cgi(struct delivery *delivery, const void *arg, struct text *out)
{
    struct http_limits limits = limits_of(arg);
    struct http_field *fields = new_fields(limits);
    struct cgi_parser parser;
    const struct cgi_response *r = &parser.response;
    enum http_verdict verdict = HTTP_MORE;
    weir_str bytes = {NULL, 0};

    cgi_parser_init(&parser, limits, fields);
    while (verdict == HTTP_MORE && delivery_next(delivery, true, &bytes))
        verdict = cgi_parser_feed(&parser, bytes.ptr, bytes.len);
    if (verdict != HTTP_MORE)
        assert_int_equal(cgi_parser_feed(&parser, bytes.ptr, bytes.len), verdict);
    add_verdict(out, verdict, 502, parser.reason, parser.pos);
    if (verdict == HTTP_DONE) {
        assert_int_equal(r->head_len, parser.pos);
        text_add(out, "status=%u\nlocal=%d\n", r->status, r->local_redirect);
        text_add_bytes(out, "reason", http_span_str(bytes.ptr, r->reason));
        text_add_bytes(out, "location", http_span_str(bytes.ptr, r->location));
        if (r->has_content_length)
            text_add(out, "length=%llu\n", (unsigned long long)r->content_length);
        else
            text_add(out, "length=none\n");
        add_fields(out, bytes.ptr, fields, r->field_count);
    }
    free(fields);
}

static void drive_chunked(struct delivery *delivery, const void *arg, struct text *out)
{
    struct http_chunked chunked;
    enum http_verdict verdict = HTTP_MORE;
    weir_str piece = {NULL, 0}, data;
    size_t taken = 0, len = 0;
    char body[256];

    http_chunked_init(&chunked, limits_of(arg));
    while (verdict == HTTP_MORE && delivery_next(delivery, false, &piece)) {
        size_t before = piece.len;
        while (verdict == HTTP_MORE && piece.len > 0) {
            verdict = http_chunked_next(&chunked, &piece, &data);
            assert_true(len + data.len <= sizeof body);
            if (data.len > 0)
                memcpy(body + len, data.ptr, data.len);
            len += data.len;
        }
        taken += before - piece.len;
    }
    add_verdict(out, verdict, chunked.status, chunked.reason, taken);
    text_add_bytes(out, "data", str(body, len));
}

static delivery_driver *driver;
static struct text outcome;

static void run(const struct document_case *c)
{
    deliver_in_every_way(c->where, c->input, driver, c, &outcome);
    document_check(c, &outcome);
}

static void test_document(void **state)
{
    char **args = *state;

    driver = strcmp(args[1], "request") == 0   ? drive_request
             : strcmp(args[1], "chunked") == 0 ? drive_chunked
             : strcmp(args[1], "cgi") == 0     ? drive_cgi
                                               : NULL;
    assert_non_null(driver);
    for (char **path = args + 2; *path; path++) {
        unsigned cases = document_each(*path, args[1], run);
        assert_true(cases > 0);
        print_message("%s: %u cases\n", *path, cases);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        {.name = argc > 1 ? argv[1] : "none", .test_func = test_document, .initial_state = argv},
    };

    if (argc < 3) {
        print_error("usage: %s request|chunked|cgi DOCUMENT...\n", argv[0]);
        return 2;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
