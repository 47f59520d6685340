/* SPDX-License-Identifier: MIT
 *
 * exchange/blocking.c: see blocking.h. */
#include "exchange/blocking.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- Calls from the worker to the loop ------------------------------------------------------- */

static void complete(struct blocking *b, int result)
{
    struct blocking_thread *thread = b->thread;

    uv_mutex_lock(&thread->lock);
    thread->result = result;
    thread->returned = true;
    uv_cond_signal(&thread->done);
    uv_mutex_unlock(&thread->lock);
}

static void on_post(struct loop_post *post)
{
    struct blocking *b = container_of(post, struct blocking, post);
    int result = b->call(b);

    if (result != BLOCKING_LATER)
        complete(b, result);
}

/* Has fn run on the loop and waits for its result. b may be gone then. */
static int call(struct blocking *b, int (*fn)(struct blocking *b))
{
    struct blocking_thread *thread = b->thread;

    b->call = fn;
    thread->returned = false;
    b->post.run = on_post;
    loop_post(b->x->loop, &b->post);
    uv_mutex_lock(&thread->lock);
    while (!thread->returned)
        uv_cond_wait(&thread->done, &thread->lock);
    int result = thread->result;
    uv_mutex_unlock(&thread->lock);
    return result;
}

/* ---- On the loop ----------------------------------------------------------------------------- */

/* Moves input to where the worker wants it; BLOCKING_LATER when there is none to be had now. */
static int take_input(struct blocking *b)
{
    weir_exchange *x = b->x;
    struct exchange_input *in = b->input;

    if (x->cancelled)
        return WEIR_ERROR_CANCELLED;
    if (in->kept.len > 0) {
        size_t n = in->kept.len < b->read_room ? in->kept.len : b->read_room;
        memcpy(b->read_to, in->kept.ptr, n);
        buf_consume(&in->kept, n);
        buf_trim(&in->kept);
        if (in->state == 0)
            x->carrier->body_wanted(x);
        return (int)n;
    }
    if (in->state != 0)
        return in->state == 1 ? 0 : in->state;
    return BLOCKING_LATER;
}

static int read_call(struct blocking *b)
{
    int rc = take_input(b);

    b->waits_for_input = rc == BLOCKING_LATER;
    if (b->waits_for_input)
        b->x->carrier->body_wanted(b->x);
    return rc;
}

static void on_readable(weir_exchange *x)
{
    struct blocking *b = x->blocking;

    if (!b->waits_for_input)
        return;
    int rc = take_input(b);
    if (rc == BLOCKING_LATER)
        return;
    b->waits_for_input = false;
    complete(b, rc);
}

static int end_and_release_call(struct blocking *b);

static void on_drain(weir_exchange *x, void *arg)
{
    struct blocking *b = arg;

    if (!b->waits_for_drain)
        return;
    b->waits_for_drain = false;
    if (b->ends_later)
        (void)end_and_release_call(b);
    else
        complete(b, x->cancelled ? WEIR_ERROR_CANCELLED : 0);
}

static void wait_for_drain(struct blocking *b)
{
    b->waits_for_drain = true;
    b->x->on_drain = on_drain;
    b->x->on_drain_arg = b;
}

static int send_call(struct blocking *b)
{
    weir_exchange *x = b->x;
    int rc = exchange_send(x, b->pieces, 2, SEND_BORROW);

    if (rc != 0)
        return rc;
    x->carrier->flush(x);
    if (!exchange_congested(x))
        return 0;
    wait_for_drain(b);
    x->carrier->want_drain(x);
    return BLOCKING_LATER;
}

static void on_cancel(weir_exchange *x, void *arg)
{
    struct blocking *b = arg;

    if (b->waits_for_drain) {
        on_drain(x, b);
    } else if (b->waits_for_input) {
        b->waits_for_input = false;
        complete(b, WEIR_ERROR_CANCELLED);
    }
}

/* The handler has returned. */
static int end_call(struct blocking *b)
{
    weir_exchange *x = b->x;

    if (b->failed)
        exchange_fail(x);
    else
        (void)exchange_send(x, b->pieces, 2, SEND_END);
    return 0;
}

/* After this the worker has nothing to do with the exchange any more. */
static int release_call(struct blocking *b)
{
    weir_exchange *x = b->x;

    x->arena = b->loop_arena;
    x->field_count = x->trailer_count = 0;
    x->reason = (weir_str){NULL, 0};
    x->blocking = NULL;
    x->on_cancel = NULL;
    x->on_drain = NULL;
    x->on_readable = NULL;
    complete(b, 0);
    exchange_unhold(x);
    return BLOCKING_LATER;
}

