/* SPDX-License-Identifier: MIT
 *
 * net/deadline.c: see deadline.h. */
#include "net/deadline.h"

#include <stdlib.h>

static void on_timer(uv_timer_t *timer);

int deadlines_init(struct deadlines *d, uv_loop_t *uv)
{
    d->uv = uv;
    d->armed = 0;
    d->count = 0;
    return uv_timer_init(uv, &d->timer);
}

void deadlines_close(struct deadlines *d, uv_close_cb closed)
{
    uv_close((uv_handle_t *)&d->timer, closed);
}

static void arm(struct deadlines *d, uint64_t when)
{
    uint64_t now = uv_now(d->uv);

    if (d->armed != 0 && d->armed <= when)
        return;
    d->armed = when;
    d->timer.data = d;
    (void)uv_timer_start(&d->timer, on_timer, when > now ? when - now : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct deadlines *d = timer->data;
    uint64_t now = uv_now(d->uv);
    uint64_t next = UINT64_MAX;

    d->armed = 0;
    for (unsigned i = 0; i < d->count; i++) {
        struct list *queue = &d->lengths[i].queue;
        while (!list_empty(queue)) {
            struct deadline *first = container_of(queue->next, struct deadline, node);
            if (first->when > now) {
                if (first->when < next)
                    next = first->when;
                break;
            }
            deadline_clear(first);
            first->expired(first);
        }
    }
    if (next != UINT64_MAX)
        arm(d, next);
}

/* The queue for a length, made on first use. When there are more lengths than queues, the queue of
 * the next longer one serves: such a deadline expires late rather than never. */
static unsigned queue_of(struct deadlines *d, uint64_t length)
{
    unsigned best = 0;

    for (unsigned i = 0; i < d->count; i++) {
        if (d->lengths[i].length == length)
            return i;
        if (d->lengths[best].length < length ||
            (d->lengths[i].length > length && d->lengths[i].length < d->lengths[best].length))
            best = i;
    }
    if (d->count == DEADLINE_LENGTHS)
        return best;
    d->lengths[d->count].length = length;
    list_init(&d->lengths[d->count].queue);
    return d->count++;
}

void deadline_set(struct deadlines *d, struct deadline *deadline, uint64_t ms)
{
    unsigned i = deadline->queue;

    if (ms == 0) {
        deadline_clear(deadline);
        return;
    }
    if (i >= d->count || d->lengths[i].length != ms)
        i = deadline->queue = queue_of(d, ms);

    uint64_t when = uv_now(d->uv) + d->lengths[i].length;
    if (deadline->when == when && deadline_is_set(deadline))
        return;
    deadline_clear(deadline);
    deadline->when = when;
    list_insert(&d->lengths[i].queue, &deadline->node);
    arm(d, when);
}
