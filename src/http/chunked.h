/* SPDX-License-Identifier: MIT
 *
 * http/chunked.h: decoder of the chunked transfer coding (RFC 9112 7.1), strict, without copying. */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "http/request.h"

struct http_chunked {
    uint64_t left; /* of the current chunk's data */
    uint32_t line; /* bytes of extensions or trailers seen, against the limits */
    uint32_t overhead;
    uint16_t fields;
    uint16_t status; /* HTTP_REFUSED: 400, 413 or 431 */
    uint8_t state;
    uint8_t digits;
    const char *reason;
    struct http_limits limits; /* trailers obey the limits of the head */
    uint8_t name_len;
    char name[32]; /* lower-cased start of a trailer's name, to refuse the forbidden ones */
};

void http_chunked_init(struct http_chunked *chunked, struct http_limits limits);

/* Takes bytes from the front of *input. On HTTP_MORE with *ret_data.len > 0 that is body data, in
 * place; call again while input is left. HTTP_MORE with no data: *input is used up. HTTP_DONE: the
 * body has ended, what is left in *input comes after it. HTTP_REFUSED as for the head.
 * Extensions are checked and dropped; trailers are checked and dropped. */
enum http_verdict http_chunked_next(struct http_chunked *chunked, weir_str *input,
                                    weir_str *ret_data);

#endif
