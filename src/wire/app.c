/* SPDX-License-Identifier: MIT
 *
 * wire/app.c: the application's end of a FastCGI connection, input side: records in, events out.
 *
 * A request is active from its BEGIN_REQUEST to our END_REQUEST (req. 36) and goes through phases:
 *
 *     PARAMS -> STDIN -> DATA (Filter only) -> INPUT_DONE
 *
 * The application learns of it when PARAMS are complete and sound; before that the session deals
 * with everything itself: refusals, aborts. Records for ids that are not active are skipped
 * (req. 37). An error from here means that framing or ids are no longer trustworthy. */
#include "wire/app.h"

#include "base/str.h"

void app_session_init(weir_app_session *s, const weir_app_options *options, struct pool *pool,
                      struct outq *out)
{
    *s = (struct weir_app_session){
        .pool = pool,
        .out = out,
        .max_requests = 100,
        .params_max = 65536,
        .params_count_max = 512,
    };
    if (options) {
        if (options->max_requests)
            s->max_requests = options->max_requests;
        if (options->params_max)
            s->params_max = options->params_max;
        if (options->params_count_max)
            s->params_count_max = options->params_count_max;
        s->max_connections = options->max_connections;
        s->max_requests_total = options->max_requests_total;
    }
    if (!s->max_requests_total)
        s->max_requests_total = s->max_requests;
    id_table_init(&s->requests, pool);
}

void app_request_free(weir_app_request *request)
{
    struct weir_app_session *s = request->session;

    if (s->current == request)
        s->current = NULL;
    id_table_remove(&s->requests, &request->entry);
    arena_done(&request->arena);
    pool_put(s->pool, request, request->size);
}

void app_session_done(weir_app_session *s)
{
    struct id_entry *entry;

    while ((entry = id_table_any(&s->requests)) != NULL)
        app_request_free(container_of(entry, struct weir_app_request, entry));
    id_table_done(&s->requests);
}

static weir_app_request *find(weir_app_session *s, uint16_t id)
{
    struct id_entry *entry = id_table_find(&s->requests, id);
    return entry ? container_of(entry, struct weir_app_request, entry) : NULL;
}

/* ---- Management records ---------------------------------------------------------------------- */

static const weir_str value_names[] = {
    {"FCGI_MAX_CONNS", 14},
    {"FCGI_MAX_REQS", 13},
    {"FCGI_MPXS_CONNS", 15},
};
enum { MAX_CONNS, MAX_REQS, MPXS_CONNS, VALUE_NAMES };

static bool value_of(const weir_app_session *s, int name, uint32_t *ret_value)
{
    switch (name) {
    case MAX_CONNS:
        *ret_value = s->max_connections;
        return s->max_connections > 0;
    case MAX_REQS:
        *ret_value = s->max_requests_total;
        return true;
    default:
        *ret_value = s->max_requests > 1;
        return true;
    }
}

/* Answers what was asked and is known, each name once (req. 67, 68, rule g). */
static int answer_values(weir_app_session *s)
{
    uint8_t content[VALUE_NAMES * 32];
    size_t len = 0;

    for (int i = 0; i < VALUE_NAMES; i++) {
        char digits[20];
        uint32_t value;
        if (!(s->asked & 1u << i) || !value_of(s, i, &value))
            continue;
        size_t n = u64_to_dec(value, digits);
        len +=
            weir_pair_encode(content + len, sizeof content - len, value_names[i], str(digits, n));
    }

    unsigned padding = record_padding(len);
    char *p = outq_reserve(s->out, 8 + len + padding);
    if (!p)
        return WEIR_ERROR_NOMEM;
    record_put(p, WEIR_GET_VALUES_RESULT, 0, len, padding);
    memcpy(p + 8, content, len);
    memset(p + 8 + len, 0, padding);
    outq_commit(s->out, 8 + len + padding);
    return 0;
}

static int values_content(weir_app_session *s, weir_str content)
{
    weir_str name, value;

    while (values_scanner_next(&s->values, &content, &name, &value))
        for (int i = 0; i < VALUE_NAMES; i++)
            if (str_eq(name, value_names[i]))
                s->asked |= (uint8_t)(1u << i);
    return s->reader.content_left == 0 ? answer_values(s) : 0;
}

