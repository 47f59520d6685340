/* SPDX-License-Identifier: MIT
 *
 * net/stream.c: see stream.h.
 *
 * libuv tells when a socket is ready, reading and writing is done here: reads into the loop's
 * scratch buffer, writes straight from the output queue. Of all the ways to use libuv this is the
 * one with the fewest system calls and no copy. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>
#include <weir/error.h>

#include "net/stream_internal.h"

enum { IOVECS = 64 };

static void on_poll(uv_poll_t *poll, int status, int events);
static void on_stall(struct deadline *deadline);

/* ---- Life ------------------------------------------------------------------------------------ */

static void set_up(struct stream *s, struct loop *loop, int fd, const struct stream_ops *ops)
{
    memset(s, 0, sizeof *s);
    s->loop = loop;
    s->ops = ops;
    s->fd = fd;
    outq_init(&s->out, &loop->pool);
    buf_init(&s->in, &loop->pool, LOOP_SCRATCH);
    list_init(&s->dirty_node);
    list_init(&s->borrowed_node);
    deadline_init(&s->stall, on_stall);
}

static void set_socket_options(struct stream *s, int family)
{
    int on = 1;

    s->is_unix = family == AF_UNIX;
    if (!s->is_unix)
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int stream_init(struct stream *s, struct loop *loop, int fd, const struct stream_ops *ops)
{
    int family = AF_UNSPEC;
    socklen_t len = sizeof family;

    set_up(s, loop, fd, ops);
    if (uv_poll_init(loop->uv, &s->poll, fd) != 0)
        return WEIR_ERROR_SYSTEM;
    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len);
    set_socket_options(s, family);
    return 0;
}

int stream_connect(struct stream *s, struct loop *loop, const struct sockaddr *address,
                   socklen_t address_len, const struct stream_ops *ops)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc;

    if (fd < 0)
        return WEIR_ERROR_SYSTEM;
    do
        rc = connect(fd, address, address_len);
    while (rc != 0 && errno == EINTR);
    if (rc != 0 && errno != EINPROGRESS) {
        int saved = errno;
        close(fd);
        errno = saved;
        return saved == EAGAIN ? WEIR_ERROR_AGAIN : WEIR_ERROR_CONNECT;
    }

    set_up(s, loop, fd, ops);
    if (uv_poll_init(loop->uv, &s->poll, fd) != 0) {
        close(fd);
        return WEIR_ERROR_SYSTEM;
    }
    set_socket_options(s, address->sa_family);
    if (rc == 0)
        return 1;
    s->connecting = true;
    stream_resume(s);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct stream *s = container_of((uv_poll_t *)handle, struct stream, poll);

    outq_done(&s->out); /* whoever did not know yet may have queued more */
    s->ops->closed(s);
}

void stream_close(struct stream *s)
{
    if (s->closing)
        return;
    s->closing = true;
    list_remove(&s->dirty_node);
    list_remove(&s->borrowed_node);
    deadline_clear(&s->stall);
    outq_done(&s->out);
    if (s->tls)
        outq_done(tls_session_sealed(s->tls));
    if (!s->giving)
        buf_done(&s->in);
    uv_close((uv_handle_t *)&s->poll, on_closed);
    close(s->fd);
    s->fd = -1;
}

void stream_done(struct stream *s)
{
    tls_session_free(s->tls);
    s->tls = NULL;
}

void stream_reset(struct stream *s)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (s->closing)
        return;
    (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    stream_close(s);
}

