/* SPDX-License-Identifier: MIT
 *
 * wire/app.h: the application session, for those who embed it (server/). The contract of each
 * function is in weir/wire.h. */
#ifndef WIRE_APP_H
#define WIRE_APP_H

#include <weir/wire.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/outq.h"
#include "wire/id_table.h"
#include "wire/params.h"
#include "wire/reader.h"
#include "wire/record.h"
#include "wire/values.h"

struct weir_app_session {
    struct pool *pool; /* of the owner; own_pool if the session stands alone */
    struct outq *out;  /* likewise */
    struct reader reader;
    struct id_table requests;
    uint32_t max_requests;
    uint32_t max_requests_total;
    uint32_t max_connections;
    uint32_t params_max;
    uint32_t params_count_max;
    bool closing;                 /* a request without KEEP_CONN has ended */
    bool dead;                    /* an error was returned: nothing is read or written any more */
    uint8_t scratch[8];           /* BEGIN_REQUEST body cut by the transport */
    uint8_t asked;                /* names of this GET_VALUES record seen, as bits */
    struct values_scanner values; /* while inside a GET_VALUES record */
    struct weir_app_request *current; /* of the record being read; NULL: skip it */
};

enum app_phase { APP_PARAMS, APP_STDIN, APP_DATA, APP_INPUT_DONE };

struct weir_app_request {
    struct id_entry entry; /* first: the table gives it back */
    uint8_t role;
    uint8_t phase;
    bool keep_conn;
    bool begun; /* the application knows of it */
    bool stderr_used;
    bool aborted;
    bool excess; /* more body than declared: cut off */
    struct weir_app_session *session;
    void *user;
    struct params params;
    int64_t content_length, data_length; /* -1: unknown */
    uint64_t received;                   /* of the current input stream */
    struct arena arena;                  /* everything that lives as long as the request */
    size_t size;                         /* of the request's own memory */
};

/* Sessions on a loop share its pool and write to the stream's queue. The options' size is not
 * looked at. */
void app_session_init(struct weir_app_session *session, const weir_app_options *options,
                      struct pool *pool, struct outq *out);
void app_session_done(struct weir_app_session *session);

/* Frees a request without a word to the peer. */
void app_request_free(struct weir_app_request *request);

/* Like weir_app_stdout, but with borrow large pieces are referenced until outq_settle. */
int app_stdout(struct weir_app_request *request, const weir_str *pieces, size_t count, bool borrow);

/* Ends a request with a plain answer of status 400 or 431 before the application acted on it. */
int app_refuse(struct weir_app_request *request, unsigned status);

#endif
