/* SPDX-License-Identifier: MIT
 *
 * client/answer.c: see answer.h. */
#include "client/answer.h"

#include <stdlib.h>
#include <weir/wire.h>

#include "http/response.h"

int answer_init(struct answer *a, struct pool *pool, struct http_limits limits)
{
    *a = (struct answer){.fields = calloc(limits.fields_max, sizeof *a->fields)};
    if (!a->fields)
        return WEIR_ERROR_NOMEM;
    a->parser.limits = limits;
    buf_init(&a->head, pool, (size_t)limits.head_max + WEIR_RECORD_CONTENT_MAX);
    buf_init(&a->text, pool, limits.head_max);
    return 0;
}

void answer_done(struct answer *a)
{
    free(a->fields);
    a->fields = NULL;
    buf_done(&a->head);
    buf_done(&a->text);
}

static int fault(struct answer *a, int error, const char *word)
{
    a->fault = word;
    return error;
}

static void begin_block(struct answer *a)
{
    cgi_parser_init(&a->parser, a->parser.limits, a->fields);
    buf_consume(&a->head, a->head.len);
    buf_consume(&a->text, a->text.len);
    a->in_head = true;
    a->block_done = false;
}

static int end_block(struct answer *a)
{
    const struct cgi_response *response = &a->parser.response;

    if (buf_append(&a->text, a->head.ptr, response->head_len) != 0)
        return fault(a, WEIR_ERROR_NOMEM, "out-of-memory");
    for (uint16_t i = 0; i < response->field_count; i++) {
        const struct http_field *f = &a->fields[i];
        a->text.ptr[f->name_off + f->name_len] = '\0';
        a->text.ptr[f->value.off + f->value.len] = '\0';
    }
    if (response->reason.len > 0)
        a->text.ptr[response->reason.off + response->reason.len] = '\0';
    a->in_head = false;
    a->block_done = true;
    a->head_done = response->status >= 200;
    return a->head_done ? ANSWER_HEAD : ANSWER_INTERIM;
}

/* The block is scanned where it came, and kept: whole blocks once, others as they grow. What
 * belongs to the body is never kept. */
static int feed_head(struct answer *a, weir_str *in)
{
    size_t before = a->head.len;
    bool in_place = before == 0;
    enum http_verdict verdict;

    if (!in_place && buf_append(&a->head, in->ptr, in->len) != 0)
        return fault(a, WEIR_ERROR_NOMEM, "out-of-memory");
    verdict = cgi_parser_feed(&a->parser, in_place ? in->ptr : a->head.ptr, before + in->len);
    if (verdict == HTTP_REFUSED)
        return fault(a, WEIR_ERROR_RESPONSE, a->parser.reason);

    size_t used = verdict == HTTP_DONE ? a->parser.response.head_len - before : in->len;
    if (in_place && buf_append(&a->head, in->ptr, used) != 0)
        return fault(a, WEIR_ERROR_NOMEM, "out-of-memory");
    a->head.len = before + used;
    *in = str(in->ptr + used, in->len - used);
    return verdict == HTTP_DONE ? end_block(a) : ANSWER_MORE;
}

static bool checks_length(const struct answer *a)
{
    return a->parser.response.has_content_length &&
           http_has_body(a->parser.response.status, a->is_head);
}

int answer_next(struct answer *a, weir_str *in, weir_str *ret_data)
{
    if (in->len == 0)
        return ANSWER_MORE;
    if (!a->head_done) {
        if (!a->in_head)
            begin_block(a);
        return feed_head(a, in);
    }
    *ret_data = *in;
    a->received += in->len;
    *in = str(in->ptr + in->len, 0);
    if (checks_length(a) && a->received > a->parser.response.content_length)
        return fault(a, WEIR_ERROR_CONTENT_LENGTH, "body-beyond-content-length");
    return ANSWER_BODY;
}

int answer_end(struct answer *a)
{
    if (!a->head_done)
        return fault(a, WEIR_ERROR_RESPONSE,
                     a->in_head ? "response-head-incomplete" : "response-empty");
    if (checks_length(a) && a->received < a->parser.response.content_length)
        return fault(a, WEIR_ERROR_CONTENT_LENGTH, "body-short-of-content-length");
    return 0;
}
