/* SPDX-License-Identifier: MIT
 *
 * wire/tap.h: looks at the records of a connection, in both directions, and may cut and pad those
 * that are sent differently: for tracing, for counting, and for testing the other side.
 *
 *     web session -> tap.out -> tap_send    -> stream's queue
 *     web session <- bytes   -> tap_received
 *
 * Whatever the shape, the content of each stream stays the same. */
#ifndef WIRE_TAP_H
#define WIRE_TAP_H

#include <weir/wire.h>

#include "base/buf.h"
#include "base/outq.h"
#include "wire/reader.h"

struct tap_shape {
    uint32_t record_max; /* content bytes of a stream record; 0: as they come */
    uint32_t params_cut; /* a PARAMS record ends after this many bytes of all; 0: no such place */
    int32_t padding;     /* of every record, 1 to 255; -1: none; 0: as it comes */
};

enum { TAP_TYPES = WEIR_UNKNOWN_TYPE + 1 };

struct tap_counts {
    uint64_t bytes_sent, bytes_received;
    uint64_t sent[TAP_TYPES], received[TAP_TYPES]; /* records by type, unknown ones at 0 */
};

struct tap;

typedef void tap_fn(struct tap *tap, const weir_record *record, weir_str content, bool is_sent);

struct tap {
    struct outq out; /* where the session writes */
    struct reader sending, receiving;
    struct buf sent, received; /* content of a record that is not in one piece */
    bool in_sent, in_received; /* its header is complete, its content is not */
    struct tap_shape shape;
    uint32_t params_sent;
    tap_fn *fn;                /* may be NULL */
    void *fn_arg;              /* of whoever fn is */
    uint64_t serial;           /* number of the connection, likewise */
    struct tap_counts *counts; /* of the request that has the connection, may be NULL */
};

/* NULL when memory is out. */
struct tap *tap_new(struct pool *pool, const struct tap_shape *shape, tap_fn *fn, void *fn_arg);
void tap_free(struct tap *tap);

/* Moves all that the session has queued, whole records, to the queue. 0, or NOMEM: the stream of
 * bytes is broken. */
int tap_send(struct tap *tap, struct outq *to);

/* Bytes that the session has taken. 0 or NOMEM. */
int tap_received(struct tap *tap, weir_str bytes);

#endif
