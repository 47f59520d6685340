/* SPDX-License-Identifier: MIT
 *
 * proxy/spool.h: a request body kept until its length is known: in memory up to 64 KiB, beyond that
 * in a temporary file that has no name. */
#ifndef PROXY_SPOOL_H
#define PROXY_SPOOL_H

#include <stdint.h>

#include "base/buf.h"

enum { SPOOL_MEMORY = 64 * 1024 };

struct spool {
    struct buf memory; /* all of it, while fd is -1 */
    int fd;
    uint64_t len;
};

void spool_init(struct spool *spool, struct pool *pool);
void spool_done(struct spool *spool);

/* Appends. 0, NOMEM, or SYSTEM (errno tells: no space, no temporary folder). */
int spool_write(struct spool *spool, weir_str data);

/* Reads up to room bytes at offset; returns how many, 0 at the end, or SYSTEM. */
int64_t spool_read(const struct spool *spool, uint64_t offset, char *out, size_t room);

#endif
