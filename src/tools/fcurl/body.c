/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/body.c: see body.h. A body is a row of pieces, each bytes or a file. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/fcurl/body_internal.h"

static struct body_piece *add_piece(struct body *body)
{
    body->pieces = must_resize(body->pieces, (body->count + 1) * sizeof *body->pieces);
    struct body_piece *piece = &body->pieces[body->count++];
    *piece = (struct body_piece){.fd = -1};
    return piece;
}

void body_add_bytes(struct body *body, char *bytes, size_t len, bool owned)
{
    struct body_piece *piece = add_piece(body);

    piece->bytes = bytes;
    piece->owned = owned;
    piece->length = (int64_t)len;
}

bool body_add_file(struct body *body, const char *path, uint64_t offset)
{
    bool is_stdin = strcmp(path, "-") == 0 || strcmp(path, ".") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
        int error = S_ISDIR(st.st_mode) ? EISDIR : errno;
        if (!is_stdin)
            close(fd);
        errno = error;
        return false;
    }
    struct body_piece *piece = add_piece(body);
    piece->fd = fd;
    piece->may_wait = !S_ISREG(st.st_mode);
    piece->length = -1;
    if (S_ISREG(st.st_mode)) {
        off_t from = is_stdin ? lseek(fd, 0, SEEK_CUR) : (off_t)offset;
        piece->start = from > 0 ? from : 0;
        piece->length = st.st_size > piece->start ? st.st_size - piece->start : 0;
    }
    return true;
}

struct body *body_of_bytes(const char *bytes, size_t len)
{
    struct body *body = must_alloc(sizeof *body);

    body_add_bytes(body, (char *)(uintptr_t)bytes, len, false);
    return body;
}

struct body *body_of_file(const char *path, uint64_t offset)
{
    struct body *body = must_alloc(sizeof *body);

    if (body_add_file(body, path, offset))
        return body;
    int error = errno;
    body_free(body);
    errno = error;
    return NULL;
}

void body_free(struct body *body)
{
    if (!body)
        return;
    for (size_t i = 0; i < body->count; i++) {
        if (body->pieces[i].owned)
            free(body->pieces[i].bytes);
        if (body->pieces[i].fd > STDIN_FILENO)
            close(body->pieces[i].fd);
    }
    free(body->pieces);
    free(body->content_type);
    free(body);
}

int64_t body_length(const struct body *body)
{
    int64_t total = 0;

    for (size_t i = 0; i < body->count; i++) {
        if (body->pieces[i].length < 0)
            return -1;
        total += body->pieces[i].length;
    }
    return total;
}

const char *body_content_type(const struct body *body)
{
    return body->content_type;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool is_ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) > 0;
}

static ssize_t read_piece(struct body_piece *piece, char *out, size_t room)
{
    int64_t left = piece->length < 0 ? INT64_MAX : piece->length - piece->done;
    size_t want = (int64_t)room < left ? room : (size_t)left;
    ssize_t n;

    if (want == 0)
        return 0;
    if (piece->fd < 0) {
        memcpy(out, piece->bytes + piece->done, want);
        return (ssize_t)want;
    }
    if (piece->may_wait && !is_ready(piece->fd))
        return BODY_WAIT;
    do
        n = piece->may_wait ? read(piece->fd, out, want)
                            : pread(piece->fd, out, want, piece->start + piece->done);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return BODY_WAIT;
    if (n == 0 && piece->length >= 0) { /* the file has become shorter */
        errno = ENODATA;
        return -1;
    }
    return n;
}

ssize_t body_read(struct body *body, char *out, size_t room)
{
    while (body->now < body->count) {
        struct body_piece *piece = &body->pieces[body->now];
        ssize_t n = read_piece(piece, out, room);
        if (n != 0) {
            piece->done += n > 0 ? n : 0;
            return n;
        }
        body->now++;
    }
    return 0;
}

int body_fd(const struct body *body)
{
    return body->now < body->count ? body->pieces[body->now].fd : -1;
}

bool body_rewind(struct body *body)
{
    for (size_t i = 0; i < body->count; i++) {
        if (body->pieces[i].may_wait && body->pieces[i].done > 0)
            return false;
        body->pieces[i].done = 0;
    }
    body->now = 0;
    return true;
}
