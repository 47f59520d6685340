/* SPDX-License-Identifier: MIT
 *
 * exchange/file.c: see file.h.
 *
 * Where the carrier can, the bytes go from the page cache to the socket; otherwise they are read
 * into the loop's scratch buffer, lent to the stream, and written before anybody else uses the
 * buffer. Either way a turn of the loop sends a bounded part of one response, and no part is read
 * before the one ahead of it has nearly left. */
#include "exchange/file.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/file.h>

#include "exchange/blocking.h"
#include "exchange/timer.h"
#include "net/stream.h"

enum {
    DIRECT_MIN = 64 * 1024, /* less is read: it then leaves in one write with the head */
    DIRECT_TURN = 1 << 20,
};

/* A piece of a body: text, or (fd >= 0) part of a file. */
struct file_part {
    struct file_part *next;
    weir_str text;
    uint64_t offset, length;
    int fd;
    bool close_fd;
    bool is_read; /* not sent directly */
};

struct file_pump {
    weir_exchange *x;
    struct file_part *first, **last;
    struct loop_task task;
};

/* ---- Parts ----------------------------------------------------------------------------------- */

static void drop_first(struct file_pump *pump)
{
    struct file_part *part = pump->first;

    pump->first = part->next;
    if (!pump->first)
        pump->last = &pump->first;
    if (part->close_fd)
        (void)close(part->fd);
}

static void on_task(struct loop_task *task)
{
    file_go_on(container_of(task, struct file_pump, task)->x);
}

static struct file_pump *start(weir_exchange *x)
{
    struct file_pump *pump = arena_zalloc(x->arena, sizeof *pump);

    if (!pump)
        return NULL;
    pump->x = x;
    pump->last = &pump->first;
    loop_task_init(&pump->task, on_task);
    loop_defer(x->loop, &pump->task);
    x->files = pump;
    exchange_hold(x);
    return pump;
}

void file_drop(weir_exchange *x)
{
    struct file_pump *pump = x->files;

    if (!pump)
        return;
    loop_task_cancel(&pump->task);
    while (pump->first)
        drop_first(pump);
    x->files = NULL;
    exchange_unhold(x);
}

/* Counts the part as bytes written; whether it is to be sent is another question. */
static int count(weir_exchange *x, uint64_t length)
{
    if (x->finished)
        return WEIR_ERROR_STATE;
    if (x->cancelled)
        return WEIR_ERROR_CANCELLED;
    if (exchange_sends_body(x) && x->declared >= 0 && length > (uint64_t)x->declared - x->written)
        return WEIR_ERROR_CONTENT_LENGTH;
    x->written += length;
    return 0;
}

static int queue(weir_exchange *x, struct file_part part)
{
    int rc = count(x, part.length);

    if (rc == 0 && part.length > 0 && exchange_sends_body(x)) {
        struct file_part *copy = arena_alloc(x->arena, sizeof *copy);
        if (copy && (x->files || start(x))) {
            *copy = part;
            *x->files->last = copy;
            x->files->last = &copy->next;
            return 0;
        }
        rc = WEIR_ERROR_NOMEM;
    }
    if (part.close_fd)
        (void)close(part.fd);
    return rc;
}

int file_send_text(weir_exchange *x, weir_str text)
{
    if (x->blocking)
        return blocking_write(x, text);
    return queue(x, (struct file_part){.text = text, .length = text.len, .fd = -1});
}

int file_send_part(weir_exchange *x, int fd, bool close_fd, uint64_t offset, uint64_t length)
{
    if (x->blocking) {
        int rc = blocking_send_file(x, fd, offset, length);
        if (close_fd)
            (void)close(fd);
        return rc;
    }
    return queue(
        x, (struct file_part){.fd = fd, .close_fd = close_fd, .offset = offset, .length = length});
}

int weir_sendfile(weir_exchange *x, int fd, uint64_t offset, uint64_t length)
{
    struct stat st;
    int rc = 0;

    if (fd < 0)
        return WEIR_ERROR_INVALID;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        rc = WEIR_ERROR_INVALID;
    else if (offset > (uint64_t)st.st_size || length > (uint64_t)st.st_size - offset)
        rc = WEIR_ERROR_SHORT_BODY;
    if (rc == 0)
        return file_send_part(x, fd, true, offset, length);
    (void)close(fd);
    return rc;
}

