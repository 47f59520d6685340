/* SPDX-License-Identifier: MIT
 *
 * http/framing.h: what the fields of a request mean to the edge. For the request parser. */
#ifndef HTTP_FRAMING_H
#define HTTP_FRAMING_H

#include "http/request.h"

/* The last of parser->fields is complete; its identifier is not HTTP_FIELD_OTHER. May refuse. */
void http_framing_field(struct http_parser *parser, const char *head);

/* The head is complete: decides what depends on more than one field. May refuse. */
void http_framing_end(struct http_parser *parser, const char *head);

#endif
