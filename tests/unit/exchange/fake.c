/* SPDX-License-Identifier: MIT
 *
 * See fake.h. */
#include "fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct fake *fake_of(weir_exchange *x)
{
    return container_of(x, struct fake, x);
}

static int load_headers(weir_exchange *x)
{
    x->headers = fake_of(x)->headers;
    x->header_count = fake_of(x)->header_count;
    return 0;
}

static int load_params(weir_exchange *x)
{
    return 0;
}

static int take_answer(weir_exchange *x, const weir_str *pieces, size_t count, unsigned flags)
{
    struct fake *f = fake_of(x);

    for (size_t i = 0; i < count; i++)
        strncat(f->answer, pieces[i].ptr, pieces[i].len);
    return 0;
}

static void nothing(weir_exchange *x)
{
}

static size_t none_pending(const weir_exchange *x)
{
    return 0;
}

static void release(weir_exchange *x)
{
    fake_of(x)->released = true;
}

static const struct carrier carrier = {
    .load_headers = load_headers,
    .load_params = load_params,
    .send = take_answer,
    .fail = nothing,
    .body_wanted = nothing,
    .pending = none_pending,
    .want_drain = nothing,
    .flush = nothing,
    .release = release,
};

void fake_init(struct fake *f, const char *content_type, weir_str body, size_t step)
{
    memset(f, 0, sizeof *f);
    pool_init(&f->loop.pool);
    list_init(&f->loop.tasks);
    list_init(&f->loop.dirty);
    list_init(&f->loop.borrowed);
    arena_init(&f->arena, &f->loop.pool);
    exchange_init(&f->x, &carrier, &f->loop, &f->arena);
    f->body = body;
    f->step = step;
    f->end = 1;
    if (content_type)
        fake_add_header(f, "content-type", content_type);
}

void fake_add_header(struct fake *f, const char *name, const char *value)
{
    f->headers[f->header_count++] = (struct header){str_of(name), str_of(value), 0};
}

void fake_done(struct fake *f)
{
    assert_int_equal(f->x.busy, 0);
    exchange_done(&f->x);
    arena_done(&f->arena);
    pool_done(&f->loop.pool);
}

void fake_turn(struct fake *f)
{
    while (!list_empty(&f->loop.tasks)) {
        struct loop_task *task = container_of(f->loop.tasks.next, struct loop_task, node);
        list_remove(&task->node);
        task->run(task);
    }
    while (f->body.len > 0 && !f->released) {
        size_t n = f->step < f->body.len ? f->step : f->body.len;
        char *piece = aligned_alloc(1, n); /* not counted, nor made to fail, by failmalloc */
        assert_non_null(piece);
        memcpy(piece, f->body.ptr, n);
        size_t taken = exchange_body(&f->x, str(piece, n));
        free(piece);
        f->body = str(f->body.ptr + taken, f->body.len - taken);
        if (taken < n)
            return;
    }
    if (!f->body_ended && !f->released) {
        f->body_ended = true;
        exchange_body_end(&f->x, f->end);
    }
}
