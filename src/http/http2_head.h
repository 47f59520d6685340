/* SPDX-License-Identifier: MIT
 *
 * http/http2_head.h: the head of an HTTP/2 request, and its trailers: from the fields that HPACK
 * yields to a request that obeys the same rules as one over HTTP/1.1 (RFC 9113 8.2, 8.3).
 *
 * Fields are given one by one and copied into an arena while they stay within the limits. The first
 * thing that is wrong decides: status and reason are set, and what follows is ignored, so that the
 * decompressor's state can go on while nothing more is kept. */
#ifndef HTTP_HTTP2_HEAD_H
#define HTTP_HTTP2_HEAD_H

#include "base/arena.h"
#include "http/request.h"

enum {
    /* A field list of more than so many times head_max is an attack on memory or time: no client
     * sends it by mistake. */
    HTTP2_HEAD_EXCESS = 16,
    HTTP2_FIELD_OVERHEAD = 32, /* how RFC 9113 6.5.2 counts a field besides its bytes */
};

struct http2_head {
    struct arena *arena;
    struct http_limits limits;
    bool tls;      /* the connection is encrypted, which decides the scheme */
    bool trailers; /* this is what comes after the body */

    uint16_t status;    /* 0: nothing is wrong so far; 400, 413, 414, 417, 421, 431, 501, 503 */
    const char *reason; /* one machine-readable word */

    /* Valid after http2_head_end left status 0; each is followed by a NUL. */
    weir_str method;
    weir_str target;    /* :path as it was sent */
    weir_str path;      /* decoded and normalised, or "*" */
    weir_str query;     /* of the target, raw; ptr is NULL without '?' */
    weir_str host;      /* lower case, without port */
    weir_str authority; /* as it was sent */
    weir_str scheme;
    struct header *fields; /* all but pseudo fields; Host is among them, made of :authority if need
                              be. Names are lower-case tokens, not yet only [a-z0-9-] */
    uint64_t content_length;
    uint16_t field_count, field_room;
    bool has_content_length;
    bool expect_continue; /* and there is a body to continue with */

    uint8_t pseudo;     /* bit n: the n-th pseudo field was there */
    bool regular;       /* a field that is none was there */
    uint64_t seen;      /* bit n: a field with the identifier n was there */
    uint64_t size;      /* of the list, as RFC 9113 6.5.2 counts */
    uint64_t body_seen; /* bytes of DATA */
};

/* arena outlives the head. */
void http2_head_init(struct http2_head *head, struct arena *arena, struct http_limits limits,
                     bool tls, bool trailers);

/* The next field of the list; name and value are copied. False when the list has become so large
 * that the connection should be ended. */
bool http2_head_field(struct http2_head *head, weir_str name, weir_str value);

/* The list is complete. end_stream: no body follows. */
void http2_head_end(struct http2_head *head, bool end_stream);

/* n more bytes of DATA have come, without padding; then: the body is complete. Both set status when
 * it is not what Content-Length said (RFC 9113 8.1.1). */
void http2_head_body(struct http2_head *head, size_t n);
void http2_head_body_end(struct http2_head *head);

/* The value of a Priority field (RFC 9218 4): urgency 0 to 7 and incremental, left as they are
 * where the value does not say. It is a hint: what is malformed is ignored. */
void http_priority_parse(weir_str value, unsigned *urgency, bool *incremental);

#endif
