/* SPDX-License-Identifier: MIT
 *
 * exchange/timer.c: weir_after. The timer is a libuv handle of its own, since a handler may ask for
 * any length, and since closing it outlasts the exchange. */
#include "exchange/timer.h"

#include <stdlib.h>

struct exchange_timer {
    uv_timer_t handle;
    weir_exchange *x;
    weir_event_fn *fn;
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void exchange_timer_stop(weir_exchange *x)
{
    if (!x->timer)
        return;
    uv_close((uv_handle_t *)&x->timer->handle, on_closed);
    x->timer = NULL;
}

static void on_timer(uv_timer_t *handle)
{
    struct exchange_timer *timer = handle->data;
    weir_exchange *x = timer->x;
    weir_event_fn *fn = timer->fn;
    void *arg = timer->arg;

    exchange_timer_stop(x);
    exchange_hold(x);
    fn(x, arg);
    exchange_unhold(x);
}

int weir_after(weir_exchange *x, uint32_t ms, weir_event_fn *fn, void *arg)
{
    if (!fn)
        return WEIR_ERROR_INVALID;
    if (x->blocking)
        return WEIR_ERROR_STATE;

    struct exchange_timer *timer = malloc(sizeof *timer);
    if (!timer)
        return WEIR_ERROR_NOMEM;
    *timer = (struct exchange_timer){.x = x, .fn = fn, .arg = arg};
    exchange_timer_stop(x);
    (void)uv_timer_init(x->loop->uv, &timer->handle);
    timer->handle.data = timer;
    (void)uv_timer_start(&timer->handle, on_timer, ms, 0);
    x->timer = timer;
    return 0;
}
