/* SPDX-License-Identifier: MIT
 *
 * http/request.h: the strict HTTP/1.1 request head.
 *
 * Incremental and without copying: the caller keeps the bytes of the head in one piece (which may
 * grow and move between calls), the parser scans each byte once (again only in the target and in
 * the few values that it must understand), and describes the request by offsets. For every prefix
 * of an input the verdict is "more" or the final one, whatever way the input was cut. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/field.h"

/* Each limit also bounds what has no limit of its own: a line is never longer than the head. */
struct http_limits {
    uint32_t head_max;   /* bytes of the whole head, request line and empty lines included */
    uint32_t target_max; /* bytes of the request target */
    uint16_t fields_max; /* number of header fields */
};

#define HTTP_LIMITS_DEFAULT ((struct http_limits){32768, 8192, 100})

enum {
    HTTP_METHOD_MAX = 32, /* bytes of the method; the longest registered one has 17 */
    HTTP_NAME_MAX = 255,  /* bytes of a field name */
};

enum http_target_form {
    HTTP_TARGET_ORIGIN,    /* /path?query */
    HTTP_TARGET_ABSOLUTE,  /* http://host/path?query */
    HTTP_TARGET_AUTHORITY, /* host:port, CONNECT only */
    HTTP_TARGET_ASTERISK,  /* *, OPTIONS only */
};

enum http_body_kind {
    HTTP_BODY_NONE,
    HTTP_BODY_LENGTH,
    HTTP_BODY_CHUNKED,
};

/* A request as its head describes it. Offsets count from the first byte given to the parser. */
struct http_request {
    struct http_span method;
    struct http_span target; /* as it was sent */
    struct http_span path;   /* of the target, raw; "*" for the asterisk form; "/" may be implied
                                by an absolute form without a path: then len is 0 */
    struct http_span query;  /* of the target, raw, without '?'; has_query tells "no ?" from "" */
    struct http_span host;   /* validated host without port, brackets included for IPv6 */
    struct http_span authority; /* host and port as sent: from the absolute form, else from Host */
    uint64_t content_length;
    uint32_t port;     /* 0 when none was sent */
    uint32_t head_len; /* bytes up to and including the empty line */
    uint16_t field_count;
    uint8_t minor; /* HTTP/1.0 or HTTP/1.1 */
    enum http_target_form target_form : 8;
    enum http_body_kind body : 8;
    bool is_https; /* scheme of the absolute form */
    bool has_query;
    bool has_host;        /* false only for HTTP/1.0 without Host */
    bool keep_alive;      /* what the client wants and the framing allows */
    bool expect_continue; /* and there is a body to continue with */
    bool upgrade;         /* an Upgrade field that counts: HTTP/1.1, named by Connection, no body */
    bool connection_options; /* Connection names fields beyond close, keep-alive and upgrade:
                                they must not be passed on (http_request_is_connection_option) */
};

enum http_verdict {
    HTTP_MORE,    /* feed more bytes */
    HTTP_DONE,    /* the request is complete, bytes after head_len belong to its body */
    HTTP_REFUSED, /* status and reason tell why; the connection is no longer usable */
};

struct http_parser {
    struct http_request request;
    struct http_field *fields;
    struct http_limits limits;
    uint16_t status;    /* HTTP_REFUSED: 400, 413, 414, 417, 421, 431, 501 or 505 */
    const char *reason; /* HTTP_REFUSED: one machine-readable word, like "bare-lf" */

    uint64_t seen; /* bit n: a field with the identifier n was there */
    uint32_t pos;  /* next byte to look at */
    uint32_t mark; /* where the part that pos is in began */
    uint8_t state;
    uint8_t empty_lines;
    bool tls;
    bool option_close, option_keep_alive, option_upgrade; /* named by Connection */
    bool upgrade_known;                                   /* Upgrade names something but h2c */
};

/* fields has room for limits.fields_max entries and lives as long as the parser. tls: the
 * connection is encrypted, which decides the scheme that an absolute form may name. */
void http_parser_init(struct http_parser *parser, struct http_limits limits,
                      struct http_field *fields, bool tls);

/* head: all bytes of this request seen so far (those of earlier calls first, unchanged), len of
 * them. */
enum http_verdict http_parser_feed(struct http_parser *parser, const char *head, size_t len);

/* Moves a parse in progress to another place: the parser, and the fields seen so far, the one that
 * pos is in included. The bytes may move, too: nothing refers to them. */
void http_parser_move(struct http_parser *to, const struct http_parser *from,
                      struct http_field *fields);

/* Whether a Connection field of this request names the field, which is then not passed on. Never
 * true for Host, Content-Length, Content-Type and Transfer-Encoding: a client must not be able to
 * have removed what the request's meaning rests on. */
bool http_request_is_connection_option(const struct http_request *request, const char *head,
                                       const struct http_field *fields, weir_str name);

/* Ends the parse with HTTP_REFUSED. For the parts of the parser. */
void http_parser_refuse(struct http_parser *parser, uint16_t status, const char *reason);

/* Whether a Host value or authority is valid (RFC 9112 3.2, RFC 9110 4.2, RFC 3986 3.2): splits it
 * into host (brackets included) and port (0 when absent). The outputs are untouched otherwise.
 * Shared with HTTP/2, which applies it to :authority. */
bool http_authority_parse(weir_str authority, weir_str *ret_host, uint32_t *ret_port);

/* The value of a Content-Length: 0 and the length, 400 when it is anything but digits (RFC 9112
 * 6.3 (5), RFC 9110 8.6), 413 when there are too many of them. Shared with HTTP/2. */
unsigned http_content_length_parse(weir_str value, uint64_t *ret_length);

/* Whether an origin-form target is valid: starts with '/', only bytes the strict edge lets pass,
 * well-formed %HH in the path, no %00. Splits it; *ret_has_query as above. Shared with HTTP/2. */
bool http_origin_form_parse(weir_str target, weir_str *ret_path, weir_str *ret_query,
                            bool *ret_has_query);

#endif
