/* SPDX-License-Identifier: MIT
 *
 * exchange/exchange.c: the life of an exchange, its body and its cancellation. */
#include "exchange/exchange.h"

#include <stdlib.h>

#include "exchange/file.h"
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
    x->content_length = x->data_length = -1;
    x->declared = -1;
    x->status = 200;
    buf_init(&x->body.kept, &loop->pool, BODY_BUFFER);
    buf_init(&x->data.kept, &loop->pool, BODY_BUFFER);
    loop_task_init(&x->task, on_task);
}

void exchange_at_end(weir_exchange *x, struct exchange_cleanup *cleanup)
{
    cleanup->next = x->cleanups;
    x->cleanups = cleanup;
}

void exchange_clean_up(weir_exchange *x)
{
    while (x->cleanups) {
        struct exchange_cleanup *cleanup = x->cleanups;
        x->cleanups = cleanup->next;
        cleanup->run(cleanup);
    }
}

void exchange_done(weir_exchange *x)
{
    loop_task_cancel(&x->task);
    exchange_clean_up(x);
    buf_done(&x->body.kept);
    buf_done(&x->data.kept);
    exchange_timer_stop(x);
}

/* Every call into the handler stands between hold and unhold: the exchange outlives it. */
void exchange_hold(weir_exchange *x)
{
    x->busy++;
}

void exchange_unhold(weir_exchange *x)
{
    if (--x->busy == 0 && x->finished && !x->held)
        x->carrier->release(x);
}

void exchange_start(weir_exchange *x)
{
    exchange_hold(x);
    x->handler(x, x->handler_arg);
    exchange_unhold(x);
}

/* ---- The request body, and a Filter's data --------------------------------------------------- */

static bool takes(const weir_exchange *x, const struct exchange_input *in)
{
    return in->fn && !in->paused && !x->finished;
}

/* Returns how much of data was taken. */
static size_t tell(weir_exchange *x, struct exchange_input *in, weir_str data, int state)
{
    if (state != 0)
        in->done = true;
    in->given_back = 0;
    in->fn(x, data, state, in->arg);
    return data.len - in->given_back;
}

void exchange_give_back(weir_exchange *x, size_t n)
{
    x->body.given_back = n;
    x->body.done = false;
}

/* Gives the handler what was kept for it, and the end if that is all. */
static void pump(weir_exchange *x, struct exchange_input *in)
{
    while (in->kept.len > 0 && takes(x, in)) {
        weir_str data = {in->kept.ptr, in->kept.len};
        size_t taken = tell(x, in, data, 0);
        stream_flush_borrowed(x->loop); /* the handler may have passed it on */
        buf_consume(&in->kept, taken);
    }
    buf_trim(&in->kept);
    if (in->kept.len == 0 && in->state != 0 && !in->done && takes(x, in))
        (void)tell(x, in, WEIR_STR(""), in->state);
}

static void on_task(struct loop_task *task)
{
    weir_exchange *x = container_of(task, struct weir_exchange, task);

    exchange_hold(x);
    pump(x, &x->body);
    pump(x, &x->data);
    if ((takes(x, &x->body) && x->body.state == 0) || (takes(x, &x->data) && x->data.state == 0))
        x->carrier->body_wanted(x);
    if (x->rests) {
        x->rests = false;
        exchange_drained(x);
    }
    exchange_unhold(x);
}

static size_t input(weir_exchange *x, struct exchange_input *in, weir_str data)
{
    size_t taken = 0;

    /* Over, broken off by a deadline, or not wanted. */
    if (x->finished || x->cancelled || in->state != 0 || in->dropped)
        return data.len;
    exchange_hold(x);
    if (in->kept.len > 0)
        pump(x, in);
    if (in->kept.len == 0 && takes(x, in))
        taken = tell(x, in, data, 0);
    if (x->finished) {
        taken = data.len;
    } else if (taken < data.len) {
        size_t room = in->kept.max - in->kept.len;
        size_t keep = data.len - taken < room ? data.len - taken : room;
        if (buf_append(&in->kept, data.ptr + taken, keep) == 0)
            taken += keep;
        if (x->on_readable)
            x->on_readable(x);
    }
    exchange_unhold(x);
    return taken;
}

static void input_end(weir_exchange *x, struct exchange_input *in, int state)
{
    if (x->finished || in->state != 0)
        return;
    exchange_hold(x);
    in->state = state;
    pump(x, in);
    if (x->on_readable)
        x->on_readable(x);
    exchange_unhold(x);
}

void exchange_drop_body(weir_exchange *x)
{
    x->body.dropped = true;
    buf_done(&x->body.kept);
    x->carrier->body_wanted(x);
}

size_t exchange_body(weir_exchange *x, weir_str data)
{
    return input(x, &x->body, data);
}

void exchange_body_end(weir_exchange *x, int state)
{
    input_end(x, &x->body, state);
}

size_t exchange_data(weir_exchange *x, weir_str data)
{
    return input(x, &x->data, data);
}

void exchange_data_end(weir_exchange *x, int state)
{
    input_end(x, &x->data, state);
}

static void set_reader(weir_exchange *x, struct exchange_input *in, weir_body_fn *fn, void *arg)
{
    if (x->blocking)
        return;
    in->fn = fn;
    in->arg = arg;
    loop_defer(x->loop, &x->task);
}

void weir_on_body(weir_exchange *x, weir_body_fn *fn, void *arg)
{
    set_reader(x, &x->body, fn, arg);
}

void weir_on_data(weir_exchange *x, weir_body_fn *fn, void *arg)
{
    set_reader(x, &x->data, fn, arg);
}

void weir_pause_body(weir_exchange *x)
{
    x->body.paused = x->data.paused = true;
}

void weir_resume_body(weir_exchange *x)
{
    x->body.paused = x->data.paused = false;
    if (!x->blocking)
        loop_defer(x->loop, &x->task);
}

/* ---- Cancellation and draining --------------------------------------------------------------- */

static void cancel_input(weir_exchange *x, struct exchange_input *in)
{
    if (in->state != 1)
        in->state = WEIR_ERROR_CANCELLED;
    if (in->fn && !in->done && !x->finished)
        (void)tell(x, in, WEIR_STR(""), WEIR_ERROR_CANCELLED);
}

void exchange_cancel(weir_exchange *x)
{
    if (x->cancelled || (x->finished && !x->files))
        return;
    exchange_hold(x);
    x->cancelled = true;
    file_drop(x);
    if (x->finished) {
        exchange_unhold(x);
        return;
    }
    cancel_input(x, &x->body);
    cancel_input(x, &x->data);
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

    if (x->files) {
        file_go_on(x);
        return;
    }
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
    if (fn && !x->rests)
        x->carrier->want_drain(x);
}

bool exchange_congested(const weir_exchange *x)
{
    return x->carrier->pending(x) > STREAM_HIGH_WATER;
}
