/* SPDX-License-Identifier: MIT
 *
 * The request head: whole, byte by byte, and in two parts of which the first has moved, must come
 * to the same; what was accepted must hold what the rules promise. The bytes after it are decoded
 * when they are a chunked body. */
#include "fuzz.h"
#include "http/path.h"

#include <stdlib.h>

enum { FIELDS_MAX = 16 };

static const struct http_limits limits = {2048, 512, FIELDS_MAX};

struct parsed {
    struct http_parser parser;
    struct http_field fields[FIELDS_MAX];
    enum http_verdict verdict;
};

static void parse(struct parsed *p, weir_str bytes, size_t first, size_t step)
{
    http_parser_init(&p->parser, limits, p->fields, false);
    p->verdict = HTTP_MORE;
    for (size_t given = 0; given < bytes.len && p->verdict == HTTP_MORE;) {
        size_t n = given == 0 && first > 0 ? first : step;
        given += n < bytes.len - given ? n : bytes.len - given;
        if (step == 1) { /* copies would take quadratic time */
            p->verdict = http_parser_feed(&p->parser, bytes.ptr, given);
        } else {
            weir_str part = fuzz_copy(str(bytes.ptr, given));
            p->verdict = http_parser_feed(&p->parser, part.ptr, part.len);
            fuzz_free(part);
        }
    }
}

static bool same_span(struct http_span a, struct http_span b)
{
    return a.off == b.off && a.len == b.len;
}

static void check_same(const struct parsed *a, const struct parsed *b)
{
    const struct http_request *r = &a->parser.request, *s = &b->parser.request;

    FUZZ_CHECK(a->verdict == b->verdict && a->parser.status == b->parser.status);
    FUZZ_CHECK(a->parser.reason == b->parser.reason && a->parser.pos == b->parser.pos);
    if (a->verdict != HTTP_DONE)
        return;
    FUZZ_CHECK(same_span(r->method, s->method) && same_span(r->target, s->target));
    FUZZ_CHECK(same_span(r->path, s->path) && same_span(r->query, s->query));
    FUZZ_CHECK(same_span(r->host, s->host) && same_span(r->authority, s->authority));
    FUZZ_CHECK(r->content_length == s->content_length && r->body == s->body);
    FUZZ_CHECK(r->port == s->port && r->head_len == s->head_len && r->minor == s->minor);
    FUZZ_CHECK(r->keep_alive == s->keep_alive && r->upgrade == s->upgrade);
    FUZZ_CHECK(r->expect_continue == s->expect_continue && r->has_host == s->has_host);
    FUZZ_CHECK(r->connection_options == s->connection_options);
    FUZZ_CHECK(r->field_count == s->field_count);
    for (unsigned i = 0; i < r->field_count; i++) {
        FUZZ_CHECK(same_span(a->fields[i].value, b->fields[i].value));
        FUZZ_CHECK(a->fields[i].name_off == b->fields[i].name_off);
        FUZZ_CHECK(a->fields[i].name_len == b->fields[i].name_len);
        FUZZ_CHECK(a->fields[i].id == b->fields[i].id);
    }
}

static unsigned count_id(const struct parsed *p, enum http_field_id id)
{
    unsigned n = 0;

    for (unsigned i = 0; i < p->parser.request.field_count; i++)
        n += p->fields[i].id == id;
    return n;
}

static void check_target(const struct http_request *r, const char *head)
{
    weir_str path = http_span_str(head, r->path), query;
    bool has_query;
    char out[2048];
    size_t len;

    if (r->target_form == HTTP_TARGET_ORIGIN) {
        FUZZ_CHECK(
            http_origin_form_parse(http_span_str(head, r->target), &path, &query, &has_query));
        FUZZ_CHECK(has_query == r->has_query && path.len == r->path.len);
    }
    enum http_path_result result = http_path_normalise(path, out, &len);
    FUZZ_CHECK(result != HTTP_PATH_BAD_ESCAPE && result != HTTP_PATH_NUL);
    FUZZ_CHECK(result != HTTP_PATH_NOT_ABSOLUTE || path.len == 0 ||
               r->target_form == HTTP_TARGET_ASTERISK);
}

static void check_accepted(const struct parsed *p, const char *head, size_t len)
{
    const struct http_request *r = &p->parser.request;
    unsigned lengths = count_id(p, HTTP_FIELD_CONTENT_LENGTH);
    unsigned codings = count_id(p, HTTP_FIELD_TRANSFER_ENCODING);
    weir_str host;
    uint32_t port;

    FUZZ_CHECK(r->head_len <= len && r->head_len >= 4);
    FUZZ_CHECK(memcmp(head + r->head_len - 4, "\r\n\r\n", 4) == 0);
    FUZZ_CHECK(fuzz_within(r->method, r->head_len) && fuzz_within(r->target, r->head_len));
    FUZZ_CHECK(fuzz_within(r->path, r->head_len) && fuzz_within(r->query, r->head_len));
    FUZZ_CHECK(fuzz_within(r->host, r->head_len) && fuzz_within(r->authority, r->head_len));
    FUZZ_CHECK(http_name_valid(http_span_str(head, r->method)));
    fuzz_check_fields(head, r->head_len, p->fields, r->field_count);

    FUZZ_CHECK(lengths + codings <= 1 && count_id(p, HTTP_FIELD_HOST) <= 1);
    FUZZ_CHECK((lengths == 1) == (r->body == HTTP_BODY_LENGTH));
    FUZZ_CHECK((codings == 1) == (r->body == HTTP_BODY_CHUNKED));
    FUZZ_CHECK(codings == 0 || r->minor == 1);
    FUZZ_CHECK(r->has_host || r->minor == 0);
    FUZZ_CHECK(!r->upgrade || (r->minor == 1 && codings == 0 && r->content_length == 0));
    if (r->has_host)
        FUZZ_CHECK(http_authority_parse(http_span_str(head, r->authority), &host, &port) &&
                   host.len == r->host.len && port == r->port);
    check_target(r, head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct parsed whole, bytewise, parts;
    weir_str bytes = fuzz_copy(str((const char *)data, size));

    parse(&whole, bytes, 0, bytes.len);
    parse(&bytewise, bytes, 0, 1);
    parse(&parts, bytes, fuzz_cut(bytes), bytes.len);
    check_same(&whole, &bytewise);
    check_same(&whole, &parts);
    FUZZ_CHECK((whole.verdict == HTTP_REFUSED) == (whole.parser.reason != NULL));
    if (whole.verdict == HTTP_DONE) {
        size_t head_len = whole.parser.request.head_len;
        check_accepted(&whole, bytes.ptr, bytes.len);
        if (whole.parser.request.body == HTTP_BODY_CHUNKED)
            fuzz_chunked(str(bytes.ptr + head_len, bytes.len - head_len), limits);
    }
    fuzz_free(bytes);
    return 0;
}
