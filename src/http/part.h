/* SPDX-License-Identifier: MIT
 *
 * http/part.h: the header of a part of multipart/form-data (RFC 7578 4). For the decoder. */
#ifndef HTTP_PART_H
#define HTTP_PART_H

#include "http/multipart.h"

/* What the buffer of a part's header may hold: the header, and its strings once more. */
#define HTTP_PART_TEXT_MAX(header_max) (2 * (size_t)(header_max) + 8)

/* Whether a line, without its CRLF, is a field. */
bool http_part_field_valid(weir_str line);

/* Given the lines of a header, whose fields are valid, in text, appends the strings of the part to
 * it and makes *ret_part point to all of them. 0, or FORM or NOMEM and *ret_reason. */
int http_part_parse(struct buf *text, struct http_part *ret_part, const char **ret_reason);

#endif
