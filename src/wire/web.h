/* SPDX-License-Identifier: MIT
 *
 * wire/web.h: the web server's session, for those who embed it (client/). The contract of each
 * function is in weir/wire.h. */
#ifndef WIRE_WEB_H
#define WIRE_WEB_H

#include <weir/wire.h>

#include "base/list.h"
#include "base/outq.h"
#include "wire/id_table.h"
#include "wire/reader.h"
#include "wire/record.h"
#include "wire/values.h"

struct weir_web_session {
    struct pool *pool;
    struct outq *out;
    struct reader reader;
    struct id_table requests;
    uint16_t next_id;
    bool ids_wrapped;  /* every id has been begun: none is unknown any more */
    bool not_reusable; /* a request ended that forbids another one */
    bool dead;
    uint8_t scratch[8];               /* END_REQUEST or UNKNOWN_TYPE body cut by the transport */
    struct weir_web_request *current; /* whose STDOUT or STDERR is being read */
    struct weir_web_request *ended;   /* to be freed at the next call */
    struct values_scanner scanner;
    weir_web_values values;
};

enum web_input { WEB_PARAMS, WEB_STDIN, WEB_DATA, WEB_INPUT_DONE };

struct weir_web_request {
    struct id_entry entry; /* first: the table gives it back */
    uint8_t role;
    uint8_t input; /* what may be sent next */
    bool keep_conn;
    bool aborted;
    bool stdout_ended;
    struct weir_web_session *session;
    void *user;
    char *record; /* header of the PARAMS record being filled, in the output queue */
    size_t record_len, record_room; /* content in it, and what it can hold */
    size_t size;
};

/* Sessions on a loop share its pool and write to the stream's queue. */
void web_session_init(struct weir_web_session *session, struct pool *pool, struct outq *out);
void web_session_done(struct weir_web_session *session);

/* Frees a request without a word to the peer. */
void web_request_free(struct weir_web_request *request);

/* As weir_web_stdin, of several pieces; with borrow large ones are referenced until outq_settle. */
int web_stdin(struct weir_web_request *request, const weir_str *pieces, size_t count, bool borrow);

#endif
