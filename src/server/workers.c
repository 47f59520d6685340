/* SPDX-License-Identifier: MIT
 *
 * server/workers.c: see workers.h. One queue for all: whichever thread is free takes the next. */
#include "server/workers.h"

#include <stdlib.h>

#include "exchange/blocking.h"

struct workers {
    uv_mutex_t lock;
    uv_cond_t work;
    struct list queue;
    unsigned queued, queue_max;
    unsigned count;
    bool stopping;
    uv_thread_t threads[];
};

static struct blocking *next_job(struct workers *w)
{
    struct blocking *job = NULL;

    uv_mutex_lock(&w->lock);
    while (list_empty(&w->queue) && !w->stopping)
        uv_cond_wait(&w->work, &w->lock);
    if (!list_empty(&w->queue)) {
        job = container_of(w->queue.next, struct blocking, node);
        list_remove(&job->node);
        w->queued--;
    }
    uv_mutex_unlock(&w->lock);
    return job;
}

static void run_thread(void *arg)
{
    struct workers *w = arg;
    struct blocking_thread *self = malloc(sizeof *self);
    struct blocking *job;

    if (!self || blocking_thread_init(self) != 0) {
        free(self);
        return;
    }
    while ((job = next_job(w)) != NULL)
        blocking_run(job, self);
    blocking_thread_done(self);
    free(self);
}

struct workers *workers_start(unsigned count, unsigned queue_max)
{
    struct workers *w = calloc(1, sizeof *w + count * sizeof *w->threads);

    if (!w)
        return NULL;
    list_init(&w->queue);
    w->queue_max = queue_max;
    if (uv_mutex_init(&w->lock) != 0)
        goto no_mutex;
    if (uv_cond_init(&w->work) != 0)
        goto no_cond;
    while (w->count < count && uv_thread_create(&w->threads[w->count], run_thread, w) == 0)
        w->count++;
    if (w->count == count)
        return w;
    workers_stop(w);
    return NULL;

no_cond:
    uv_mutex_destroy(&w->lock);
no_mutex:
    free(w);
    return NULL;
}

void workers_stop(struct workers *w)
{
    if (!w)
        return;
    uv_mutex_lock(&w->lock);
    w->stopping = true;
    uv_cond_broadcast(&w->work);
    uv_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->count; i++)
        (void)uv_thread_join(&w->threads[i]);
    uv_cond_destroy(&w->work);
    uv_mutex_destroy(&w->lock);
    free(w);
}

void workers_handle(weir_exchange *x, void *arg)
{
    struct site *site = arg;
    struct workers *w = site->server->workers;
    bool full;

    uv_mutex_lock(&w->lock);
    full = w->queued >= w->queue_max;
    uv_mutex_unlock(&w->lock);
    if (full) {
        struct server_loop *sl = container_of(x->loop, struct server_loop, loop);
        server_log_some(sl, &sl->overloaded, WEIR_LOG_WARNING,
                        "reason=worker-queue-full limit=%u: raise workers or worker_queue",
                        w->queue_max);
        weir_reject(x);
        return;
    }
    struct blocking *job = blocking_new(x, site->handler, site->handler_arg);
    if (!job) {
        weir_reject(x);
        return;
    }
    uv_mutex_lock(&w->lock);
    list_insert(&w->queue, &job->node);
    w->queued++;
    uv_cond_signal(&w->work);
    uv_mutex_unlock(&w->lock);
}
