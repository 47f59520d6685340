/* SPDX-License-Identifier: MIT
 *
 * wire/web.c: the web server's end of a FastCGI connection, input side: records in, events out.
 *
 * A record is believed only if its id and type fit a request that we began: a fixed idea of "the"
 * request is how one user's output reaches another. Late records of requests that have ended, or
 * that we gave up, are skipped; an id that was never begun is an error. */
#include "wire/web.h"

#include "base/str.h"

void web_session_init(weir_web_session *s, struct pool *pool, struct outq *out)
{
    *s = (struct weir_web_session){
        .pool = pool,
        .out = out,
        .next_id = 1,
        .values = {-1, -1, -1},
    };
    id_table_init(&s->requests, pool);
}

void web_request_free(weir_web_request *request)
{
    struct weir_web_session *s = request->session;

    if (s->current == request)
        s->current = NULL;
    if (s->ended == request)
        s->ended = NULL;
    else
        id_table_remove(&s->requests, &request->entry);
    pool_put(s->pool, request, request->size);
}

void web_session_done(weir_web_session *s)
{
    struct id_entry *entry;

    if (s->ended)
        web_request_free(s->ended);
    while ((entry = id_table_any(&s->requests)) != NULL)
        web_request_free(container_of(entry, struct weir_web_request, entry));
    id_table_done(&s->requests);
}

static weir_web_request *find(weir_web_session *s, uint16_t id)
{
    struct id_entry *entry = id_table_find(&s->requests, id);
    return entry ? container_of(entry, struct weir_web_request, entry) : NULL;
}

static bool never_begun(const weir_web_session *s, uint16_t id)
{
    return !s->ids_wrapped && id >= s->next_id;
}

static weir_web_event event_of(weir_web_event_type type, weir_web_request *request)
{
    return (weir_web_event){.type = type, .request = request, .user = request->user};
}

/* ---- Management records ---------------------------------------------------------------------- */

static int values_end(weir_web_event *event)
{
    *event = (weir_web_event){.type = WEIR_WEB_VALUES};
    return 1;
}

static int values_content(weir_web_session *s, weir_str content, weir_web_event *event)
{
    weir_str name, value;

    while (values_scanner_next(&s->scanner, &content, &name, &value)) {
        uint64_t number;
        if (!str_to_u64(value, INT64_MAX, &number))
            continue;
        if (str_eq(name, WEIR_STR("FCGI_MAX_CONNS")))
            s->values.max_conns = (int64_t)number;
        else if (str_eq(name, WEIR_STR("FCGI_MAX_REQS")))
            s->values.max_reqs = (int64_t)number;
        else if (str_eq(name, WEIR_STR("FCGI_MPXS_CONNS")))
            s->values.mpxs_conns = (int64_t)number;
    }
    return s->reader.content_left == 0 ? values_end(event) : 0;
}

static int management_record(weir_web_session *s, weir_web_event *event)
{
    switch (s->reader.record.type) {
    case WEIR_GET_VALUES_RESULT:
        values_scanner_init(&s->scanner);
        s->values = (weir_web_values){-1, -1, -1};
        return s->reader.content_left == 0 ? values_end(event) : 0;
    case WEIR_UNKNOWN_TYPE:
        return s->reader.content_left < 8 ? WEIR_ERROR_RECORD_LENGTH : 0;
    case WEIR_END_REQUEST:
    case WEIR_STDOUT:
    case WEIR_STDERR:
        return WEIR_ERROR_RECORD_ID;
    default:
        return 0;
    }
}

/* ---- Application records --------------------------------------------------------------------- */

static int end_request(weir_web_session *s, weir_web_event *event)
{
    weir_web_request *request = s->current;
    const uint8_t *body = s->scratch;

    *event = event_of(WEIR_WEB_END, request);
    event->app_status =
        (uint32_t)body[0] << 24 | (uint32_t)body[1] << 16 | (uint32_t)body[2] << 8 | body[3];
    event->protocol_status = body[4];
    if (!request->keep_conn || request->input != WEB_INPUT_DONE)
        s->not_reusable = true;
    id_table_remove(&s->requests, &request->entry);
    s->current = NULL;
    s->ended = request;
    return 1;
}

