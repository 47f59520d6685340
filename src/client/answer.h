/* SPDX-License-Identifier: MIT
 *
 * client/answer.h: an application's STDOUT, read as a CGI response: header blocks, then the body.
 * No I/O. */
#ifndef CLIENT_ANSWER_H
#define CLIENT_ANSWER_H

#include "base/buf.h"
#include "http/cgi.h"

enum answer_event {
    ANSWER_MORE = 0,
    ANSWER_INTERIM, /* a 1xx block: status and fields tell it until the next call */
    ANSWER_HEAD,
    ANSWER_BODY,
};

struct answer {
    struct cgi_parser parser;
    struct http_field *fields;
    struct buf head; /* the block as it came */
    struct buf text; /* the same, with NULs behind names and values */
    const char *fault;
    uint64_t received; /* bytes of the body */
    bool is_head;      /* the answer to a HEAD request */
    bool in_head;      /* between two bytes of a block */
    bool block_done;   /* fields are valid */
    bool head_done;
};

/* 0 or NOMEM. */
int answer_init(struct answer *answer, struct pool *pool, struct http_limits limits);
void answer_done(struct answer *answer);

/* Before the first byte: whether the method was HEAD. */
static inline void answer_expect(struct answer *answer, bool is_head)
{
    answer->is_head = is_head;
}

/* Takes from the front of *in up to the next event; with ANSWER_BODY *ret_data is the body's part.
 * RESPONSE, CONTENT_LENGTH (the body is longer) or NOMEM: answer->fault says why in one word. */
int answer_next(struct answer *answer, weir_str *in, weir_str *ret_data);

/* STDOUT has ended: 0, RESPONSE (no complete head) or CONTENT_LENGTH (the body is shorter). */
int answer_end(struct answer *answer);

#endif