/* ---- Sending, on the loop -------------------------------------------------------------------- */

/* Whether n more bytes of the part are the last of the response. */
static bool is_end(const weir_exchange *x, const struct file_part *part, int64_t n)
{
    return x->finished && !part->next && part->length == (uint64_t)n;
}

/* Reads some of the part and sends it. Bytes sent, or an error. */
static int64_t send_read(weir_exchange *x, const struct file_part *part)
{
    weir_str piece = {x->loop->scratch,
                      part->length < LOOP_SCRATCH ? (size_t)part->length : LOOP_SCRATCH};
    ssize_t n;

    stream_flush_borrowed(x->loop); /* of what the buffer held before */
    do
        n = pread(part->fd, x->loop->scratch, piece.len, (off_t)part->offset);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? WEIR_ERROR_SYSTEM : WEIR_ERROR_SHORT_BODY;
    piece.len = (size_t)n;
    int rc = x->carrier->send(x, &piece, 1, SEND_BORROW | (is_end(x, part, n) ? SEND_END : 0));
    return rc < 0 ? rc : n;
}

/* Sends some of the part: bytes, 0 when none can be sent now, or an error. */
static int64_t send_some(weir_exchange *x, struct file_part *part)
{
    if (x->carrier->pending(x) > STREAM_LOW_WATER)
        return 0;
    if (part->fd < 0) {
        int rc = x->carrier->send(x, &part->text, 1, 0);
        return rc < 0 ? rc : (int64_t)part->length;
    }
    if (!part->is_read && x->carrier->send_file && part->length >= DIRECT_MIN) {
        int64_t n = x->carrier->send_file(x, part->fd, part->offset,
                                          part->length < DIRECT_TURN ? part->length : DIRECT_TURN);
        if (n != WEIR_ERROR_INVALID)
            return n;
    }
    part->is_read = true;
    return send_read(x, part);
}

/* The file is not what it was, or the carrier can go on no longer. */
static void give_up(weir_exchange *x, int error)
{
    bool finished = x->finished;
    bool is_ours = error == WEIR_ERROR_SYSTEM || error == WEIR_ERROR_SHORT_BODY;

    exchange_hold(x);
    file_drop(x);
    if (is_ours && finished) {
        x->finished = false; /* it has not been said how it ended */
        exchange_fail(x);
    } else if (!finished) {
        if (is_ours && !x->head_sent)
            (void)x->carrier->send(x, NULL, 0, 0);
        if (is_ours) {
            if (x->app_status == 0)
                x->app_status = 1;
            x->broken = true;
            x->carrier->fail(x);
        }
        exchange_cancel(x);
    }
    exchange_unhold(x);
}

/* All parts are sent. */
static void complete(weir_exchange *x, bool ended)
{
    x->files = NULL;
    if (x->finished && !ended)
        (void)x->carrier->send(x, NULL, 0, SEND_END);
    else if (!x->finished && x->on_drain)
        x->carrier->want_drain(x);
    exchange_unhold(x);
}

void file_go_on(weir_exchange *x)
{
    struct file_pump *pump = x->files;
    struct loop *loop = x->loop;
    int64_t n = 0;
    bool ended = false;

    loop_task_cancel(&pump->task);
    while (pump->first) {
        struct file_part *part = pump->first;
        n = send_some(x, part);
        if (n <= 0)
            break;
        ended = part->is_read && is_end(x, part, n);
        part->offset += (uint64_t)n;
        part->length -= (uint64_t)n;
        if (part->length > 0)
            break;
        drop_first(pump);
    }
    if (n < 0)
        give_up(x, (int)n);
    else if (!pump->first)
        complete(x, ended);
    else if (n == 0)
        x->carrier->want_drain(x);
    else
        loop_yield(loop, &pump->task);
    stream_flush_borrowed(loop); /* with END_REQUEST, if that was the end */
}

int file_finish(weir_exchange *x)
{
    if (!x->head_sent && x->declared < 0)
        x->declared = (int64_t)x->written;
    if (exchange_falls_short(x)) {
        exchange_fail(x);
        return WEIR_ERROR_CONTENT_LENGTH;
    }
    x->finished = true;
    exchange_timer_stop(x);
    return 0;
}
