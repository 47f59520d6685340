/* SPDX-License-Identifier: MIT
 *
 * wire/web_send.c: the web server's end of a FastCGI connection, output side and accessors.
 *
 * Parameters are encoded in one pass, straight into the output queue: a record is opened with the
 * room there is, filled with whole pairs, and its length is written when it is closed. */
#include <stdlib.h>

#include "base/str.h"
#include "wire/web.h"

enum { PARAMS_ROOM = 1024 }; /* the least room worth opening a PARAMS record in */

/* ---- A session that stands alone ------------------------------------------------------------- */

struct alone {
    struct weir_web_session session;
    struct pool pool;
    struct outq out;
};

weir_web_session *weir_web_session_new(void)
{
    struct alone *alone = malloc(sizeof *alone);

    if (!alone)
        return NULL;
    pool_init(&alone->pool);
    outq_init(&alone->out, &alone->pool);
    web_session_init(&alone->session, &alone->pool, &alone->out);
    return &alone->session;
}

weir_web_session *weir_web_session_free(weir_web_session *session)
{
    struct alone *alone = (struct alone *)session;

    if (alone) {
        web_session_done(&alone->session);
        outq_done(&alone->out);
        pool_done(&alone->pool);
        free(alone);
    }
    return NULL;
}

int weir_web_session_output(const weir_web_session *session, struct iovec *iov, int max)
{
    return outq_iovec(session->out, iov, max);
}

void weir_web_session_sent(weir_web_session *session, size_t n)
{
    outq_consume(session->out, n);
}

size_t weir_web_session_pending(const weir_web_session *session)
{
    return session->out->bytes;
}

uint32_t weir_web_session_active(const weir_web_session *session)
{
    return session->requests.count;
}

weir_web_values weir_web_session_values(const weir_web_session *session)
{
    return session->values;
}

int weir_web_session_get_values(weir_web_session *session)
{
    /* 16 + 15 + 17 bytes of pairs with empty values: a multiple of 8. */
    static const char content[] = "\016\000FCGI_MAX_CONNS\015\000FCGI_MAX_REQS"
                                  "\017\000FCGI_MPXS_CONNS";
    char *p = outq_reserve(session->out, 8 + sizeof content - 1);

    _Static_assert((sizeof content - 1) % 8 == 0, "needs no padding");
    if (!p)
        return WEIR_ERROR_NOMEM;
    record_put(p, WEIR_GET_VALUES, 0, sizeof content - 1, 0);
    memcpy(p + 8, content, sizeof content - 1);
    outq_commit(session->out, 8 + sizeof content - 1);
    return 0;
}

/* ---- Requests -------------------------------------------------------------------------------- */

uint16_t weir_web_request_id(const weir_web_request *request)
{
    return request->entry.id;
}

void weir_web_request_set_user(weir_web_request *request, void *user)
{
    request->user = user;
}

/* The next id in turn that is not active; 0 when all are. */
static uint16_t take_id(weir_web_session *s)
{
    if (s->requests.count >= 65535)
        return 0;
    for (;;) {
        uint16_t id = s->next_id++;
        if (s->next_id == 0) {
            s->next_id = 1;
            s->ids_wrapped = true;
        }
        if (!id_table_find(&s->requests, id))
            return id;
    }
}

weir_web_request *weir_web_begin(weir_web_session *s, weir_role role, int flags, void *user)
{
    size_t size;
    weir_web_request *request;

    if (s->ended)
        web_request_free(s->ended);
    request = pool_get(s->pool, sizeof *request, &size);
    if (!request)
        return NULL;

    uint16_t id = take_id(s);
    uint8_t keep_conn = flags & WEIR_FLAG_KEEP_CONN;
    /* One block for the whole head, so that it leaves as one piece. */
    if (id == 0 || !outq_reserve(s->out, RECORD_SIZE_BEGIN + 2 * PARAMS_ROOM) ||
        record_write_8(s->out, WEIR_BEGIN_REQUEST, id,
                       (const uint8_t[8]){0, (uint8_t)role, keep_conn}) != 0) {
        pool_put(s->pool, request, size);
        return NULL;
    }
    *request = (struct weir_web_request){
        .entry.id = id,
        .role = (uint8_t)role,
        .keep_conn = keep_conn,
        .session = s,
        .user = user,
        .size = size,
    };
    id_table_add(&s->requests, &request->entry);
    return request;
}

