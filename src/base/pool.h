/* SPDX-License-Identifier: MIT
 *
 * base/pool.h: recycled memory in four sizes, for one thread.
 *
 * A loop thread owns one pool; everything that lives as long as a request or as a burst of output
 * comes from it, so that the steady state needs no malloc. What is given back is kept up to
 * POOL_KEEP bytes a size, the rest is freed. Under AddressSanitizer nothing is kept: a use after
 * give-back is then a use after free. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define POOL_KEEPS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_KEEPS 0
#endif
#endif
#ifndef POOL_KEEPS
#define POOL_KEEPS 1
#endif

enum {
    POOL_512 = 512,
    POOL_4K = 4096,
    POOL_16K = 16384,
    POOL_64K = 65536,
    POOL_SIZES = 4,
    POOL_KEEP = 2 << 20,
};

struct pool_item;

struct pool {
    struct pool_item *kept[POOL_SIZES];
    unsigned count[POOL_SIZES];
};

void pool_init(struct pool *pool);

/* Frees what is kept. Everything that was got must have been put back. */
void pool_done(struct pool *pool);

/* At least size bytes, aligned for any type, not cleared. *ret_size is what was really given, to be
 * handed to pool_put. NULL when memory is out. Sizes over 64 KiB come straight from malloc. */
void *pool_get(struct pool *pool, size_t size, size_t *ret_size);

/* Gives memory back. size as pool_get returned it; memory may be NULL. */
void pool_put(struct pool *pool, void *memory, size_t size);

#endif
