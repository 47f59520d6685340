/* SPDX-License-Identifier: MIT
 *
 * server/http1.h: the HTTP/1.1 front end: a connection and the exchange on it. */
#ifndef SERVER_HTTP1_H
#define SERVER_HTTP1_H

#include "http/chunked.h"
#include "server/server.h"
#include "server/socket_params.h"

struct http1_exchange {
    struct weir_exchange x; /* first */
    struct http1_conn *conn;
    struct http_request request;
    const char *head; /* our copy; offsets of request and fields count from here */
    struct http_field *fields;
    struct http_chunked chunked;
    uint64_t body_left; /* HTTP_BODY_LENGTH */
    uint64_t body_seen;
    bool body_complete;
    bool keep_alive;                   /* after this exchange, as things stand */
    bool continue_due;                 /* the client waits for 100 Continue */
    bool chunked_out, close_delimited; /* how the response is framed */
};

struct http1_conn {
    struct conn conn; /* first */
    struct arena arena;
    struct deadline deadline;
    struct http1_exchange *x;   /* NULL between requests */
    struct http_parser *parser; /* of a head that came in more than one piece */
    struct buf head;
    uint8_t preface;   /* bytes of HTTP/2's preface that have come */
    bool may_be_http2; /* nothing but those has come */
    bool draining;     /* the response is finished, the rest of the body is skipped */
    bool lost;         /* the client is gone or must not be answered any more */
    bool closed;       /* the stream is gone; the handler has not let go yet */
    bool served;       /* at least one request has been answered */
    struct socket_addresses addresses;
};

extern const struct carrier http1_carrier;

/* Makes an exchange of a complete head: fields and head are copied into the connection's arena.
 * HTTP status of a refusal (400, ...), with its reason word, or 0. */
int http1_exchange_new(struct http1_conn *c, const struct http_parser *parser, const char *head,
                       struct http1_exchange **ret_x, const char **ret_reason);

/* Carrier operations that read the request. */
int http1_load_headers(weir_exchange *x);
int http1_load_params(weir_exchange *x);

/* The handler has let go of the connection's exchange. */
void http1_released(struct http1_conn *c);

/* Answers without a handler and closes: the framing of what follows is not known. */
void http1_refuse(struct http1_conn *c, unsigned status, const char *reason);

#endif
