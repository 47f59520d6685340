/* SPDX-License-Identifier: MIT
 *
 * net/listener.c: see listener.h. */
#include "net/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <weir/error.h>

enum {
    BACKLOG = 4096,
    ACCEPTS_A_TURN = 64,
    RETRY_MS = 100, /* when no descriptor is free: the kernel keeps the connection queued */
};

/* Whether the path is a socket that nobody answers on: left behind by a process that died. */
static bool is_stale_socket(const struct endpoint *ep)
{
    struct stat st;
    int fd, rc;

    if (lstat(ep->address.un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    rc = connect(fd, &ep->address.any, ep->address_len);
    bool stale = rc != 0 && errno == ECONNREFUSED;
    close(fd);
    return stale;
}

static int bind_and_listen(int fd, struct endpoint *ep, bool reuse_port)
{
    int on = 1, off = 0;

    if (!ep->is_unix) {
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0)
            return -1;
        if (ep->address.any.sa_family == AF_INET6)
            (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    } else if (ep->address.un.sun_path[0] != '\0' && is_stale_socket(ep)) {
        (void)unlink(ep->address.un.sun_path);
    }
    if (bind(fd, &ep->address.any, ep->address_len) != 0 || listen(fd, BACKLOG) != 0)
        return -1;
    if (!ep->is_unix) {
        ep->address_len = sizeof ep->address;
        return getsockname(fd, &ep->address.any, &ep->address_len);
    }
    return 0;
}

int listener_open(struct endpoint *ep, bool reuse_port, char error[static ENDPOINT_ERROR])
{
    char text[ENDPOINT_TEXT];
    int listening = 0;
    socklen_t len = sizeof listening;

    endpoint_format(ep, text);
    if (ep->is_fd) {
        if (getsockopt(ep->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening)
            return ep->fd;
        snprintf(error, ENDPOINT_ERROR, "%s: the descriptor is not a listening socket", text);
        return WEIR_ERROR_ADDRESS;
    }

    int fd = socket(ep->address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind_and_listen(fd, ep, reuse_port) != 0) {
        snprintf(error, ENDPOINT_ERROR, "cannot listen on %s: %s", text, strerror(errno));
        if (fd >= 0)
            close(fd);
        return WEIR_ERROR_SYSTEM;
    }
    return fd;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *l = container_of(poll, struct listener, poll);

    (void)events;
    if (status < 0)
        return;
    for (int i = 0; i < ACCEPTS_A_TURN && !l->closed; i++) {
        int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            l->accepted(l, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            (void)uv_poll_stop(&l->poll);
            deadline_set(&l->loop->deadlines, &l->again, RETRY_MS);
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

static void on_again(struct deadline *deadline)
{
    struct listener *l = container_of(deadline, struct listener, again);
    (void)uv_poll_start(&l->poll, UV_READABLE, on_readable);
}

int listener_start(struct listener *l, struct loop *loop, int fd,
                   void (*accepted)(struct listener *listener, int fd),
                   void (*on_closed)(struct listener *listener))
{
    *l = (struct listener){.loop = loop, .fd = fd, .accepted = accepted, .on_closed = on_closed};
    deadline_init(&l->again, on_again);
    if (uv_poll_init(loop->uv, &l->poll, fd) != 0)
        return WEIR_ERROR_SYSTEM;
    l->listening = true;
    return uv_poll_start(&l->poll, UV_READABLE, on_readable) == 0 ? 0 : WEIR_ERROR_SYSTEM;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct listener *l = container_of((uv_poll_t *)handle, struct listener, poll);
    l->on_closed(l);
}

void listener_close(struct listener *l)
{
    if (l->closed)
        return;
    l->closed = true;
    deadline_clear(&l->again);
    uv_close((uv_handle_t *)&l->poll, on_handle_closed);
}
