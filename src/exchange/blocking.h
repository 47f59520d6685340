/* SPDX-License-Identifier: MIT
 *
 * exchange/blocking.h: exchanges whose handler runs on a worker thread and may block.
 *
 *     loop thread                                worker thread
 *     exchange_start -> job in the queue    ->   handler(x)
 *     the exchange is touched here only     <-   weir_read, weir_write, ...: a call is posted and
 *     while the worker waits                ->   waited for
 *     release                               <-   the handler has returned: the last call
 *
 * While the handler computes, the loop fills the exchange's body buffer and may cancel it; nothing
 * else is shared. Memory that the handler needs comes from the worker's own arena and pool. */
#ifndef EXCHANGE_BLOCKING_H
#define EXCHANGE_BLOCKING_H

#include "exchange/exchange.h"

enum { BLOCKING_BUFFER = 16 * 1024 };

/* A worker thread's side, used for one job after the other. */
struct blocking_thread {
    uv_mutex_t lock;
    uv_cond_t done;
    bool returned; /* the call that is waited for, and what came of it */
    int result;
    struct pool pool;
    struct arena arena;
    char *file;                /* BLOCKING_FILE_BUFFER bytes, once a file was sent */
    char out[BLOCKING_BUFFER]; /* written and not handed over */
    char in[BLOCKING_BUFFER];  /* fetched and not read */
};

/* One exchange on its way to and on a worker. */
struct blocking {
    struct list node; /* in the queue */
    weir_exchange *x;
    weir_handler *handler;
    void *handler_arg;
    struct blocking_thread *thread;
    struct arena *loop_arena;

    /* The call that the worker waits for. */
    struct loop_post post;
    int (*call)(struct blocking *b); /* on the loop: the result, or BLOCKING_LATER */
    weir_str pieces[2];
    unsigned status; /* of a 1xx response, and its fields */
    const weir_pair *fields;
    size_t field_count;
    struct exchange_input *input; /* that is read from */
    char *read_to;
    size_t read_room;
    bool waits_for_input, waits_for_drain;
    bool ends_later; /* the handler has returned, its answer waits for the end of the body */

    weir_str ahead; /* what was fetched ahead, and of which input */
    const struct exchange_input *ahead_of;

    size_t out_len;
    bool ended; /* the handler has ended the exchange; the rest is done when it returns */
    bool failed;
    weir_str last; /* of an answer in one piece */
};

enum { BLOCKING_LATER = 1 << 30, BLOCKING_FILE_BUFFER = 256 * 1024 };

/* On the loop: prepares the exchange for a worker. NULL when memory is out. */
struct blocking *blocking_new(weir_exchange *x, weir_handler *handler, void *arg);

/* On the worker: runs the handler and ends the exchange; b is gone afterwards. */
void blocking_run(struct blocking *b, struct blocking_thread *thread);

int blocking_thread_init(struct blocking_thread *thread);
void blocking_thread_done(struct blocking_thread *thread);

/* What the public functions do when x->blocking is set. */
int blocking_write(weir_exchange *x, weir_str data);
int blocking_log(weir_exchange *x, weir_str line);
int blocking_finish(weir_exchange *x, weir_str last);
void blocking_fail(weir_exchange *x);
int blocking_send_file(weir_exchange *x, int fd, uint64_t offset, uint64_t length);
int blocking_informational(weir_exchange *x, unsigned status, const weir_pair *fields,
                           size_t count);

/* Whether the handler has ended the exchange, which will be when it returns. */
bool blocking_ended(const weir_exchange *x);

#endif
