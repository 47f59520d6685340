/* SPDX-License-Identifier: MIT
 *
 * exchange/exchange.c: the life of an exchange, its body and its cancellation. */
#include "exchange/exchange.h"

#include <stdlib.h>

#include "exchange/timer.h"
#include "net/stream.h"

static void on_task(struct loop_task *task);

void exchange_init(weir_exchange *x, const struct carrier *carrier, struct loop *loop,
                   struct arena *arena)
{
    memset(x, 0, sizeof *x);
    x->carrier = carrier;
    x->loop = loop;
    x->arena = arena;
    x->role = WEIR_RESPONDER;
    x->content_length = -1;
    x->declared = -1;
    x->status = 200;
    buf_init(&x->body, &loop->pool, BODY_BUFFER);
    loop_task_init(&x->task, on_task);
}

void exchange_done(weir_exchange *x)
{
    loop_task_cancel(&x->task);
    buf_done(&x->body);
    exchange_timer_stop(x);
}

/* Every call into the handler stands between hold and unhold: the exchange outlives it. */
void exchange_hold(weir_exchange *x)
{
    x->busy++;
}

void exchange_unhold(weir_exchange *x)
{
    if (--x->busy == 0 && x->finished)
        x->carrier->release(x);
}

void exchange_start(weir_exchange *x)
{
    exchange_hold(x);
    x->handler(x, x->handler_arg);
    exchange_unhold(x);
}

/* ---- The request body ------------------------------------------------------------------------ */

static bool takes_body(const weir_exchange *x)
{
    return x->on_body && !x->body_paused && !x->finished;
}

static void tell_body(weir_exchange *x, weir_str data, int state)
{
    if (state != 0)
        x->body_done = true;
    x->on_body(x, data, state, x->on_body_arg);
}

/* Gives the handler what was kept for it, and the end if that is all. */
static void pump_body(weir_exchange *x)
{
    while (x->body.len > 0 && takes_body(x)) {
        weir_str data = {x->body.ptr, x->body.len};
        tell_body(x, data, 0);
        stream_flush_borrowed(x->loop); /* the handler may have passed it on */
        buf_consume(&x->body, data.len);
    }
    buf_trim(&x->body);
    if (x->body.len == 0 && x->body_state != 0 && !x->body_done && takes_body(x))
        tell_body(x, WEIR_STR(""), x->body_state);
}

static void on_task(struct loop_task *task)
{
    weir_exchange *x = container_of(task, struct weir_exchange, task);

    exchange_hold(x);
    pump_body(x);
    if (takes_body(x) && x->body_state == 0)
        x->carrier->body_wanted(x);
    exchange_unhold(x);
}

size_t exchange_body(weir_exchange *x, weir_str data)
{
    size_t taken = data.len;

    if (x->finished || x->cancelled)
        return taken;
    exchange_hold(x);
    if (x->body.len > 0)
        pump_body(x);
    if (x->body.len == 0 && takes_body(x)) {
        tell_body(x, data, 0);
    } else if (!x->finished) {
        size_t room = x->body.max - x->body.len;
        taken = data.len < room ? data.len : room;
        if (buf_append(&x->body, data.ptr, taken) != 0)
            taken = 0;
        if (x->on_readable)
            x->on_readable(x);
    }
    exchange_unhold(x);
    return taken;
}

void exchange_body_end(weir_exchange *x, int state)
{
    if (x->finished || x->body_state != 0)
        return;
    exchange_hold(x);
    x->body_state = state;
    pump_body(x);
    if (x->on_readable)
        x->on_readable(x);
    exchange_unhold(x);
}

void weir_on_body(weir_exchange *x, weir_body_fn *fn, void *arg)
{
    if (x->blocking)
        return;
    x->on_body = fn;
    x->on_body_arg = arg;
    loop_defer(x->loop, &x->task);
}

void weir_pause_body(weir_exchange *x)
{
    x->body_paused = true;
}

void weir_resume_body(weir_exchange *x)
{
    x->body_paused = false;
    if (!x->blocking)
        loop_defer(x->loop, &x->task);
}

/* ---- Cancellation and draining --------------------------------------------------------------- */

void exchange_cancel(weir_exchange *x)
{
    if (x->cancelled || x->finished)
        return;
    exchange_hold(x);
    x->cancelled = true;
    if (x->body_state != 1)
        x->body_state = WEIR_ERROR_CANCELLED;
    if (x->on_body && !x->body_done)
        tell_body(x, WEIR_STR(""), WEIR_ERROR_CANCELLED);
    if (x->on_cancel && !x->finished)
        x->on_cancel(x, x->on_cancel_arg);
    if (x->on_drain && !x->finished) {
        weir_event_fn *fn = x->on_drain;
        x->on_drain = NULL;
        fn(x, x->on_drain_arg);
    }
    exchange_unhold(x);
}

void exchange_drained(weir_exchange *x)
{
    weir_event_fn *fn = x->on_drain;

    if (!fn || x->finished)
        return;
    exchange_hold(x);
    x->on_drain = NULL;
    fn(x, x->on_drain_arg);
    exchange_unhold(x);
}

void weir_on_cancel(weir_exchange *x, weir_event_fn *fn, void *arg)
{
    if (x->blocking)
        return;
    x->on_cancel = fn;
    x->on_cancel_arg = arg;
}

bool weir_cancelled(const weir_exchange *x)
{
    return x->cancelled;
}

void weir_on_drain(weir_exchange *x, weir_event_fn *fn, void *arg)
{
    if (x->blocking)
        return;
    x->on_drain = fn;
    x->on_drain_arg = arg;
    if (fn)
        x->carrier->want_drain(x);
}

bool exchange_congested(const weir_exchange *x)
{
    return x->carrier->pending(x) > STREAM_HIGH_WATER;
}