static int end_and_release_call(struct blocking *b)
{
    if (b->x->held) {
        b->ends_later = true;
        exchange_drop_body(b->x);
        wait_for_drain(b);
        return BLOCKING_LATER;
    }
    (void)end_call(b);
    return release_call(b);
}

struct blocking *blocking_new(weir_exchange *x, weir_handler *handler, void *arg)
{
    struct blocking *b = arena_zalloc(x->arena, sizeof *b);

    if (!b || exchange_load(x) != 0)
        return NULL;
    b->x = x;
    b->handler = handler;
    b->handler_arg = arg;
    b->loop_arena = x->arena;
    list_init(&b->node);
    x->blocking = b;
    x->on_readable = on_readable;
    x->on_cancel = on_cancel;
    x->on_cancel_arg = b;
    exchange_hold(x);
    return b;
}

/* ---- On the worker --------------------------------------------------------------------------- */

int blocking_thread_init(struct blocking_thread *thread)
{
    if (uv_mutex_init(&thread->lock) != 0)
        return WEIR_ERROR_SYSTEM;
    if (uv_cond_init(&thread->done) != 0) {
        uv_mutex_destroy(&thread->lock);
        return WEIR_ERROR_SYSTEM;
    }
    pool_init(&thread->pool);
    arena_init(&thread->arena, &thread->pool);
    thread->file = NULL;
    return 0;
}

void blocking_thread_done(struct blocking_thread *thread)
{
    free(thread->file);
    arena_done(&thread->arena);
    pool_done(&thread->pool);
    uv_cond_destroy(&thread->done);
    uv_mutex_destroy(&thread->lock);
}

void blocking_run(struct blocking *b, struct blocking_thread *thread)
{
    weir_exchange *x = b->x;

    b->thread = thread;
    x->arena = &thread->arena;
    b->handler(x, b->handler_arg);
    exchange_clean_up(x);
    b->pieces[0] = str(thread->out, b->out_len);
    b->pieces[1] = b->last;
    (void)call(b, end_and_release_call);
    arena_done(&thread->arena);
}

/* Hands over what was written, and more behind it; a Filter's is kept while it is too early for it.
 */
static int hand_over(struct blocking *b, weir_str more)
{
    b->pieces[0] = str(b->thread->out, b->out_len);
    b->pieces[1] = more;
    int rc = call(b, send_call);
    if (rc != WEIR_ERROR_STATE)
        b->out_len = 0;
    return rc;
}

int blocking_write(weir_exchange *x, weir_str data)
{
    struct blocking *b = x->blocking;

    if (b->ended)
        return WEIR_ERROR_STATE;
    if (x->cancelled)
        return WEIR_ERROR_CANCELLED;
    if (data.len > BLOCKING_BUFFER - b->out_len)
        return hand_over(b, data);
    if (data.len > 0)
        memcpy(b->thread->out + b->out_len, data.ptr, data.len);
    b->out_len += data.len;
    return 0;
}

static int log_call(struct blocking *b)
{
    return exchange_log(b->x, b->pieces[0]);
}

int blocking_log(weir_exchange *x, weir_str line)
{
    x->blocking->pieces[0] = line;
    return call(x->blocking, log_call);
}

/* Whether so many bytes more are within the declared length. */
static bool fits(const struct blocking *b, uint64_t length)
{
    const weir_exchange *x = b->x;
    uint64_t left = (uint64_t)x->declared - x->written;

    return x->declared < 0 || (b->out_len <= left && length <= left - b->out_len);
}

/* The file is not what the response has promised: it must not look complete. */
static int fail_file(struct blocking *b, int error)
{
    b->failed = b->ended = true;
    return error;
}

