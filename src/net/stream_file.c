/* SPDX-License-Identifier: MIT
 *
 * net/stream_file.c: files to a socket, from the page cache and by way of nobody. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/sendfile.h>
#include <time.h>
#include <weir/error.h>

#include "net/stream_internal.h"

bool stream_can_sendfile(const struct stream *s)
{
    return !s->tls;
}

/* sendfile(2) knows no MSG_NOSIGNAL, and what becomes of SIGPIPE is for the program to say. The
 * signal may also come with a call that has sent something. */
static ssize_t sendfile_quietly(int out, int in, off_t offset, size_t length)
{
    sigset_t pipe, before;

    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t n = sendfile(out, in, &offset, length);
    int error = errno;
    if (!sigismember(&before, SIGPIPE))
        while (sigtimedwait(&pipe, NULL, &(struct timespec){0}) < 0 && errno == EINTR)
            ;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

/* What a sendfile that sent nothing means. */
static int sendfile_failed(struct stream *s, int error)
{
    switch (error) {
    case EAGAIN:
        stream_block_writing(s, false);
        return 0;
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
        return WEIR_ERROR_INVALID;
    case EPIPE:
    case ECONNRESET:
    case ETIMEDOUT:
        stream_fail_writing(s, WEIR_ERROR_CLOSED);
        return 0;
    default:
        return WEIR_ERROR_SYSTEM;
    }
}

int64_t stream_sendfile(struct stream *s, int fd, uint64_t offset, uint64_t length)
{
    int64_t rc = 0;
    ssize_t n;

    if (!stream_can_sendfile(s))
        return WEIR_ERROR_INVALID;
    if (!s->closing && !s->write_failed && !s->write_blocked)
        stream_write_out(s, MSG_MORE);
    if (s->closing || s->write_failed || s->connecting || s->out.bytes > 0 || s->write_blocked) {
        s->file_waits = true;
        return 0;
    }
    if (offset > INT64_MAX)
        return WEIR_ERROR_SHORT_BODY;
    do
        n = sendfile_quietly(s->fd, fd, (off_t)offset, length < SSIZE_MAX ? length : SSIZE_MAX);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        rc = sendfile_failed(s, errno);
    else if (n == 0)
        rc = WEIR_ERROR_SHORT_BODY;
    else if ((uint64_t)n < length) /* there would be no room for more */
        stream_block_writing(s, true);
    stream_update_events(s);
    s->file_waits = n < 0 && rc == 0;
    return n > 0 ? n : rc;
}
