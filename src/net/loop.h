/* SPDX-License-Identifier: MIT
 *
 * net/loop.h: one thread's event loop and everything that the connections on it share.
 *
 * Nothing of a loop is touched by another thread, except through loop_post. A turn of the loop:
 *
 *     timers -> poll: read, act, queue output -> check: flush every stream that has output
 *
 * Reads go to the loop's scratch buffer, so an idle connection holds none. Output is queued on
 * streams and leaves once a turn, in one writev a stream; only a stream that holds references into
 * the scratch buffer is flushed earlier, when the read that filled it is done. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <uv.h>
#include <weir/str.h>

#include "base/list.h"
#include "base/pool.h"
#include "net/deadline.h"

enum { LOOP_SCRATCH = 256 * 1024 };

struct loop_post {
    struct loop_post *next;
    void (*run)(struct loop_post *post);
};

/* Something to be done later in this turn, on the loop's own thread. */
struct loop_task {
    struct list node;
    void (*run)(struct loop_task *task);
};

/* Something that lives on a loop without owning it, and has to end before the loop does. */
struct loop_guest {
    struct list node;
    void (*leave)(struct loop_guest *guest); /* close all handles, the last call */
};

struct loop {
    uv_loop_t *uv;
    uv_loop_t own;
    bool owns_uv;
    struct pool pool;
    struct deadlines deadlines;
    uv_check_t check;
    uv_prepare_t prepare;
    uv_idle_t idle; /* runs while something is in later */
    uv_async_t wake;
    uv_mutex_t post_lock;
    struct loop_post *posted, **posted_tail;
    struct list dirty;    /* streams with output to flush at the end of the turn */
    struct list borrowed; /* streams with references into scratch */
    struct list tasks;
    struct list guests;
    struct list later; /* tasks of the next turn */
    char *scratch;     /* free for tasks to use, between themselves */
    int64_t date_seconds;
    char date[32];
    uint64_t id_key, id_count; /* of loop_unique_id */
    char id_prefix[16];
    unsigned index; /* which of the server's loops */
    unsigned open_handles;
    void (*closed)(struct loop *loop);
    void *user;
    void (*log)(struct loop *loop,
                const char *line); /* for the log of who runs the loop; NULL: none */
};

/* uv: a loop of the caller's to run on, or NULL for one of our own. 0 or an error. */
int loop_init(struct loop *loop, uv_loop_t *uv);

/* Closes our handles and gives everything back; all streams and listeners must have been closed
 * before. On a loop of our own, which is run until that is done. */
void loop_done(struct loop *loop);

/* The same on a loop of the caller's: closed is called from it when the memory may go. */
void loop_close(struct loop *loop, void (*closed)(struct loop *loop));

/* Runs until loop_stop or until nothing is left to wait for. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Has post->run called on the loop's thread, soon. Any thread. post must stay valid until then. */
void loop_post(struct loop *loop, struct loop_post *post);

/* Has task->run called before the loop waits again; a task is in the list at most once. */
static inline void loop_defer(struct loop *loop, struct loop_task *task)
{
    if (list_empty(&task->node))
        list_insert(&loop->tasks, &task->node);
}

/* Has task->run called in the next turn, after whatever is ready then has been read: for work that
 * goes on and on and must let others have theirs. A task is in one of both lists at most. */
void loop_yield(struct loop *loop, struct loop_task *task);

static inline void loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task))
{
    list_init(&task->node);
    task->run = run;
}

static inline void loop_task_cancel(struct loop_task *task)
{
    list_remove(&task->node);
}

static inline uint64_t loop_now(const struct loop *loop)
{
    return uv_now(loop->uv);
}

/* What the end of a turn does, now: for those who put something off and will not see another turn.
 * Not from inside one. */
void loop_settle(struct loop *loop);

/* The Date header's value, made at most once a second. */
weir_str loop_date(struct loop *loop);

/* 32 hexadecimal digits that no other call gives, on this loop or any other anywhere; they cannot
 * be guessed from each other without effort, but are no secret. */
void loop_unique_id(struct loop *loop, char out[static 32]);

#endif
