/* SPDX-License-Identifier: MIT
 *
 * exchange/spool.c: see spool.h. */
#include "exchange/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <weir/error.h>

void spool_init(struct spool *spool, struct pool *pool, size_t memory)
{
    buf_init(&spool->memory, pool, memory);
    spool->fd = -1;
    spool->len = 0;
}

void spool_done(struct spool *spool)
{
    buf_done(&spool->memory);
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, bytes, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return WEIR_ERROR_SYSTEM;
        bytes += wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

static int open_file(void)
{
    const char *folder = getenv("TMPDIR");
    char name[4096];

    if (!folder || !*folder)
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
        return fd;
    /* A file system without O_TMPFILE. */
    if (snprintf(name, sizeof name, "%s/weir-body-XXXXXX", folder) >= (int)sizeof name)
        return -1;
    fd = mkostemp(name, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(name);
    return fd;
}

int spool_to_file(struct spool *spool)
{
    if (spool->fd >= 0)
        return 0;
    spool->fd = open_file();
    if (spool->fd < 0)
        return WEIR_ERROR_SYSTEM;
    int rc = write_all(spool->fd, spool->memory.ptr, spool->memory.len);
    buf_done(&spool->memory);
    return rc;
}

int spool_write(struct spool *spool, weir_str data)
{
    int rc;

    if (spool->fd < 0 && buf_fits(&spool->memory, data.len)) {
        rc = buf_append(&spool->memory, data.ptr, data.len);
    } else {
        rc = spool_to_file(spool);
        if (rc == 0)
            rc = write_all(spool->fd, data.ptr, data.len);
    }
    if (rc == 0)
        spool->len += data.len;
    return rc;
}

int64_t spool_read(const struct spool *spool, uint64_t offset, char *out, size_t room)
{
    ssize_t n;

    if (spool->fd < 0) {
        size_t left = spool->memory.len - (size_t)offset;
        size_t part = left < room ? left : room;
        if (part)
            memcpy(out, spool->memory.ptr + offset, part);
        return (int64_t)part;
    }
    do
        n = pread(spool->fd, out, room, (off_t)offset);
    while (n < 0 && errno == EINTR);
    return n < 0 ? WEIR_ERROR_SYSTEM : n;
}