/* Writes the length of the PARAMS record that is open, and its padding. */
static void close_record(weir_web_request *request)
{
    size_t content = request->record_len;
    unsigned padding = record_padding(content);

    if (!request->record)
        return;
    record_put(request->record, WEIR_PARAMS, request->entry.id, content, padding);
    memset(request->record + 8 + content, 0, padding);
    outq_commit(request->session->out, 8 + content + padding);
    request->record = NULL;
}

/* Opens a record with room for at least need bytes of content, and padding. */
static int open_record(weir_web_request *request, size_t need)
{
    struct outq *out = request->session->out;

    request->record = outq_reserve(out, 8 + (need > PARAMS_ROOM ? need : PARAMS_ROOM) + 7);
    if (!request->record)
        return WEIR_ERROR_NOMEM;
    request->record_len = 0;
    request->record_room = outq_room(out) - 8 - 7;
    if (request->record_room > RECORD_SEND_MAX)
        request->record_room = RECORD_SEND_MAX;
    return 0;
}

int weir_web_param(weir_web_request *request, weir_str name, weir_str value)
{
    size_t need = pair_size(name.len, value.len);

    if (request->input != WEB_PARAMS || request->aborted)
        return WEIR_ERROR_STATE;
    if (name.len > RECORD_SEND_MAX || value.len > RECORD_SEND_MAX || need > RECORD_SEND_MAX)
        return WEIR_ERROR_LIMIT;
    if (!request->record || request->record_room - request->record_len < need) {
        close_record(request);
        int rc = open_record(request, need);
        if (rc != 0)
            return rc;
    }
    (void)pair_put(request->record + 8 + request->record_len, name, value);
    request->record_len += need;
    return 0;
}

int weir_web_params_end(weir_web_request *request)
{
    if (request->input != WEB_PARAMS || request->aborted)
        return WEIR_ERROR_STATE;
    close_record(request);
    request->input = request->role == WEIR_AUTHORIZER ? WEB_INPUT_DONE : WEB_STDIN;
    return record_write_empty(request->session->out, WEIR_PARAMS, request->entry.id);
}

int web_stdin(weir_web_request *request, const weir_str *pieces, size_t count, bool borrow)
{
    if (request->input != WEB_STDIN || request->aborted)
        return WEIR_ERROR_STATE;
    return record_write_stream(request->session->out, WEIR_STDIN, request->entry.id, pieces, count,
                               RECORD_SEND_MAX, borrow);
}

int weir_web_stdin(weir_web_request *request, weir_str data)
{
    return web_stdin(request, &data, 1, false);
}

int weir_web_stdin_end(weir_web_request *request)
{
    if (request->input != WEB_STDIN || request->aborted)
        return WEIR_ERROR_STATE;
    request->input = request->role == WEIR_FILTER ? WEB_DATA : WEB_INPUT_DONE;
    return record_write_empty(request->session->out, WEIR_STDIN, request->entry.id);
}

int weir_web_data(weir_web_request *request, weir_str data)
{
    if (request->input != WEB_DATA || request->aborted)
        return WEIR_ERROR_STATE;
    return record_write_stream(request->session->out, WEIR_DATA, request->entry.id, &data, 1,
                               RECORD_SEND_MAX, false);
}

int weir_web_data_end(weir_web_request *request)
{
    if (request->input != WEB_DATA || request->aborted)
        return WEIR_ERROR_STATE;
    request->input = WEB_INPUT_DONE;
    return record_write_empty(request->session->out, WEIR_DATA, request->entry.id);
}

int weir_web_abort(weir_web_request *request)
{
    if (request->aborted)
        return 0;
    close_record(request);
    request->aborted = true;
    return record_write_empty(request->session->out, WEIR_ABORT_REQUEST, request->entry.id);
}
