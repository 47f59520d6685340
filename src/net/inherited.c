/* SPDX-License-Identifier: MIT
 *
 * net/inherited.c: see inherited.h. */
#include "net/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <weir/error.h>

#include "base/str.h"

enum { FIRST_FD = 3 };

/* ---- systemd --------------------------------------------------------------------------------- */

/* How many sockets were passed to this process. */
static unsigned passed_count(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    uint64_t number;

    if (!pid || !count || !str_to_u64(str_of(pid), INT32_MAX, &number) ||
        (pid_t)number != getpid() || !str_to_u64(str_of(count), 65535, &number))
        return 0;
    return (unsigned)number;
}

/* Name number index of LISTEN_FDNAMES; empty when it has none. */
static weir_str passed_name(const char *names, unsigned index)
{
    while (names && index-- > 0) {
        names = strchr(names, ':');
        if (names)
            names++;
    }
    return names ? str(names, strcspn(names, ":")) : str(NULL, 0);
}

static int fail_no_such(const char *url, unsigned count, const char *names, char *error)
{
    if (count == 0)
        snprintf(error, ENDPOINT_ERROR,
                 "%s: no sockets were passed to this process (LISTEN_FDS, LISTEN_PID); it must be "
                 "started by a systemd .socket unit",
                 url);
    else
        snprintf(error, ENDPOINT_ERROR,
                 "%s: none of the %u passed sockets has that name; LISTEN_FDNAMES is \"%s\"", url,
                 count, names ? names : "");
    return WEIR_ERROR_ADDRESS;
}

int inherited_find(const char *url, weir_str name, int *fds, size_t max, size_t *ret_count,
                   char error[static ENDPOINT_ERROR])
{
    const char *names = getenv("LISTEN_FDNAMES");
    unsigned count = passed_count();
    size_t found = 0;
    uint64_t index;

    for (unsigned i = 0; i < count && found < max; i++)
        if (name.len == 0 || str_eq(passed_name(names, i), name))
            fds[found++] = FIRST_FD + (int)i;
    if (found == 0 && count > 0 && str_to_u64(name, count - 1, &index))
        fds[found++] = FIRST_FD + (int)index;
    if (found == 0)
        return fail_no_such(url, count, names, error);
    *ret_count = found;
    return 0;
}

/* ---- A descriptor ---------------------------------------------------------------------------- */

static int socket_option(int fd, int option)
{
    int value;
    socklen_t len = sizeof value;

    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

bool inherited_is_listening(int fd)
{
    return socket_option(fd, SO_TYPE) == SOCK_STREAM && socket_option(fd, SO_ACCEPTCONN) == 1;
}

static const char *fault(int fd)
{
    if (fcntl(fd, F_GETFD) < 0)
        return "is not open";
    if (socket_option(fd, SO_TYPE) < 0)
        return "is not a socket";
    if (socket_option(fd, SO_TYPE) != SOCK_STREAM)
        return "is not a stream socket";
    return inherited_is_listening(fd) ? NULL : "is not a listening socket";
}

static int own_descriptor(struct endpoint *ep)
{
    int own = fcntl(ep->fd, F_DUPFD_CLOEXEC, FIRST_FD);

    ep->address_len = sizeof ep->address;
    if (own < 0 || (fcntl(own, F_SETFL, fcntl(own, F_GETFL) | O_NONBLOCK) == 0 &&
                    getsockname(own, &ep->address.any, &ep->address_len) == 0))
        return own;
    close(own);
    return -1;
}

int inherited_open(struct endpoint *ep, char error[static ENDPOINT_ERROR])
{
    const char *wrong = fault(ep->fd);

    if (wrong) {
        snprintf(error, ENDPOINT_ERROR,
                 "cannot listen on descriptor %d: it %s; a listening stream socket is expected",
                 ep->fd, wrong);
        return WEIR_ERROR_ADDRESS;
    }
    int own = own_descriptor(ep);
    if (own < 0) {
        snprintf(error, ENDPOINT_ERROR, "cannot listen on descriptor %d: %s", ep->fd,
                 strerror(errno));
        return WEIR_ERROR_SYSTEM;
    }
    if (ep->fd >= FIRST_FD)
        (void)fcntl(ep->fd, F_SETFD, FD_CLOEXEC);
    ep->is_unix = ep->address.any.sa_family == AF_UNIX;
    return own;
}

bool inherited_fill_standard(void)
{
    static atomic_bool no_stderr;

    for (int fd = 0; fd < FIRST_FD; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        if (fd == STDERR_FILENO)
            atomic_store(&no_stderr, true);
        /* The lowest free number is taken. Without /dev, as under chroot, anything that refuses to
         * be written to will do. */
        int opened = open("/dev/null", O_RDWR);
        if (opened < 0)
            opened = epoll_create1(0);
        if (opened > fd) /* another thread was faster */
            close(opened);
    }
    return atomic_load(&no_stderr);
}
