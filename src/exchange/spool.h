/* SPDX-License-Identifier: MIT
 *
 * exchange/spool.h: bytes that are kept to be read again, in memory up to a limit, beyond that in a
 * temporary file that has no name: a request body whose length is not known, an uploaded file. */
#ifndef EXCHANGE_SPOOL_H
#define EXCHANGE_SPOOL_H

#include <stdint.h>

#include "base/buf.h"

enum { SPOOL_MEMORY = 64 * 1024 }; /* a usual limit */

struct spool {
    struct buf memory; /* all of it, while fd is -1 */
    int fd;
    uint64_t len;
};

/* Allocates nothing yet. memory: the most that is kept in memory. */
void spool_init(struct spool *spool, struct pool *pool, size_t memory);
void spool_done(struct spool *spool);

/* Appends. 0, NOMEM, or SYSTEM (errno tells: no space, no temporary folder). */
int spool_write(struct spool *spool, weir_str data);

/* Moves what is in memory to a file, so that fd is one. 0 or SYSTEM. */
int spool_to_file(struct spool *spool);

/* Reads up to room bytes at offset; returns how many, 0 at the end, or SYSTEM. */
int64_t spool_read(const struct spool *spool, uint64_t offset, char *out, size_t room);

#endif