static int management_record(weir_app_session *s)
{
    uint8_t type = s->reader.record.type;

    switch (type) {
    case WEIR_BEGIN_REQUEST:
        return WEIR_ERROR_RECORD_ID;
    case WEIR_GET_VALUES:
        s->asked = 0;
        values_scanner_init(&s->values);
        return s->reader.content_left == 0 ? answer_values(s) : 0;
    case WEIR_GET_VALUES_RESULT:
    case WEIR_UNKNOWN_TYPE:
        return 0; /* known, but the other way's: an answer could go round for ever */
    default:
        return record_write_8(s->out, WEIR_UNKNOWN_TYPE, 0, (const uint8_t[8]){type});
    }
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static int refused(weir_app_event *event, int error)
{
    *event = (weir_app_event){.type = WEIR_APP_REFUSED, .error = error};
    return 1;
}

/* Turns a BEGIN_REQUEST down: it never becomes active (req. 86). */
static int reject(weir_app_session *s, bool keep_conn, uint8_t protocol_status, int error,
                  weir_app_event *event)
{
    int rc = record_write_8(s->out, WEIR_END_REQUEST, s->reader.record.id,
                            (const uint8_t[8]){0, 0, 0, 0, protocol_status});

    if (rc != 0)
        return rc;
    if (!keep_conn)
        s->closing = true;
    return refused(event, error);
}

static int begin(weir_app_session *s, weir_app_event *event)
{
    unsigned role = (unsigned)s->scratch[0] << 8 | s->scratch[1];
    bool keep_conn = s->scratch[2] & WEIR_FLAG_KEEP_CONN;

    if (role < WEIR_RESPONDER || role > WEIR_FILTER)
        return reject(s, keep_conn, WEIR_UNKNOWN_ROLE, WEIR_ERROR_UNKNOWN_ROLE, event);
    if (s->requests.count >= s->max_requests) {
        if (s->max_requests == 1)
            return reject(s, keep_conn, WEIR_CANT_MPX_CONN, WEIR_ERROR_CANT_MPX, event);
        return reject(s, keep_conn, WEIR_OVERLOADED, WEIR_ERROR_OVERLOADED, event);
    }

    size_t size;
    weir_app_request *request = pool_get(s->pool, sizeof *request, &size);
    if (!request)
        return reject(s, keep_conn, WEIR_OVERLOADED, WEIR_ERROR_OVERLOADED, event);
    *request = (struct weir_app_request){
        .entry.id = s->reader.record.id,
        .role = (uint8_t)role,
        .keep_conn = keep_conn,
        .session = s,
        .content_length = -1,
        .data_length = -1,
        .size = size,
    };
    arena_init(&request->arena, s->pool);
    id_table_add(&s->requests, &request->entry);
    return 0;
}

/* The eight bytes of BEGIN_REQUEST, in however many portions; an excess is ignored (rule e). */
static int begin_content(weir_app_session *s, weir_str content, weir_app_event *event)
{
    size_t total = s->reader.record.content_length;
    size_t seen = total - s->reader.content_left - content.len;

    if (seen >= sizeof s->scratch)
        return 0;
    size_t n = sizeof s->scratch - seen;
    if (n > content.len)
        n = content.len;
    memcpy(s->scratch + seen, content.ptr, n);
    return seen + n == sizeof s->scratch ? begin(s, event) : 0;
}

/* ---- PARAMS ---------------------------------------------------------------------------------- */

/* CONTENT_LENGTH and FCGI_DATA_LENGTH: absent, empty and "-1" mean unknown (rule n); anything else
 * that is no number is malformed. */
static bool read_length(const struct params *params, weir_str name, int64_t *ret_length)
{
    weir_str value = params_find(params, name);
    uint64_t number;

    if (value.len == 0 || str_eq(value, WEIR_STR("-1")))
        return true;
    if (!str_to_u64(value, INT64_MAX, &number))
        return false;
    *ret_length = (int64_t)number;
    return true;
}

static int params_end(weir_app_request *request, weir_app_event *event)
{
    struct weir_app_session *s = request->session;
    struct params *params = &request->params;
    int rc = params_finish(params, &request->arena, s->params_count_max);

    if (rc == 0 && !params->error &&
        (!read_length(params, WEIR_STR("CONTENT_LENGTH"), &request->content_length) ||
         (request->role == WEIR_FILTER &&
          !read_length(params, WEIR_STR("FCGI_DATA_LENGTH"), &request->data_length))))
        params->error = WEIR_ERROR_PARAMS;
    if (rc == WEIR_ERROR_NOMEM || params->error == WEIR_ERROR_NOMEM) {
        rc = weir_app_end(request, 0, WEIR_OVERLOADED);
        return rc ? rc : refused(event, WEIR_ERROR_OVERLOADED);
    }
    if (params->error) {
        int error = params->error;
        rc = app_refuse(request, error == WEIR_ERROR_LIMIT ? 431 : 400);
        return rc ? rc : refused(event, error);
    }

    request->phase = request->role == WEIR_AUTHORIZER ? APP_INPUT_DONE : APP_STDIN;
    request->begun = true;
    *event = (weir_app_event){.type = WEIR_APP_BEGIN, .request = request};
    return 1;
}

/* ---- STDIN, DATA and ABORT ------------------------------------------------------------------- */

static int64_t expected(const weir_app_request *request)
{
    return request->phase == APP_STDIN ? request->content_length : request->data_length;
}

static int input_content(weir_app_session *s, weir_app_request *request, weir_str *in,
                         weir_app_event *event)
{
    int64_t length = expected(request);
    uint64_t allowed = length < 0 ? UINT64_MAX : (uint64_t)length - request->received;
    weir_str content = reader_content(&s->reader, in);

    if (allowed == 0) {
        request->excess = true; /* cut at the declared length (rule m) */
        return 0;
    }
    if (content.len > allowed) {
        size_t back = content.len - (size_t)allowed;
        s->reader.content_left = (uint16_t)(s->reader.content_left + back);
        in->ptr -= back;
        in->len += back;
        content.len = (size_t)allowed;
    }
    request->received += content.len;
    *event = (weir_app_event){
        .type = request->phase == APP_STDIN ? WEIR_APP_STDIN : WEIR_APP_DATA,
        .request = request,
        .data = content,
    };
    return 1;
}

static int input_end(weir_app_request *request, weir_app_event *event)
{
    int64_t length = expected(request);
    bool is_stdin = request->phase == APP_STDIN;

    *event = (weir_app_event){
        .type = is_stdin ? WEIR_APP_STDIN_END : WEIR_APP_DATA_END,
        .request = request,
        .error = length >= 0 && request->received < (uint64_t)length ? WEIR_ERROR_SHORT_BODY : 0,
        .excess = request->excess,
    };
    request->phase = is_stdin && request->role == WEIR_FILTER ? APP_DATA : APP_INPUT_DONE;
    request->received = 0;
    request->excess = false;
    return 1;
}

/* The start of a STDIN or DATA record: whether it comes at its time (rules c, l). */
static int input_record(weir_app_session *s, weir_app_request *request, weir_app_event *event)
{
    bool is_data = s->reader.record.type == WEIR_DATA;
    bool empty = s->reader.content_left == 0;
    enum app_phase its_phase = is_data ? APP_DATA : APP_STDIN;

    if (request->aborted || (is_data && request->role != WEIR_FILTER) ||
        (!is_data && request->role == WEIR_AUTHORIZER && request->phase == APP_INPUT_DONE))
        return 0;
    if (request->phase < its_phase || (request->phase > its_phase && !empty))
        return WEIR_ERROR_STREAM_ORDER;
    if (request->phase > its_phase)
        return 0; /* an end sent twice says nothing new */
    if (empty)
        return input_end(request, event);
    s->current = request;
    return 0;
}

static int params_record(weir_app_session *s, weir_app_request *request, weir_app_event *event)
{
    if (request->aborted)
        return 0;
    if (request->phase != APP_PARAMS)
        return WEIR_ERROR_STREAM_ORDER;
    if (s->reader.content_left == 0)
        return params_end(request, event);
    s->current = request;
    return 0;
}

static int abort_record(weir_app_request *request, weir_app_event *event)
{
    if (!request->begun)
        return weir_app_end(request, 0, WEIR_REQUEST_COMPLETE);
    if (request->aborted)
        return 0;
    request->aborted = true;
    *event =
        (weir_app_event){.type = WEIR_APP_ABORT, .request = request, .error = WEIR_ERROR_CANCELLED};
    return 1;
}

/* ---- Records --------------------------------------------------------------------------------- */

/* The header of a record is complete: decides what becomes of its content. */
static int record_start(weir_app_session *s, weir_app_event *event)
{
    const weir_record *record = &s->reader.record;
    weir_app_request *request;

    s->current = NULL;
    if (record->id == 0)
        return management_record(s);
    request = find(s, record->id);
    if (record->type == WEIR_BEGIN_REQUEST) {
        if (request)
            return WEIR_ERROR_ID_IN_USE;
        return record->content_length < 8 ? WEIR_ERROR_RECORD_LENGTH : 0;
    }
    if (!request)
        return 0;
    switch (record->type) {
    case WEIR_PARAMS:
        return params_record(s, request, event);
    case WEIR_STDIN:
    case WEIR_DATA:
        return input_record(s, request, event);
    case WEIR_ABORT_REQUEST:
        return abort_record(request, event);
    default:
        return 0; /* unknown, or the other way's (rule a) */
    }
}

static int record_content(weir_app_session *s, weir_str *in, weir_app_event *event)
{
    weir_app_request *request = s->current;

    if (request && s->reader.record.type != WEIR_PARAMS)
        return input_content(s, request, in, event);

    weir_str content = reader_content(&s->reader, in);
    if (request) {
        if (params_add(&request->params, &request->arena, s->params_max, content) != 0)
            request->params.error = WEIR_ERROR_NOMEM;
        return 0;
    }
    if (s->reader.record.id == 0)
        return s->reader.record.type == WEIR_GET_VALUES ? values_content(s, content) : 0;
    if (s->reader.record.type == WEIR_BEGIN_REQUEST && !s->closing)
        return begin_content(s, content, event);
    return 0;
}

static int next(weir_app_session *s, weir_str *in, weir_app_event *event)
{
    int rc = 0;

    while (rc == 0) {
        if (weir_app_session_wants_close(s)) {
            *in = str(in->ptr + in->len, 0);
            return 0;
        }
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

int weir_app_session_next(weir_app_session *session, const void *bytes, size_t len,
                          size_t *ret_used, weir_app_event *ret_event)
{
    weir_str in = {len ? bytes : "", len};
    int rc = session->dead ? WEIR_ERROR_STATE : next(session, &in, ret_event);

    if (rc < 0)
        session->dead = true;
    *ret_used = len - in.len;
    return rc;
}

void weir_app_session_unread(weir_app_session *session, size_t n)
{
    session->reader.content_left = (uint16_t)(session->reader.content_left + n);
    if (session->current)
        session->current->received -= n;
}
