/* SPDX-License-Identifier: MIT
 *
 * http/chunked.h: decoder of the chunked transfer coding (RFC 9112 7.1), strict, without copying.
 */
#ifndef HTTP_CHUNKED_H
#define HTTP_CHUNKED_H

#include "http/request.h"

enum {
    HTTP_CHUNK_DIGITS_MAX = 16,     /* of a chunk size, leading zeros included */
    HTTP_CHUNK_EXTENSION_MAX = 256, /* bytes of extensions in one size line */
};

struct http_chunked {
    struct http_limits limits; /* head_max bounds all extensions, and all trailers */
    uint64_t left;             /* of the current chunk's data; while its size is read, the size */
    uint32_t line;             /* bytes of extensions in this line */
    uint32_t overhead;         /* bytes of extensions in all lines, then bytes of trailers */
    uint16_t fields;           /* trailers */
    uint16_t status;           /* HTTP_REFUSED: 400, 413 or 431 */
    const char *reason;        /* HTTP_REFUSED: one machine-readable word */
    uint8_t state;
    uint8_t digits;
    uint8_t name_len;
    char name[32]; /* start of a trailer's name, to refuse the forbidden ones */
};

/* limits: trailers obey the limits of the head. */
void http_chunked_init(struct http_chunked *chunked, struct http_limits limits);

/* Takes bytes from the front of *input. On HTTP_MORE with *ret_data.len > 0 that is body data, in
 * place; call again while input is left. HTTP_MORE with no data: *input is used up. HTTP_DONE: the
 * body has ended, what is left in *input comes after it. HTTP_REFUSED as for the head; *input then
 * starts with the byte that was refused. Extensions and trailers are checked and dropped. */
enum http_verdict http_chunked_next(struct http_chunked *chunked, weir_str *input,
                                    weir_str *ret_data);

#endif
