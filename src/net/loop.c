/* SPDX-License-Identifier: MIT
 *
 * net/loop.c: see loop.h. */
#include "net/loop.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <weir/error.h>

#include "http/response.h"
#include "net/stream.h"

/* The end of a turn: what was put off, then output, until there is neither. */
static void end_turn(struct loop *loop)
{
    do {
        struct list now;
        list_take(&now, &loop->tasks);
        while (!list_empty(&now)) {
            struct loop_task *task = container_of(now.next, struct loop_task, node);
            list_remove(&task->node);
            task->run(task);
        }
        stream_flush_dirty(loop);
    } while (!list_empty(&loop->tasks));
}

void loop_settle(struct loop *loop)
{
    end_turn(loop);
}

static void on_check(uv_check_t *check)
{
    end_turn(check->data);
}

/* Timers and closing handles run after the check phase; libuv may wait right after them. */
static void on_prepare(uv_prepare_t *prepare)
{
    end_turn(prepare->data);
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;

    uv_mutex_lock(&loop->post_lock);
    struct loop_post *post = loop->posted;
    loop->posted = NULL;
    loop->posted_tail = &loop->posted;
    uv_mutex_unlock(&loop->post_lock);

    while (post) {
        struct loop_post *next = post->next;
        post->run(post);
        post = next;
    }
}

void loop_post(struct loop *loop, struct loop_post *post)
{
    post->next = NULL;
    uv_mutex_lock(&loop->post_lock);
    *loop->posted_tail = post;
    loop->posted_tail = &post->next;
    uv_mutex_unlock(&loop->post_lock);
    (void)uv_async_send(&loop->wake);
}

/* While this runs, libuv does not wait for events; the tasks run at the end of the turn. */
static void on_idle(uv_idle_t *idle)
{
    struct loop *loop = idle->data;

    (void)uv_idle_stop(idle);
    while (!list_empty(&loop->later)) {
        struct list *node = loop->later.next;
        list_remove(node);
        list_insert(&loop->tasks, node);
    }
}

void loop_yield(struct loop *loop, struct loop_task *task)
{
    if (!list_empty(&task->node))
        return;
    list_insert(&loop->later, &task->node);
    (void)uv_idle_start(&loop->idle, on_idle);
}

static void put_hex(char *out, uint64_t value)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--, value >>= 4)
        out[i] = digits[value & 15];
}

int loop_init(struct loop *loop, uv_loop_t *uv)
{
    uint64_t prefix;

    memset(loop, 0, sizeof *loop);
    loop->scratch = malloc(LOOP_SCRATCH);
    if (!loop->scratch)
        return WEIR_ERROR_NOMEM;
    loop->uv = uv;
    if (!uv) {
        loop->uv = &loop->own;
        loop->owns_uv = true;
        if (uv_loop_init(loop->uv) != 0)
            goto no_loop;
    }
    if (uv_mutex_init(&loop->post_lock) != 0)
        goto no_mutex;
    pool_init(&loop->pool);
    list_init(&loop->dirty);
    list_init(&loop->borrowed);
    list_init(&loop->tasks);
    list_init(&loop->guests);
    list_init(&loop->later);
    loop->posted_tail = &loop->posted;
    if (getentropy(&prefix, sizeof prefix) != 0 ||
        getentropy(&loop->id_key, sizeof loop->id_key) != 0)
        goto no_async;
    put_hex(loop->id_prefix, prefix);

    /* Initialising these cannot fail once the loop stands, but for the eventfd of the async. */
    if (uv_async_init(loop->uv, &loop->wake, on_wake) != 0)
        goto no_async;
    (void)deadlines_init(&loop->deadlines, loop->uv);
    (void)uv_check_init(loop->uv, &loop->check);
    (void)uv_prepare_init(loop->uv, &loop->prepare);
    (void)uv_idle_init(loop->uv, &loop->idle);
    loop->wake.data = loop->check.data = loop->prepare.data = loop->idle.data = loop;
    (void)uv_check_start(&loop->check, on_check);
    (void)uv_prepare_start(&loop->prepare, on_prepare);
    uv_unref((uv_handle_t *)&loop->check);
    uv_unref((uv_handle_t *)&loop->prepare);
    return 0;

no_async:
    uv_mutex_destroy(&loop->post_lock);
no_mutex:
    if (loop->owns_uv)
        (void)uv_loop_close(loop->uv);
no_loop:
    free(loop->scratch);
    return WEIR_ERROR_SYSTEM;
}

static void send_guests_away(struct loop *loop)
{
    while (!list_empty(&loop->guests)) {
        struct loop_guest *guest = container_of(loop->guests.next, struct loop_guest, node);
        list_remove(&guest->node);
        guest->leave(guest);
    }
}

static void give_back(struct loop *loop)
{
    uv_mutex_destroy(&loop->post_lock);
    pool_done(&loop->pool);
    free(loop->scratch);
}

static void one_closed(struct loop *loop)
{
    if (--loop->open_handles > 0 || loop->owns_uv)
        return;
    give_back(loop);
    loop->closed(loop);
}

static void on_handle_closed(uv_handle_t *handle)
{
    one_closed(handle->data);
}

static void on_timer_closed(uv_handle_t *handle)
{
    one_closed(container_of((uv_timer_t *)handle, struct loop, deadlines.timer));
}

void loop_close(struct loop *loop, void (*closed)(struct loop *loop))
{
    send_guests_away(loop);
    loop->closed = closed;
    loop->open_handles = 5;
    uv_close((uv_handle_t *)&loop->wake, on_handle_closed);
    uv_close((uv_handle_t *)&loop->check, on_handle_closed);
    uv_close((uv_handle_t *)&loop->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&loop->idle, on_handle_closed);
    deadlines_close(&loop->deadlines, on_timer_closed);
}

void loop_done(struct loop *loop)
{
    loop_close(loop, NULL);
    (void)uv_run(loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(loop->uv);
    give_back(loop);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(loop->uv);
}

weir_str loop_date(struct loop *loop)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec != loop->date_seconds) {
        http_date(now.tv_sec, loop->date);
        loop->date_seconds = now.tv_sec;
    }
    return (weir_str){loop->date, HTTP_DATE_SIZE - 1};
}

/* A count, mixed so that neighbours look unrelated; the mixing is a bijection, so that no two are
 * alike (the finaliser of SplitMix64). */
void loop_unique_id(struct loop *loop, char out[static 32])
{
    uint64_t z = loop->id_key + 0x9e3779b97f4a7c15u * ++loop->id_count;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    memcpy(out, loop->id_prefix, sizeof loop->id_prefix);
    put_hex(out + 16, z ^ z >> 31);
}
