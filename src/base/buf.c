/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <weir/error.h>

void buf_init(struct buf *buf, struct pool *pool, size_t max)
{
    *buf = (struct buf){.pool = pool, .max = max};
}

void buf_done(struct buf *buf)
{
    pool_put(buf->pool, buf->memory, buf->size);
    buf_init(buf, buf->pool, buf->max);
}

char *buf_room(struct buf *buf, size_t n)
{
    if (!buf_fits(buf, n))
        return NULL;
    if (buf->memory && (size_t)(buf->memory + buf->size - buf->ptr) - buf->len >= n)
        return buf->ptr + buf->len;
    if (buf->memory && buf->size - buf->len >= n && buf->len <= buf->size / 2) {
        memmove(buf->memory, buf->ptr, buf->len);
        buf->ptr = buf->memory;
        return buf->ptr + buf->len;
    }

    /* Doubling; the pool rounds up to its sizes. */
    size_t want = buf->len + n;
    if (want < 2 * buf->len)
        want = 2 * buf->len < buf->max ? 2 * buf->len : buf->max;
    size_t size;
    char *memory = pool_get(buf->pool, want, &size);
    if (!memory)
        return NULL;
    if (buf->len)
        memcpy(memory, buf->ptr, buf->len);
    pool_put(buf->pool, buf->memory, buf->size);
    buf->memory = buf->ptr = memory;
    buf->size = size;
    return buf->ptr + buf->len;
}

int buf_append(struct buf *buf, const char *bytes, size_t n)
{
    if (n == 0)
        return 0;
    if (!buf_fits(buf, n))
        return WEIR_ERROR_LIMIT;

    char *room = buf_room(buf, n);
    if (!room)
        return WEIR_ERROR_NOMEM;
    memcpy(room, bytes, n);
    buf->len += n;
    return 0;
}

void buf_trim(struct buf *buf)
{
    if (buf->len == 0)
        buf_done(buf);
}