/* A record of eight bytes in however many portions. */
static int short_content(weir_web_session *s, weir_str content, weir_web_event *event)
{
    size_t seen = s->reader.record.content_length - s->reader.content_left - content.len;

    if (seen >= sizeof s->scratch)
        return 0;
    size_t n = sizeof s->scratch - seen;
    if (n > content.len)
        n = content.len;
    memcpy(s->scratch + seen, content.ptr, n);
    if (seen + n < sizeof s->scratch)
        return 0;
    if (s->reader.record.type == WEIR_END_REQUEST)
        return end_request(s, event);
    *event = (weir_web_event){.type = WEIR_WEB_UNKNOWN, .record_type = s->scratch[0]};
    return 1;
}

static int stdout_record(weir_web_session *s, weir_web_request *request, weir_web_event *event)
{
    if (request->stdout_ended)
        return s->reader.content_left > 0 ? WEIR_ERROR_STREAM_ORDER : 0;
    if (s->reader.content_left > 0) {
        s->current = request;
        return 0;
    }
    request->stdout_ended = true;
    if (request->aborted)
        return 0;
    *event = event_of(WEIR_WEB_STDOUT_END, request);
    return 1;
}

/* The header of a record is complete: decides what becomes of its content. */
static int record_start(weir_web_session *s, weir_web_event *event)
{
    const weir_record *record = &s->reader.record;
    weir_web_request *request;

    s->current = NULL;
    if (record->id == 0)
        return management_record(s, event);
    if (never_begun(s, record->id))
        return WEIR_ERROR_RECORD_ID;
    switch (record->type) {
    case WEIR_STDOUT:
    case WEIR_STDERR:
    case WEIR_END_REQUEST:
        break;
    default:
        /* What only a web server sends comes from no application; unknown types are skipped. */
        return record->type <= WEIR_UNKNOWN_TYPE ? WEIR_ERROR_RECORD_TYPE : 0;
    }
    request = find(s, record->id);
    if (!request)
        return 0;
    if (record->type == WEIR_STDOUT)
        return stdout_record(s, request, event);
    if (record->type == WEIR_END_REQUEST && record->content_length < 8)
        return WEIR_ERROR_RECORD_LENGTH;
    s->current = request;
    return 0;
}

static int record_content(weir_web_session *s, weir_str *in, weir_web_event *event)
{
    weir_str content = reader_content(&s->reader, in);
    weir_web_request *request = s->current;

    if (s->reader.record.id == 0) {
        if (s->reader.record.type == WEIR_GET_VALUES_RESULT)
            return values_content(s, content, event);
        return s->reader.record.type == WEIR_UNKNOWN_TYPE ? short_content(s, content, event) : 0;
    }
    if (!request)
        return 0;
    if (s->reader.record.type == WEIR_END_REQUEST)
        return short_content(s, content, event);
    if (request->aborted)
        return 0;
    *event =
        event_of(s->reader.record.type == WEIR_STDOUT ? WEIR_WEB_STDOUT : WEIR_WEB_STDERR, request);
    event->data = content;
    return 1;
}

static int next(weir_web_session *s, weir_str *in, weir_web_event *event)
{
    int rc = 0;

    if (s->ended)
        web_request_free(s->ended);
    while (rc == 0) {
        if (s->reader.content_left > 0) {
            if (in->len == 0)
                return 0;
            rc = record_content(s, in, event);
        } else {
            int complete = reader_header(&s->reader, in);
            if (complete <= 0)
                return complete;
            rc = record_start(s, event);
        }
    }
    return rc;
}

int weir_web_session_next(weir_web_session *session, const void *bytes, size_t len,
                          size_t *ret_used, weir_web_event *ret_event)
{
    weir_str in = {len ? bytes : "", len};
    int rc = session->dead ? WEIR_ERROR_STATE : next(session, &in, ret_event);

    if (rc < 0)
        session->dead = true;
    *ret_used = len - in.len;
    return rc;
}

void weir_web_session_unread(weir_web_session *session, size_t n)
{
    session->reader.content_left = (uint16_t)(session->reader.content_left + n);
}

bool weir_web_session_reusable(const weir_web_session *session)
{
    return !session->dead && !session->not_reusable && session->requests.count == 0 &&
           session->out->bytes == 0 && reader_at_boundary(&session->reader);
}
