/* SPDX-License-Identifier: MIT
 *
 * http/target.h: the four forms of a request target (RFC 9112 3.2). For the request parser. */
#ifndef HTTP_TARGET_H
#define HTTP_TARGET_H

#include "http/request.h"

/* Given request->method and request->target, whose bytes are all of HTTP_CHAR_TARGET, decides the
 * form and fills in path, query, host, port and authority. NULL, or the reason why the target is
 * refused, and *ret_status. */
const char *http_target_parse(struct http_request *request, const char *head, bool tls,
                              uint16_t *ret_status);

#endif
