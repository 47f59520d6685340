/* SPDX-License-Identifier: MIT
 *
 * base/outq.h: bytes on their way out, in order: small ones copied, large ones only referenced.
 *
 *     head -> [owned: record header, CGI header] -> [borrowed: 64 KiB of body] -> [owned: END] <-
 * tail
 *
 * Borrowed bytes belong to somebody else and stay valid only until that one takes them back: the
 * writer first tries to send everything, then calls outq_settle, which copies what is left of the
 * borrowed bytes. So a body that the socket takes at once is never copied, and one that it does not
 * take is copied once. Nodes come from a pool; an empty queue holds no memory. */
#ifndef BASE_OUTQ_H
#define BASE_OUTQ_H

#include <sys/uio.h>

#include "base/pool.h"
#include "base/str.h"

struct outq_node;

struct outq {
    struct pool *pool;
    struct outq_node *head, *tail;
    size_t bytes;    /* all that is queued */
    size_t borrowed; /* how much of it is borrowed */
};

enum {
    OUTQ_BLOCK = 32768,     /* the most that appending asks for in one piece */
    OUTQ_BORROW_MIN = 1024, /* less is cheaper to copy than to carry as a piece of its own */
};

void outq_init(struct outq *q, struct pool *pool);

/* Drops everything queued. */
void outq_done(struct outq *q);

/* Room for n bytes in one piece at the end, to be filled and then counted with outq_commit (n or
 * less). NULL when memory is out. The bytes stay where they are until they are consumed, so that a
 * length may be filled in later. outq_room: how many bytes fit there in fact, n or more. */
char *outq_reserve(struct outq *q, size_t n);
size_t outq_room(const struct outq *q);
void outq_commit(struct outq *q, size_t n);

/* Queues a copy of n bytes, or (borrow) a reference to them. 0 or WEIR_ERROR_NOMEM; then part of
 * the bytes may be queued and the stream of bytes is no longer usable. */
int outq_append(struct outq *q, const char *bytes, size_t n);
int outq_borrow(struct outq *q, const char *bytes, size_t n);

/* Moves the first n bytes of from to the end of to; both have the same pool. Whole pieces change
 * the queue as they are, parts of borrowed ones are borrowed again, the rest is copied. 0 or NOMEM;
 * then both must be dropped. */
int outq_move(struct outq *to, struct outq *from, size_t n);

/* Copies what is still borrowed. 0 or WEIR_ERROR_NOMEM; then the queue must be dropped. */
int outq_settle(struct outq *q);

/* The first bytes to send, as up to max pieces; returns how many. They stay queued. */
int outq_iovec(const struct outq *q, struct iovec *iov, int max);

/* Drops the first n bytes: they were sent. */
void outq_consume(struct outq *q, size_t n);

#endif
