/* SPDX-License-Identifier: MIT
 *
 * wire/tap.c: see tap.h. */
#include "wire/tap.h"

#include <stdlib.h>

#include "wire/record.h"

struct tap *tap_new(struct pool *pool, const struct tap_shape *shape, tap_fn *fn, void *fn_arg)
{
    struct tap *tap = calloc(1, sizeof *tap);

    if (!tap)
        return NULL;
    outq_init(&tap->out, pool);
    buf_init(&tap->sent, pool, WEIR_RECORD_CONTENT_MAX);
    buf_init(&tap->received, pool, WEIR_RECORD_CONTENT_MAX);
    tap->shape = *shape;
    tap->fn = fn;
    tap->fn_arg = fn_arg;
    return tap;
}

void tap_free(struct tap *tap)
{
    if (!tap)
        return;
    outq_done(&tap->out);
    buf_done(&tap->sent);
    buf_done(&tap->received);
    free(tap);
}

/* Takes bytes up to the end of a record's content: 1, and the content, valid until the next call;
 * 0 when there are not enough. Bytes that are no record (the session has refused them) end it. */
static int next_record(struct reader *reader, struct buf *kept, weir_str *bytes, bool *in_content,
                       weir_str *ret_content)
{
    if (!*in_content) {
        if (kept->len > 0)
            buf_consume(kept, kept->len);
        if (reader_header(reader, bytes) != 1)
            return 0;
        *in_content = true;
    }
    weir_str content = reader_content(reader, bytes);
    if (kept->len == 0 && reader->content_left == 0) {
        *ret_content = content;
    } else {
        if (buf_append(kept, content.ptr, content.len) != 0)
            return WEIR_ERROR_NOMEM;
        *ret_content = str(kept->ptr, kept->len);
    }
    if (reader->content_left > 0)
        return 0;
    *in_content = false;
    return 1;
}

static unsigned type_index(const weir_record *record)
{
    return record->type < TAP_TYPES ? record->type : 0;
}

/* ---- Received -------------------------------------------------------------------------------- */

int tap_received(struct tap *tap, weir_str bytes)
{
    weir_str content;
    int rc;

    if (tap->counts)
        tap->counts->bytes_received += bytes.len;
    while ((rc = next_record(&tap->receiving, &tap->received, &bytes, &tap->in_received,
                             &content)) > 0) {
        if (tap->counts)
            tap->counts->received[type_index(&tap->receiving.record)]++;
        if (tap->fn)
            tap->fn(tap, &tap->receiving.record, content, false);
    }
    return rc;
}

/* ---- Sent ------------------------------------------------------------------------------------ */

static int put(struct tap *tap, struct outq *to, const weir_record *like, weir_str content)
{
    static const char zeros[255];
    unsigned padding = tap->shape.padding > 0   ? (unsigned)tap->shape.padding
                       : tap->shape.padding < 0 ? 0
                                                : record_padding(content.len);
    char *header = outq_reserve(to, WEIR_RECORD_HEADER_SIZE);
    int rc = 0;

    if (!header)
        return WEIR_ERROR_NOMEM;
    record_put(header, like->type, like->id, content.len, padding);
    outq_commit(to, WEIR_RECORD_HEADER_SIZE);
    if (content.len > 0)
        rc = outq_append(to, content.ptr, content.len);
    if (rc == 0 && padding > 0)
        rc = outq_append(to, zeros, padding);
    if (rc != 0)
        return rc;
    if (tap->counts) {
        tap->counts->bytes_sent += WEIR_RECORD_HEADER_SIZE + content.len + padding;
        tap->counts->sent[type_index(like)]++;
    }
    if (tap->fn) {
        weir_record record = {like->type, like->id, (uint16_t)content.len, (uint8_t)padding};
        tap->fn(tap, &record, content, true);
    }
    return 0;
}

/* How much of a stream's content the next record takes. */
static size_t portion(const struct tap *tap, unsigned type, size_t len)
{
    size_t n = len;

    if (tap->shape.record_max && n > tap->shape.record_max)
        n = tap->shape.record_max;
    if (type == WEIR_PARAMS && tap->params_sent < tap->shape.params_cut &&
        n > tap->shape.params_cut - tap->params_sent)
        n = tap->shape.params_cut - tap->params_sent;
    return n;
}

static int reshape(struct tap *tap, struct outq *to, weir_str content)
{
    const weir_record *record = &tap->sending.record;
    bool is_stream =
        record->type == WEIR_PARAMS || record->type == WEIR_STDIN || record->type == WEIR_DATA;
    int rc;

    if (record->type == WEIR_BEGIN_REQUEST)
        tap->params_sent = 0;
    do {
        size_t n = is_stream ? portion(tap, record->type, content.len) : content.len;
        rc = put(tap, to, record, str(content.ptr, n));
        content = str(content.ptr + n, content.len - n);
        if (record->type == WEIR_PARAMS)
            tap->params_sent += (uint32_t)n;
    } while (rc == 0 && content.len > 0);
    return rc;
}

int tap_send(struct tap *tap, struct outq *to)
{
    struct iovec piece;
    int rc = 0;

    while (rc >= 0 && outq_iovec(&tap->out, &piece, 1) == 1) {
        weir_str bytes = {piece.iov_base, piece.iov_len};
        weir_str content;
        while ((rc = next_record(&tap->sending, &tap->sent, &bytes, &tap->in_sent, &content)) > 0)
            if (reshape(tap, to, content) != 0)
                return WEIR_ERROR_NOMEM;
        outq_consume(&tap->out, piece.iov_len);
    }
    return rc;
}
