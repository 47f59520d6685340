/* SPDX-License-Identifier: MIT
 *
 * base/buf.h: contiguous bytes that grow up to a maximum fixed at birth.
 *
 *     memory  [consumed....|bytes ptr..ptr+len....|room]
 *
 * An empty buffer holds no memory once buf_trim was called: idle connections keep none. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/pool.h"
#include "base/str.h"

struct buf {
    struct pool *pool;
    char *memory;
    size_t size;
    char *ptr;
    size_t len;
    size_t max;
};

/* Allocates nothing yet. The buffer will never hold more than max bytes. */
void buf_init(struct buf *buf, struct pool *pool, size_t max);

/* Gives the memory back; the buffer is empty and may be used again. */
void buf_done(struct buf *buf);

/* Makes room for n more bytes after ptr + len and returns where they go; the caller then adds what
 * it wrote to len. NULL when memory is out or max would be exceeded (tell apart with buf_fits).
 * ptr may move. */
char *buf_room(struct buf *buf, size_t n);

/* Whether n more bytes stay within max. */
static inline bool buf_fits(const struct buf *buf, size_t n)
{
    return n <= buf->max - buf->len;
}

/* Appends n bytes: 0, WEIR_ERROR_LIMIT or WEIR_ERROR_NOMEM (then nothing was appended). */
int buf_append(struct buf *buf, const char *bytes, size_t n);

/* Drops n bytes, at most len, from the front. */
static inline void buf_consume(struct buf *buf, size_t n)
{
    buf->ptr += n;
    buf->len -= n;
}

/* Gives the memory back if the buffer is empty. */
void buf_trim(struct buf *buf);

#endif
