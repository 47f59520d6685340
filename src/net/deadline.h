/* SPDX-License-Identifier: MIT
 *
 * net/deadline.h: many deadlines of few different lengths, each set and cleared in constant time.
 *
 * All deadlines of one length form a queue, and the queue is in order of expiry without sorting,
 * because whoever comes later expires later:
 *
 *     10 s   head -> expires 12.1 -> 12.4 -> 19.9
 *     60 s   head -> expires 33.0 -> 71.2
 *
 * One timer is armed for the earliest known head. It is not moved when a deadline is cleared, which
 * is what nearly always happens: firing for nothing once is cheaper than re-arming each time. */
#ifndef NET_DEADLINE_H
#define NET_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/list.h"

struct deadline {
    struct list node;
    uint64_t when;  /* ms on the loop's clock */
    unsigned queue; /* it was in last: where to look first */
    void (*expired)(struct deadline *deadline);
};

enum { DEADLINE_LENGTHS = 24 };

struct deadlines {
    uv_loop_t *uv;
    uv_timer_t timer;
    uint64_t armed; /* when the timer fires; 0: it is not armed */
    unsigned count;
    struct {
        uint64_t length;
        struct list queue;
    } lengths[DEADLINE_LENGTHS];
};

/* Closing is asynchronous, like that of any libuv handle: closed is called with the timer. */
int deadlines_init(struct deadlines *deadlines, uv_loop_t *uv);
void deadlines_close(struct deadlines *deadlines, uv_close_cb closed);

/* expired is called from the loop once the deadline has passed; the deadline is then unset. */
static inline void deadline_init(struct deadline *deadline,
                                 void (*expired)(struct deadline *deadline))
{
    list_init(&deadline->node);
    deadline->queue = 0;
    deadline->expired = expired;
}

/* Sets the deadline to ms from now, whether it was set before or not; 0 means none: it is cleared.
 */
void deadline_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t ms);

static inline void deadline_clear(struct deadline *deadline)
{
    list_remove(&deadline->node);
}

static inline bool deadline_is_set(const struct deadline *deadline)
{
    return !list_empty(&deadline->node);
}

#endif
