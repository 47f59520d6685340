/* SPDX-License-Identifier: MIT
 *
 * CGI response headers: each block (those of 1xx are followed by another) parsed whole, byte by
 * byte, and in two parts of which the first has moved. */
#include "fuzz.h"
#include "http/cgi.h"

enum { FIELDS_MAX = 8 };

static const struct http_limits limits = {1024, 0, FIELDS_MAX};

struct parsed {
    struct cgi_parser parser;
    struct http_field fields[FIELDS_MAX];
    enum http_verdict verdict;
};

static void parse(struct parsed *p, weir_str bytes, size_t first, size_t step)
{
    cgi_parser_init(&p->parser, limits, p->fields);
    p->verdict = HTTP_MORE;
    for (size_t given = 0; given < bytes.len && p->verdict == HTTP_MORE;) {
        size_t n = given == 0 && first > 0 ? first : step;
        given += n < bytes.len - given ? n : bytes.len - given;
        if (step == 1) { /* copies would take quadratic time */
            p->verdict = cgi_parser_feed(&p->parser, bytes.ptr, given);
        } else {
            weir_str part = fuzz_copy(str(bytes.ptr, given));
            p->verdict = cgi_parser_feed(&p->parser, part.ptr, part.len);
            fuzz_free(part);
        }
    }
}

static void check_same(const struct parsed *a, const struct parsed *b)
{
    const struct cgi_response *r = &a->parser.response, *s = &b->parser.response;

    FUZZ_CHECK(a->verdict == b->verdict);
    FUZZ_CHECK(a->parser.reason == b->parser.reason && a->parser.pos == b->parser.pos);
    if (a->verdict != HTTP_DONE)
        return;
    FUZZ_CHECK(r->head_len == s->head_len && r->status == s->status);
    FUZZ_CHECK(r->field_count == s->field_count && r->local_redirect == s->local_redirect);
    FUZZ_CHECK(r->content_length == s->content_length);
    FUZZ_CHECK(r->reason.off == s->reason.off && r->reason.len == s->reason.len);
    FUZZ_CHECK(r->location.off == s->location.off && r->location.len == s->location.len);
    for (unsigned i = 0; i < r->field_count; i++) {
        FUZZ_CHECK(a->fields[i].value.off == b->fields[i].value.off);
        FUZZ_CHECK(a->fields[i].value.len == b->fields[i].value.len);
        FUZZ_CHECK(a->fields[i].name_off == b->fields[i].name_off);
    }
}

static void check_accepted(const struct parsed *p, weir_str bytes)
{
    const struct cgi_response *r = &p->parser.response;
    unsigned lengths = 0;

    FUZZ_CHECK(r->head_len > 0 && r->head_len <= bytes.len);
    FUZZ_CHECK(bytes.ptr[r->head_len - 1] == '\n');
    FUZZ_CHECK(r->status >= 100 && r->status <= 599);
    FUZZ_CHECK(fuzz_within(r->reason, r->head_len) && fuzz_within(r->location, r->head_len));
    FUZZ_CHECK(http_value_valid(http_span_str(bytes.ptr, r->reason)));
    FUZZ_CHECK(!r->local_redirect || !r->has_status);
    fuzz_check_fields(bytes.ptr, r->head_len, p->fields, r->field_count);
    for (unsigned i = 0; i < r->field_count; i++) {
        enum http_field_id id = p->fields[i].id;
        FUZZ_CHECK(id != HTTP_FIELD_STATUS);
        FUZZ_CHECK(!http_field_is_hop_by_hop(id) || (id == HTTP_FIELD_UPGRADE && r->status == 101));
        lengths += id == HTTP_FIELD_CONTENT_LENGTH;
    }
    FUZZ_CHECK(lengths == r->has_content_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct parsed whole, bytewise, parts;
    weir_str rest = {(const char *)data, size};

    for (;;) {
        weir_str bytes = fuzz_copy(rest);
        parse(&whole, bytes, 0, bytes.len);
        parse(&bytewise, bytes, 0, 1);
        parse(&parts, bytes, fuzz_cut(bytes), bytes.len);
        check_same(&whole, &bytewise);
        check_same(&whole, &parts);
        FUZZ_CHECK((whole.verdict == HTTP_REFUSED) == (whole.parser.reason != NULL));
        if (whole.verdict == HTTP_DONE)
            check_accepted(&whole, bytes);
        fuzz_free(bytes);
        if (whole.verdict != HTTP_DONE || whole.parser.response.status >= 200)
            return 0;
        rest.ptr += whole.parser.response.head_len;
        rest.len -= whole.parser.response.head_len;
    }
}
