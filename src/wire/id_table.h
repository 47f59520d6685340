/* SPDX-License-Identifier: MIT
 *
 * wire/id_table.h: requests of one connection by id.
 *
 * A chained hash whose first bucket is inside: a connection with one request at a time, which is
 * nearly every one, allocates nothing. Ids come from the peer, so a bad spread costs at most a walk
 * over the concurrent requests, whose number is limited. */
#ifndef WIRE_ID_TABLE_H
#define WIRE_ID_TABLE_H

#include <stdint.h>

#include "base/pool.h"

struct id_entry {
    struct id_entry *next;
    uint16_t id;
};

struct id_table {
    struct pool *pool;
    struct id_entry **buckets;
    struct id_entry *first;
    uint32_t mask;
    uint32_t count;
    size_t size;
};

void id_table_init(struct id_table *table, struct pool *pool);

/* Frees the buckets; the entries are the caller's. */
void id_table_done(struct id_table *table);

struct id_entry *id_table_find(const struct id_table *table, uint16_t id);

/* The id must not be in the table. Never fails: without memory for more buckets the chains are
 * longer. */
void id_table_add(struct id_table *table, struct id_entry *entry);
void id_table_remove(struct id_table *table, struct id_entry *entry);

/* Any entry, for emptying the table; NULL when there is none. */
struct id_entry *id_table_any(const struct id_table *table);

#endif
