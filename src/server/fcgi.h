/* SPDX-License-Identifier: MIT
 *
 * server/fcgi.h: the FastCGI front end: a connection and the exchanges on it. */
#ifndef SERVER_FCGI_H
#define SERVER_FCGI_H

#include "server/server.h"
#include "wire/app.h"

struct fcgi_exchange {
    struct weir_exchange x; /* first */
    struct fcgi_conn *conn;
    struct weir_app_request *request;
    struct list node; /* in the connection's list */
    bool input_done;  /* all of STDIN and DATA has come */
    bool wants_drain;
};

struct fcgi_conn {
    struct conn conn; /* first */
    struct weir_app_session session;
    struct list exchanges;   /* a walk over them may have taken some out of it: */
    uint32_t exchange_count; /* how many there are */
    struct deadline deadline;
    size_t answered;  /* output that input has caused since there was little of it */
    bool half_closed; /* the web server sends no more but waits for answers */
    bool lost;        /* the connection is gone or must not be written to */
    bool closed;      /* the stream is gone; handlers have not let go yet */
};

extern const struct carrier fcgi_carrier;

/* Makes an exchange of the request's parameters, in the request's arena: sorts them into the three
 * classes and refuses what is ambiguous. 0 or NOMEM; or PARAMS, with a reason word, when the
 * request is to be refused with 400. */
int fcgi_exchange_init(struct fcgi_exchange *x, struct weir_app_request *request,
                       const char **ret_reason);

/* Carrier operations that read the request. */
int fcgi_load_headers(weir_exchange *x);
int fcgi_load_params(weir_exchange *x);

/* The handler has let go of the exchange: END_REQUEST. */
void fcgi_released(struct fcgi_exchange *x);

#endif
