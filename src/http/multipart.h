/* SPDX-License-Identifier: MIT
 *
 * http/multipart.h: decoder of multipart/form-data (RFC 7578, RFC 2046 5.1), strict.
 *
 *     --BOUNDARY CRLF
 *     Content-Disposition: form-data; name="a"; filename="b.txt" CRLF
 *     Content-Type: text/plain CRLF
 *     CRLF
 *     data CRLF
 *     --BOUNDARY-- CRLF
 *
 * Lines end with CRLF only. Data is given in place; what might be the start of a boundary at the
 * end of the input is held back by counting, not by copying. Only a part's header is kept in
 * memory. */
#ifndef HTTP_MULTIPART_H
#define HTTP_MULTIPART_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    HTTP_BOUNDARY_MAX = 70,              /* RFC 2046 5.1.1 */
    HTTP_MULTIPART_AROUND_MAX = 8 << 10, /* bytes before the first part, and after the last */
};

/* What is said about a part. Each string but header is followed by a NUL; an absent one has no ptr.
 */
struct http_part {
    weir_str name;
    weir_str filename;
    weir_str type;   /* Content-Type as it was sent */
    weir_str header; /* all fields: lines that end with CRLF */
};

enum http_multipart_event {
    HTTP_MULTIPART_MORE, /* all input is used up */
    HTTP_MULTIPART_PART, /* a part begins: multipart.part, valid until PART_END */
    HTTP_MULTIPART_DATA, /* data: a piece of it */
    HTTP_MULTIPART_PART_END,
    HTTP_MULTIPART_DONE,    /* the last input is used up, and the closing boundary was in it */
    HTTP_MULTIPART_REFUSED, /* error and reason tell why */
};

struct http_multipart {
    struct http_part part;
    int error;          /* REFUSED: FORM, LIMIT, SHORT_BODY or NOMEM */
    const char *reason; /* REFUSED: a few words about it; static storage */

    struct buf text;     /* the part's header, and behind it the strings of part */
    uint32_t header_max; /* bytes of a part's header */
    uint32_t fields_max; /* fields in it */
    uint32_t fields;     /* so far */
    uint32_t line;       /* where the header line that is read begins in text */
    uint32_t around;     /* bytes before the first part or after the last, or of padding */
    uint8_t state;
    uint8_t matched; /* how much of the delimiter has come */
    uint8_t own;     /* how much of that is not data if it turns out to be none */
    uint8_t delimiter_len;
    char delimiter[4 + HTTP_BOUNDARY_MAX]; /* CRLF "--" boundary */
};

/* Whether it may be a boundary: 1 to 70 of the bytes that RFC 2046 allows, the last no space. */
bool http_boundary_valid(weir_str boundary);

/* boundary is valid and copied. The header of a part takes memory from pool. */
void http_multipart_init(struct http_multipart *multipart, struct pool *pool, weir_str boundary,
                         uint32_t header_max, uint32_t fields_max);

/* Gives the memory back. */
void http_multipart_done(struct http_multipart *multipart);

/* Takes bytes from the front of *input until there is an event; last: nothing comes after them.
 * *ret_data is valid until the next call, or as long as the input. */
enum http_multipart_event http_multipart_next(struct http_multipart *multipart, weir_str *input,
                                              bool last, weir_str *ret_data);

/* Takes the first field off *header, the lines of a part's header; false when there is none. */
bool http_part_field_next(weir_str *header, weir_str *ret_name, weir_str *ret_value);

#endif
