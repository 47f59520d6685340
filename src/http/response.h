/* SPDX-License-Identifier: MIT
 *
 * http/response.h: writing HTTP/1.1 responses. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include "base/outq.h"
#include "http/date.h"
#include "http/field.h"

/* The standard reason phrase; "" for a status that has none. Static storage. */
weir_str http_reason_phrase(unsigned status);

/* "HTTP/1.1 200 OK\r\n" with the standard reason phrase, or with reason if its len is not 0.
 * Always HTTP/1.1, also to a 1.0 client (RFC 9110 2.5). 0 or WEIR_ERROR_NOMEM. */
int http1_write_status(struct outq *q, unsigned status, weir_str reason);

/* "Name: value\r\n". The caller has checked both with http_name_valid and http_value_valid. */
int http1_write_field(struct outq *q, weir_str name, weir_str value);

/* The size line of a chunk, "1a2b\r\n" (n > 0); the data and CRLF follow it. */
int http1_write_chunk_size(struct outq *q, uint64_t n);

/* Whether a response of this status to this method has a body (RFC 9110 6.4.1): not 1xx, 204, 304,
 * nor any answer to HEAD. */
bool http_has_body(unsigned status, bool is_head);

#endif