int blocking_send_file(weir_exchange *x, int fd, uint64_t offset, uint64_t length)
{
    struct blocking *b = x->blocking;
    int rc = 0;

    if (b->ended)
        return WEIR_ERROR_STATE;
    if (!exchange_sends_body(x)) {
        x->written += length;
        return x->cancelled ? WEIR_ERROR_CANCELLED : 0;
    }
    if (!fits(b, length))
        return WEIR_ERROR_CONTENT_LENGTH;
    if (!b->thread->file)
        b->thread->file = malloc(BLOCKING_FILE_BUFFER);
    if (!b->thread->file)
        return WEIR_ERROR_NOMEM;
    while (length > 0 && rc == 0) {
        size_t want = length < BLOCKING_FILE_BUFFER ? (size_t)length : BLOCKING_FILE_BUFFER;
        ssize_t n = pread(fd, b->thread->file, want, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail_file(b, n < 0 ? WEIR_ERROR_SYSTEM : WEIR_ERROR_SHORT_BODY);
        rc = blocking_write(x, str(b->thread->file, (size_t)n));
        offset += (uint64_t)n;
        length -= (uint64_t)n;
    }
    return rc;
}

static int informational_call(struct blocking *b)
{
    return b->x->carrier->informational(b->x, b->status, b->fields, b->field_count);
}

int blocking_informational(weir_exchange *x, unsigned status, const weir_pair *fields, size_t count)
{
    struct blocking *b = x->blocking;

    b->status = status;
    b->fields = fields;
    b->field_count = count;
    return call(b, informational_call);
}

bool blocking_ended(const weir_exchange *x)
{
    return x->blocking && x->blocking->ended;
}

int blocking_finish(weir_exchange *x, weir_str last)
{
    struct blocking *b = x->blocking;

    if (b->ended)
        return WEIR_ERROR_STATE;
    b->ended = true;
    if (last.len > 0) {
        b->last = str(arena_copy(x->arena, last.ptr, last.len), last.len);
        if (!b->last.ptr) {
            b->failed = true;
            return WEIR_ERROR_NOMEM;
        }
    }
    return x->cancelled ? WEIR_ERROR_CANCELLED : 0;
}

void blocking_fail(weir_exchange *x)
{
    struct blocking *b = x->blocking;

    if (!b->ended)
        b->failed = b->ended = true;
}

static int hand_in(struct blocking *b, struct exchange_input *in, void *out, size_t room)
{
    b->input = in;
    b->read_to = out;
    b->read_room = room;
    return call(b, read_call);
}

/* Reading little at a time would cost a way to the loop and back each: more is fetched ahead. */
static int read_input(weir_exchange *x, struct exchange_input *in, void *out, size_t room)
{
    struct blocking *b = x->blocking;

    if (!b || b->ended)
        return WEIR_ERROR_STATE;
    if (room == 0 || room > INT32_MAX / 2)
        return WEIR_ERROR_INVALID;
    if (x->cancelled)
        return WEIR_ERROR_CANCELLED;
    if (b->ahead.len > 0 && b->ahead_of != in)
        return hand_in(b, in, out, room);
    if (b->ahead.len == 0) {
        if (room >= BLOCKING_BUFFER)
            return hand_in(b, in, out, room);
        int rc = hand_in(b, in, b->thread->in, BLOCKING_BUFFER);
        if (rc <= 0)
            return rc;
        b->ahead = str(b->thread->in, (size_t)rc);
        b->ahead_of = in;
    }
    size_t n = room < b->ahead.len ? room : b->ahead.len;
    memcpy(out, b->ahead.ptr, n);
    b->ahead = str(b->ahead.ptr + n, b->ahead.len - n);
    return (int)n;
}

int weir_read(weir_exchange *x, void *out, size_t room)
{
    return read_input(x, &x->body, out, room);
}

int weir_read_data(weir_exchange *x, void *out, size_t room)
{
    return read_input(x, &x->data, out, room);
}

int weir_flush(weir_exchange *x)
{
    struct blocking *b = x->blocking;

    if (!b) {
        if (x->finished)
            return WEIR_ERROR_STATE;
        if (!x->head_sent && !x->files) {
            int rc = exchange_send(x, NULL, 0, 0);
            if (rc != 0)
                return rc;
        }
        x->carrier->flush(x);
        return x->cancelled ? WEIR_ERROR_CANCELLED : 0;
    }
    if (b->ended)
        return WEIR_ERROR_STATE;
    return x->cancelled ? WEIR_ERROR_CANCELLED : hand_over(b, WEIR_STR(""));
}

int weir_printf(weir_exchange *x, const char *format, ...)
{
    char line[1024];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0)
        return WEIR_ERROR_INVALID;
    if ((size_t)n < sizeof line)
        return weir_write(x, line, (size_t)n);

    char *text = malloc((size_t)n + 1);
    if (!text)
        return WEIR_ERROR_NOMEM;
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    int rc = weir_write(x, text, (size_t)n);
    free(text);
    return rc;
}
