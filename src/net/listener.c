/* SPDX-License-Identifier: MIT
 *
 * net/listener.c: see listener.h. */
#include "net/listener.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <weir/error.h>

enum { ACCEPTS_A_TURN = 64 };

static void on_readable(uv_poll_t *poll, int status, int events);

static void wait_a_little(struct listener *l)
{
    l->waiting = true;
    (void)uv_poll_stop(&l->poll);
    deadline_set(&l->loop->deadlines, &l->again, LISTENER_RETRY_MS);
}

/* accept has failed; whether to try again at once. */
static bool goes_on_after(struct listener *l, int error)
{
    switch (error) {
    case EAGAIN:
        return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        wait_a_little(l);
        errno = error;
        l->ops->trouble(l, LISTENER_SHORT);
        return false;
    case EINVAL: /* whoever shares the socket has shut it down: it would be readable for ever */
    case EBADF:
    case ENOTSOCK:
        (void)uv_poll_stop(&l->poll);
        deadline_clear(&l->again);
        errno = error;
        l->ops->trouble(l, LISTENER_BROKEN);
        return false;
    default: /* of that one connection (accept(2)) */
        return true;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = container_of(poll, struct listener, poll);

    (void)events;
    if (status < 0) /* libuv has stopped polling; accept tells why */
        wait_a_little(l);
    for (int i = 0; i < ACCEPTS_A_TURN && !l->closed; i++) {
        enum listener_answer answer = l->ops->may_accept(l);
        if (answer == LISTENER_REST)
            wait_a_little(l);
        if (answer != LISTENER_ACCEPT)
            return;
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->ops->accepted(l, fd);
            continue;
        }
        int error = errno;
        l->ops->declined(l);
        if (!goes_on_after(l, error))
            return;
    }
}

bool listener_has_waiting(const struct listener *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

void listener_resume(struct listener *l)
{
    if (!l->waiting || l->closed)
        return;
    l->waiting = false;
    deadline_clear(&l->again);
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

static void on_again(struct deadline *deadline)
{
    struct listener *l = container_of(deadline, struct listener, again);

    listener_resume(l);
    l->ops->resumed(l);
}

int listener_start(struct listener *l, struct loop *loop, int fd, const struct listener_ops *ops)
{
    *l = (struct listener){.loop = loop, .fd = fd, .ops = ops};
    deadline_init(&l->again, on_again);
    if (uv_poll_init(loop->uv, &l->poll, fd) != 0)
        return WEIR_ERROR_SYSTEM;
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
    return 0;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct listener *l = container_of((uv_poll_t *)handle, struct listener, poll);
    l->ops->closed(l);
}

void listener_close(struct listener *l)
{
    if (l->closed)
        return;
    l->closed = true;
    deadline_clear(&l->again);
    uv_close((uv_handle_t *)&l->poll, on_handle_closed);
}
