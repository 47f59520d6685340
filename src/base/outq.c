/* SPDX-License-Identifier: MIT
 *
 * base/outq.c: see outq.h. */
#include "base/outq.h"

#include <weir/error.h>

struct outq_node {
    struct outq_node *next;
    const char *ptr; /* first byte not yet sent */
    size_t len;
    size_t size; /* of the memory, as the pool gave it */
    bool borrowed;
    char storage[];
};

void outq_init(struct outq *q, struct pool *pool)
{
    *q = (struct outq){.pool = pool};
}

static void drop_head(struct outq *q)
{
    struct outq_node *node = q->head;

    q->head = node->next;
    if (!q->head)
        q->tail = NULL;
    pool_put(q->pool, node, node->size);
}

void outq_done(struct outq *q)
{
    while (q->head)
        drop_head(q);
    q->bytes = q->borrowed = 0;
}

static struct outq_node *new_node(struct pool *pool, size_t room)
{
    size_t size;
    struct outq_node *node = pool_get(pool, sizeof *node + room, &size);

    if (node)
        *node = (struct outq_node){.ptr = node->storage, .size = size};
    return node;
}

static size_t node_room(const struct outq_node *node)
{
    if (!node || node->borrowed)
        return 0;
    return (size_t)((const char *)node + node->size - node->ptr) - node->len;
}

static void link_tail(struct outq *q, struct outq_node *node)
{
    if (q->tail)
        q->tail->next = node;
    else
        q->head = node;
    q->tail = node;
}

size_t outq_room(const struct outq *q)
{
    return node_room(q->tail);
}

char *outq_reserve(struct outq *q, size_t n)
{
    if (node_room(q->tail) < n) {
        struct outq_node *node = new_node(q->pool, n);
        if (!node)
            return NULL;
        link_tail(q, node);
    }
    return (char *)q->tail->ptr + q->tail->len;
}

void outq_commit(struct outq *q, size_t n)
{
    q->tail->len += n;
    q->bytes += n;
}

int outq_append(struct outq *q, const char *bytes, size_t n)
{
    while (n > 0) {
        size_t room = node_room(q->tail);
        if (room == 0) {
            struct outq_node *node = new_node(q->pool, n < OUTQ_BLOCK ? n : OUTQ_BLOCK);
            if (!node)
                return WEIR_ERROR_NOMEM;
            link_tail(q, node);
            room = node_room(node);
        }
        size_t part = n < room ? n : room;
        memcpy((char *)q->tail->ptr + q->tail->len, bytes, part);
        outq_commit(q, part);
        bytes += part;
        n -= part;
    }
    return 0;
}

int outq_borrow(struct outq *q, const char *bytes, size_t n)
{
    if (n < OUTQ_BORROW_MIN)
        return outq_append(q, bytes, n);

    struct outq_node *node = new_node(q->pool, 0);
    if (!node)
        return WEIR_ERROR_NOMEM;
    node->ptr = bytes;
    node->len = n;
    node->borrowed = true;
    link_tail(q, node);
    q->bytes += n;
    q->borrowed += n;
    return 0;
}

static void move_head(struct outq *to, struct outq *from)
{
    struct outq_node *node = from->head;
    size_t borrowed = node->borrowed ? node->len : 0;

    from->head = node->next;
    if (!from->head)
        from->tail = NULL;
    from->bytes -= node->len;
    from->borrowed -= borrowed;
    node->next = NULL;
    link_tail(to, node);
    to->bytes += node->len;
    to->borrowed += borrowed;
}

int outq_move(struct outq *to, struct outq *from, size_t n)
{
    while (n > 0) {
        struct outq_node *node = from->head;
        size_t part = n < node->len ? n : node->len;
        int rc = 0;
        if (part == node->len && part >= OUTQ_BORROW_MIN) {
            move_head(to, from);
        } else {
            rc = node->borrowed ? outq_borrow(to, node->ptr, part)
                                : outq_append(to, node->ptr, part);
            outq_consume(from, part);
        }
        if (rc != 0)
            return rc;
        n -= part;
    }
    return 0;
}

int outq_settle(struct outq *q)
{
    if (q->borrowed == 0)
        return 0;

    struct outq old = *q;
    outq_init(q, q->pool);
    for (struct outq_node *node = old.head, *next; node; node = next) {
        next = node->next;
        if (node->borrowed) {
            int rc = outq_append(q, node->ptr, node->len);
            if (rc != 0) {
                old.head = node;
                outq_done(&old);
                return rc;
            }
            pool_put(q->pool, node, node->size);
        } else {
            node->next = NULL;
            link_tail(q, node);
            q->bytes += node->len;
        }
    }
    return 0;
}

int outq_iovec(const struct outq *q, struct iovec *iov, int max)
{
    int n = 0;

    for (const struct outq_node *node = q->head; node && n < max; node = node->next) {
        if (node->len == 0)
            continue;
        iov[n].iov_base = (char *)node->ptr;
        iov[n].iov_len = node->len;
        n++;
    }
    return n;
}

void outq_consume(struct outq *q, size_t n)
{
    q->bytes -= n;
    while (q->head) {
        struct outq_node *node = q->head;
        size_t part = n < node->len ? n : node->len;
        if (node->borrowed)
            q->borrowed -= part;
        node->ptr += part;
        node->len -= part;
        n -= part;
        if (node->len > 0)
            break;
        drop_head(q);
    }
}