bool stream_peer_closed(const struct stream *s)
{
    struct pollfd p = {.fd = s->fd, .events = 0};

    return s->is_unix && poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

/* ---- What to wait for ------------------------------------------------------------------------ */

static bool can_read(const struct stream *s)
{
    bool wanted = s->reading && !s->paused;

    if (s->tls)
        wanted = (wanted || s->handshaking) && (!s->tls_over || s->lingering);
    return wanted && !s->ended;
}

static void update_events(struct stream *s)
{
    int want = 0;

    if (can_read(s) && !s->connecting)
        want |= UV_READABLE;
    if (s->connecting || s->write_blocked)
        want |= UV_WRITABLE;
    if (want == s->events || s->closing)
        return;
    s->events = (uint8_t)want;
    if (want)
        (void)uv_poll_start(&s->poll, want, on_poll);
    else
        (void)uv_poll_stop(&s->poll);
}

void stream_update_events(struct stream *s)
{
    update_events(s);
}

void stream_pause(struct stream *s)
{
    s->paused = true;
    update_events(s);
}

void stream_resume(struct stream *s)
{
    s->reading = true;
    s->paused = false;
    if (s->in.len > 0 || (s->tls && s->tls_verdict != 0))
        stream_dirty(s);
    update_events(s);
}

void stream_dirty(struct stream *s)
{
    if (!s->closing && list_empty(&s->dirty_node))
        list_insert(&s->loop->dirty, &s->dirty_node);
}

void stream_borrowed(struct stream *s)
{
    if (!s->closing && list_empty(&s->borrowed_node))
        list_insert(&s->loop->borrowed, &s->borrowed_node);
}

/* ---- Writing --------------------------------------------------------------------------------- */

void stream_fail_writing(struct stream *s, int error)
{
    s->write_failed = true;
    s->write_blocked = false;
    s->pending_error = error;
    outq_done(&s->out);
    if (s->tls)
        outq_done(tls_session_sealed(s->tls));
    deadline_clear(&s->stall);
    stream_dirty(s);
}

/* Over TLS: what goes to the socket, after encrypting what is to be; NULL when memory is out. */
static struct outq *seal(struct stream *s)
{
    if (tls_session_seal(s->tls, &s->out) != 0)
        return NULL;
    if (s->close_when_sent && s->out.bytes == 0)
        tls_session_end(s->tls);
    return tls_session_sealed(s->tls);
}

void stream_block_writing(struct stream *s, bool progress)
{
    if (progress || !s->write_blocked)
        deadline_set(&s->loop->deadlines, &s->stall, s->stall_ms);
    s->write_blocked = true;
}

void stream_write_out(struct stream *s, int flags)
{
    struct iovec iov[IOVECS];
    struct outq *out = s->tls ? seal(s) : &s->out;

    if (s->connecting)
        goto settle;
    while (out && out->bytes > 0) {
        int count = outq_iovec(out, iov, IOVECS);
        ssize_t n;
        do
            n = count == 1
                    ? send(s->fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | flags)
                    : sendmsg(s->fd, &(struct msghdr){.msg_iov = iov, .msg_iovlen = (size_t)count},
                              MSG_NOSIGNAL | flags);
        while (n < 0 && errno == EINTR);
        if (n < 0 && errno != EAGAIN) {
            stream_fail_writing(s, WEIR_ERROR_CLOSED);
            return;
        }
        if (n > 0)
            outq_consume(out, (size_t)n);
        if (out->bytes > 0 && (n < 0 || count < IOVECS)) {
            stream_block_writing(s, n > 0);
            goto settle;
        }
        if (s->tls)
            out = seal(s);
    }
    if (!out) {
        stream_fail_writing(s, WEIR_ERROR_NOMEM);
        return;
    }
    if (s->write_blocked) {
        s->write_blocked = false;
        deadline_clear(&s->stall);
    }
settle:
    if (outq_settle(&s->out) != 0)
        stream_fail_writing(s, WEIR_ERROR_NOMEM);
}

static void start_lingering(struct stream *s)
{
    s->linger = false;
    if (s->ended || shutdown(s->fd, SHUT_WR) != 0) {
        stream_close(s);
        return;
    }
    s->lingering = true;
    buf_done(&s->in);
    deadline_set(&s->loop->deadlines, &s->stall, STREAM_LINGER_MS);
    stream_resume(s);
}

/* Whether who waits for room may be told: a file needs the socket to take bytes now. */
static bool has_drained(const struct stream *s)
{
    return s->file_waits ? !s->write_blocked : stream_pending(s) <= STREAM_LOW_WATER;
}

/* Flushes, and does what was waiting for that. */
static void flush(struct stream *s)
{
    if (!s->write_failed && !s->write_blocked)
        stream_write_out(s, 0);
    update_events(s);
    if (s->close_when_sent) {
        if (s->write_failed || (stream_pending(s) == 0 && !s->linger && !s->lingering))
            stream_close(s);
        else if (stream_pending(s) == 0 && s->linger)
            start_lingering(s);
        return;
    }
    if (s->pending_error) {
        int error = s->pending_error;
        s->pending_error = 0;
        s->ops->error(s, error, true);
        return;
    }
    if (s->want_drain && has_drained(s)) {
        s->want_drain = s->file_waits = false;
        s->ops->drained(s);
    }
}

void stream_flush_now(struct stream *s)
{
    if (s->closing || s->write_failed) {
        outq_done(&s->out);
        return;
    }
    if (s->write_blocked) {
        if (outq_settle(&s->out) != 0)
            stream_fail_writing(s, WEIR_ERROR_NOMEM);
        return;
    }
    stream_write_out(s, 0);
    update_events(s);
    if (s->want_drain)
        stream_dirty(
            s); /* outside a data op nothing else would tell the owner that there is room */
}

bool stream_has_room(struct stream *s)
{
    if (stream_pending(s) > STREAM_HIGH_WATER)
        stream_flush_now(s);
    if (stream_pending(s) <= STREAM_HIGH_WATER && !s->write_failed)
        return true;
    stream_pause(s);
    stream_want_drain(s);
    return false;
}

void stream_flush_borrowed(struct loop *loop)
{
    while (!list_empty(&loop->borrowed)) {
        struct stream *s = container_of(loop->borrowed.next, struct stream, borrowed_node);
        list_remove(&s->borrowed_node);
        stream_flush_now(s);
        stream_dirty(s);
    }
}

void stream_finish(struct stream *s, bool linger)
{
    if (s->closing || s->close_when_sent)
        return;
    s->close_when_sent = true;
    s->linger = linger;
    s->want_drain = false;
    stream_pause(s);
    stream_dirty(s);
}

/* No progress in time: whoever does not read our output in time has lost it. */
static void on_stall(struct deadline *deadline)
{
    struct stream *s = container_of(deadline, struct stream, stall);

    if (s->close_when_sent) {
        stream_close(s);
        return;
    }
    stream_fail_writing(s, WEIR_ERROR_TIMEOUT);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static size_t give(struct stream *s, const char *bytes, size_t len)
{
    size_t used = s->ops->data(s, bytes, len);

    stream_flush_borrowed(s->loop);
    return used;
}

/* Gives what was kept while paused. The bytes may have been borrowed by other streams, which are
 * flushed last: until then they stay, even if the owner closes this stream meanwhile. */
static void give_kept(struct stream *s)
{
    s->giving = true;
    size_t used = give(s, s->in.ptr, s->in.len);
    s->giving = false;

    if (s->closing) {
        buf_done(&s->in);
        return;
    }
    buf_consume(&s->in, used);
    buf_trim(&s->in);
    update_events(s);
    if (s->tls_verdict != 0)
        tls_stream_tell(s);
}

static void read_failed(struct stream *s, int error)
{
    if (s->handshaking && error == WEIR_ERROR_CLOSED)
        error = WEIR_ERROR_HANDSHAKE;
    s->ended = true;
    update_events(s);
    if (s->lingering || s->close_when_sent)
        stream_close(s);
    else
        s->ops->error(s, error, false);
}

static void read_ended(struct stream *s)
{
    s->ended = true;
    update_events(s);
    if (s->lingering)
        stream_close(s);
    else
        s->ops->end(s);
}

void stream_keep(struct stream *s, const char *bytes, size_t len)
{
    if (buf_append(&s->in, bytes, len) != 0) {
        read_failed(s, WEIR_ERROR_NOMEM);
        return;
    }
    if (!s->paused)
        stream_dirty(s);
}

void stream_deliver(struct stream *s, const char *bytes, size_t len)
{
    size_t used = give(s, bytes, len);

    if (used < len && !s->closing && !s->close_when_sent)
        stream_keep(s, bytes + used, len - used);
}

static void read_in(struct stream *s)
{
    size_t gap = s->tls ? TLS_GAP : 0;
    ssize_t n;

    do
        n = recv(s->fd, s->loop->scratch + gap, LOOP_SCRATCH - gap, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0) {
        if (errno != EAGAIN)
            read_failed(s, WEIR_ERROR_CLOSED);
        return;
    }
    if (n == 0) {
        if (s->tls && !s->lingering)
            tls_stream_cut(s);
        else
            read_ended(s);
        return;
    }
    if (s->lingering) {
        s->lingered += (uint32_t)n;
        if (s->lingered > STREAM_LINGER_BYTES)
            stream_close(s);
        return;
    }
    if (s->tls)
        tls_stream_received(s, (size_t)n);
    else
        stream_deliver(s, s->loop->scratch, (size_t)n);
}

/* ---- The loop -------------------------------------------------------------------------------- */

static void connect_finished(struct stream *s)
{
    int error = 0;
    socklen_t len = sizeof error;

    (void)getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error == EINPROGRESS || error == EALREADY)
        return;
    s->connecting = false;
    if (error != 0) {
        errno = error;
        read_failed(s, WEIR_ERROR_CONNECT);
        return;
    }
    if (s->tls)
        tls_stream_connected(s);
    else
        s->ops->connected(s);
    if (!s->closing)
        update_events(s);
    stream_dirty(s);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct stream *s = container_of(poll, struct stream, poll);

    if (status < 0) {
        /* EPOLLERR: libuv has stopped polling. What has arrived can still be read (a UNIX peer that
         * closed without reading all we sent), and reading or writing tells what happened. */
        s->events = 0;
        events = UV_READABLE | UV_WRITABLE;
    }
    if (s->connecting) {
        connect_finished(s);
        return;
    }
    if (events & UV_WRITABLE && s->write_blocked) {
        stream_write_out(s, 0);
        stream_dirty(s);
    }
    if (events & UV_READABLE && can_read(s))
        read_in(s);
    else if (status < 0 && !s->is_unix && !s->closing)
        read_failed(s, WEIR_ERROR_CLOSED);
    if (!s->closing)
        update_events(s);
}

void stream_flush_dirty(struct loop *loop)
{
    /* An op may make other streams dirty, even this one: until nothing is left. That ends, because
     * nothing is read meanwhile: what is moved here had been kept, which is bounded. */
    struct list now;

    list_take(&now, &loop->dirty);
    while (!list_empty(&now)) {
        struct stream *s = container_of(now.next, struct stream, dirty_node);
        list_remove(&s->dirty_node);
        if (s->in.len > 0 && s->reading && !s->paused && !s->close_when_sent)
            give_kept(s);
        else if (s->tls_verdict != 0)
            tls_stream_tell(s);
        if (!s->closing)
            flush(s);
        if (list_empty(&now))
            list_take(&now, &loop->dirty);
    }
}
