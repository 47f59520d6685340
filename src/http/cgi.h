/* SPDX-License-Identifier: MIT
 *
 * http/cgi.h: the CGI response header at the start of an application's STDOUT (RFC 3875 6).
 *
 * Incremental and without copying, like http/request.h: the bytes of one header block in one
 * piece, described by offsets. Lines may end in CRLF or LF. */
#ifndef HTTP_CGI_H
#define HTTP_CGI_H

#include "http/request.h"

struct cgi_response {
    uint32_t head_len;       /* bytes up to and including the empty line */
    uint16_t status;         /* 100..599; from Status, else 302 with a Location, else 200 */
    uint16_t field_count;    /* of the fields to pass on */
    bool has_status;         /* a Status field was sent */
    bool has_content_length; /* and it is valid */
    bool local_redirect;     /* Location starts with a single '/', no Status: RFC 3875 6.2.2 */
    struct http_span reason; /* text after the number in Status; len 0 if none */
    struct http_span location;
    uint64_t content_length;
};

struct cgi_parser {
    struct cgi_response response;
    struct http_field *fields; /* all fields but Status, those of one connection left out; Upgrade
                                  stays with status 101 */
    struct http_limits limits; /* target_max does not matter */
    const char *reason;        /* HTTP_REFUSED: one machine-readable word */
    uint32_t pos;
    uint32_t mark;
    uint8_t state;
    bool has_location;
    struct http_field field; /* the one being read */
};

/* fields has room for limits.fields_max entries, more is refused. For a next header block after a
 * 1xx one, call it again and feed the bytes that follow. */
void cgi_parser_init(struct cgi_parser *parser, struct http_limits limits,
                     struct http_field *fields);

/* bytes: all bytes of this header block seen so far, those of earlier calls first, len of them.
 * HTTP_REFUSED: the response is unusable (502): a bad name, a control byte in a value, a folded
 * line, Status outside 100..599 or given twice, Content-Length malformed or given twice with
 * different values, two different Locations, over a limit, or no header at all. */
enum http_verdict cgi_parser_feed(struct cgi_parser *parser, const char *bytes, size_t len);

#endif
