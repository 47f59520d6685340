/* SPDX-License-Identifier: MIT
 *
 * wire/stream.c: queueing records. */
#include "wire/record.h"

int record_write_empty(struct outq *out, unsigned type, unsigned id)
{
    char *p = outq_reserve(out, WEIR_RECORD_HEADER_SIZE);

    if (!p)
        return WEIR_ERROR_NOMEM;
    record_put(p, type, id, 0, 0);
    outq_commit(out, WEIR_RECORD_HEADER_SIZE);
    return 0;
}

int record_write_8(struct outq *out, unsigned type, unsigned id, const uint8_t content[8])
{
    char *p = outq_reserve(out, 16);

    if (!p)
        return WEIR_ERROR_NOMEM;
    record_put(p, type, id, 8, 0);
    memcpy(p + 8, content, 8);
    outq_commit(out, 16);
    return 0;
}

/* A walk over pieces that hands out their bytes in portions. */
struct walk {
    const weir_str *pieces;
    size_t count, index, offset;
};

static int put_portion(struct outq *out, struct walk *w, size_t n, bool borrow)
{
    int rc = 0;

    while (n > 0 && rc == 0) {
        const weir_str *piece = &w->pieces[w->index];
        size_t part = piece->len - w->offset;
        if (part == 0) {
            w->index++;
            w->offset = 0;
            continue;
        }
        if (part > n)
            part = n;
        rc = borrow ? outq_borrow(out, piece->ptr + w->offset, part)
                    : outq_append(out, piece->ptr + w->offset, part);
        w->offset += part;
        n -= part;
    }
    return rc;
}

int record_write_stream(struct outq *out, unsigned type, unsigned id, const weir_str *pieces,
                        size_t count, size_t record_max, bool borrow)
{
    static const char zeros[8];
    struct walk walk = {.pieces = pieces, .count = count};
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    while (total > 0) {
        size_t content = total < record_max ? total : record_max;
        unsigned padding = record_padding(content);
        char *header = outq_reserve(out, WEIR_RECORD_HEADER_SIZE);
        if (!header)
            return WEIR_ERROR_NOMEM;
        record_put(header, type, id, content, padding);
        outq_commit(out, WEIR_RECORD_HEADER_SIZE);
        int rc = put_portion(out, &walk, content, borrow);
        if (rc == 0)
            rc = outq_append(out, zeros, padding);
        if (rc != 0)
            return rc;
        total -= content;
    }
    return 0;
}
