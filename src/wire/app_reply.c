/* SPDX-License-Identifier: MIT
 *
 * wire/app_reply.c: the application's end of a FastCGI connection, output side and accessors. */
#include <stdlib.h>

#include "base/str.h"
#include "wire/app.h"

/* ---- A session that stands alone ------------------------------------------------------------- */

struct alone {
    struct weir_app_session session;
    struct pool pool;
    struct outq out;
};

weir_app_session *weir_app_session_new(const weir_app_options *options)
{
    struct alone *alone = malloc(sizeof *alone);
    weir_app_options own = {0};

    if (!alone)
        return NULL;
    /* A program built against an older header has a shorter structure. */
    if (options)
        memcpy(&own, options, options->size < sizeof own ? options->size : sizeof own);
    pool_init(&alone->pool);
    outq_init(&alone->out, &alone->pool);
    app_session_init(&alone->session, &own, &alone->pool, &alone->out);
    return &alone->session;
}

weir_app_session *weir_app_session_free(weir_app_session *session)
{
    struct alone *alone = (struct alone *)session;

    if (alone) {
        app_session_done(&alone->session);
        outq_done(&alone->out);
        pool_done(&alone->pool);
        free(alone);
    }
    return NULL;
}

int weir_app_session_output(const weir_app_session *session, struct iovec *iov, int max)
{
    return outq_iovec(session->out, iov, max);
}

void weir_app_session_sent(weir_app_session *session, size_t n)
{
    outq_consume(session->out, n);
}

size_t weir_app_session_pending(const weir_app_session *session)
{
    return session->out->bytes;
}

bool weir_app_session_wants_close(const weir_app_session *session)
{
    return session->closing && session->requests.count == 0;
}

uint32_t weir_app_session_active(const weir_app_session *session)
{
    return session->requests.count;
}

/* ---- Requests -------------------------------------------------------------------------------- */

weir_role weir_app_request_role(const weir_app_request *request)
{
    return (weir_role)request->role;
}

uint16_t weir_app_request_id(const weir_app_request *request)
{
    return request->entry.id;
}

bool weir_app_request_keep_conn(const weir_app_request *request)
{
    return request->keep_conn;
}

const weir_pair *weir_app_request_params(const weir_app_request *request, size_t *ret_count)
{
    *ret_count = request->params.count;
    return request->params.pairs;
}

int64_t weir_app_request_content_length(const weir_app_request *request)
{
    return request->content_length;
}

void weir_app_request_set_user(weir_app_request *request, void *user)
{
    request->user = user;
}

void *weir_app_request_user(const weir_app_request *request)
{
    return request->user;
}

/* Whether output may start: all inputs before the last one have ended (req. 106, 110, 123). */
static bool may_write(const weir_app_request *request)
{
    return request->phase >= (request->role == WEIR_FILTER ? APP_DATA : APP_STDIN);
}

int app_stdout(weir_app_request *request, const weir_str *pieces, size_t count, bool borrow)
{
    if (!may_write(request))
        return WEIR_ERROR_STATE;
    return record_write_stream(request->session->out, WEIR_STDOUT, request->entry.id, pieces, count,
                               RECORD_SEND_MAX, borrow);
}

int weir_app_stdout(weir_app_request *request, const weir_str *pieces, size_t count)
{
    return app_stdout(request, pieces, count, false);
}

int weir_app_stderr(weir_app_request *request, weir_str text)
{
    if (!may_write(request))
        return WEIR_ERROR_STATE;
    if (text.len > 0)
        request->stderr_used = true;
    return record_write_stream(request->session->out, WEIR_STDERR, request->entry.id, &text, 1,
                               RECORD_SEND_MAX, false);
}

/* STDERR's end if it was used (req. 48, 49), STDOUT's end always (req. 47, rule i), END_REQUEST: in
 * one piece, so that they leave in one write with what precedes them. */
static int write_end(weir_app_request *request, uint32_t app_status, uint8_t protocol_status)
{
    struct outq *out = request->session->out;
    unsigned id = request->entry.id;
    char *start = outq_reserve(out, 32);
    char *p = start;

    if (!start)
        return WEIR_ERROR_NOMEM;
    if (request->stderr_used) {
        record_put(p, WEIR_STDERR, id, 0, 0);
        p += 8;
    }
    if (protocol_status == WEIR_REQUEST_COMPLETE) {
        record_put(p, WEIR_STDOUT, id, 0, 0);
        p += 8;
    }
    record_put(p, WEIR_END_REQUEST, id, 8, 0);
    memcpy(p + 8,
           (const char[8]){(char)(app_status >> 24), (char)(app_status >> 16),
                           (char)(app_status >> 8), (char)app_status, (char)protocol_status},
           8);
    outq_commit(out, (size_t)(p + 16 - start));
    return 0;
}

int weir_app_end(weir_app_request *request, uint32_t app_status,
                 weir_protocol_status protocol_status)
{
    struct weir_app_session *s = request->session;
    int rc = s->dead ? 0 : write_end(request, app_status, (uint8_t)protocol_status);

    if (!request->keep_conn)
        s->closing = true;
    app_request_free(request);
    return rc;
}

int app_refuse(weir_app_request *request, unsigned status)
{
    static const char text_400[] = "Status: 400 Bad Request\r\nContent-Type: text/plain\r\n\r\n"
                                   "400 Bad Request: malformed FastCGI parameters\n";
    static const char text_431[] = "Status: 431 Request Header Fields Too Large\r\n"
                                   "Content-Type: text/plain\r\n\r\n"
                                   "431 Request Header Fields Too Large\n";
    weir_str text = status == 431 ? WEIR_STR(text_431) : WEIR_STR(text_400);
    int rc = record_write_stream(request->session->out, WEIR_STDOUT, request->entry.id, &text, 1,
                                 RECORD_SEND_MAX, false);
    int end_rc = weir_app_end(request, 0, WEIR_REQUEST_COMPLETE);

    return rc ? rc : end_rc;
}
