/* SPDX-License-Identifier: MIT
 *
 * wire/record.h: what both sessions share below the public codec. */
#ifndef WIRE_RECORD_H
#define WIRE_RECORD_H

#include <weir/wire.h>

#include "base/outq.h"
#include "base/str.h"

#define PAIR_LENGTH_MAX 0x7fffffffu

_Static_assert(sizeof(size_t) >= 8, "lengths of 31 bits are added without overflow checks");

enum {
    /* The largest content we send: a multiple of 8, so full records need no padding, and content
     * and padding stay within 65535 together, which php-fpm requires. */
    RECORD_SEND_MAX = 65528,
    RECORD_SIZE_END = 16, /* END_REQUEST with its header */
    RECORD_SIZE_BEGIN = 16,
};

static inline void record_put(char *out, unsigned type, unsigned id, size_t content_length,
                              unsigned padding)
{
    out[0] = WEIR_RECORD_VERSION;
    out[1] = (char)type;
    out[2] = (char)(id >> 8);
    out[3] = (char)id;
    out[4] = (char)(content_length >> 8);
    out[5] = (char)content_length;
    out[6] = (char)padding;
    out[7] = 0;
}

/* The two lengths of a pair in whatever form: where they end, NULL when they are cut off. */
const uint8_t *pair_lengths(const uint8_t *p, const uint8_t *end, size_t *ret_name_len,
                            size_t *ret_value_len);

/* Takes a pair off the front of *next, which is not at its end; false when it is cut off, and then
 * nothing has changed. */
static inline bool pair_take(const char **next, const char *end, weir_pair *ret_pair)
{
    const uint8_t *p = (const uint8_t *)*next, *stop = (const uint8_t *)end;
    size_t name_len, value_len;

    if (stop - p >= 2 && (p[0] | p[1]) < 128) { /* two short lengths, as nearly always */
        name_len = p[0];
        value_len = p[1];
        p += 2;
    } else {
        p = pair_lengths(p, stop, &name_len, &value_len);
        if (!p)
            return false;
    }
    /* Two lengths of 31 bits cannot overflow a size_t of 64. */
    if (name_len + value_len > (size_t)(stop - p))
        return false;
    ret_pair->name = str((const char *)p, name_len);
    ret_pair->value = str((const char *)p + name_len, value_len);
    *next = (const char *)p + name_len + value_len;
    return true;
}

/* Bytes of padding that bring a record of this content length to a multiple of 8 (req. 27). */
static inline unsigned record_padding(size_t content_length)
{
    return -(unsigned)content_length & 7;
}

static inline size_t pair_size(size_t name_len, size_t value_len)
{
    return (name_len < 128 ? 1u : 4u) + (value_len < 128 ? 1u : 4u) + name_len + value_len;
}

static inline char *pair_put_length(char *out, size_t len)
{
    if (len < 128) {
        *out = (char)len;
        return out + 1;
    }
    out[0] = (char)(len >> 24 | 0x80);
    out[1] = (char)(len >> 16);
    out[2] = (char)(len >> 8);
    out[3] = (char)len;
    return out + 4;
}

/* Writes a pair at out, which has room for pair_size of it; returns the end. */
static inline char *pair_put(char *out, weir_str name, weir_str value)
{
    out = pair_put_length(out, name.len);
    out = pair_put_length(out, value.len);
    if (name.len)
        memcpy(out, name.ptr, name.len);
    if (value.len)
        memcpy(out + name.len, value.ptr, value.len);
    return out + name.len + value.len;
}

/* Queues an empty record: the end of a stream, or ABORT_REQUEST. */
int record_write_empty(struct outq *out, unsigned type, unsigned id);

/* Queues a record of eight content bytes: BEGIN_REQUEST, END_REQUEST, UNKNOWN_TYPE. */
int record_write_8(struct outq *out, unsigned type, unsigned id, const uint8_t content[8]);

/* Queues the pieces as stream records of at most record_max content bytes, which must be a multiple
 * of 8. With borrow, large pieces are referenced, not copied (base/outq.h). No pieces, or only
 * empty ones, write nothing: an empty record would be an end. */
int record_write_stream(struct outq *out, unsigned type, unsigned id, const weir_str *pieces,
                        size_t count, size_t record_max, bool borrow);

#endif
