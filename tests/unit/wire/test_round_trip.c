/* SPDX-License-Identifier: MIT
 *
 * A web-server session and an application session talk to each other: many requests of all roles at
 * once, in bytes cut at random, each portion in memory of its own, parts of bodies put back, some
 * requests aborted, some answered early. Every request must see its own parameters, body, output
 * and status, and no other's. */
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

enum { JOBS = 400, AT_ONCE = 60, BODY_MAX = 3000, PORTION_MAX = 700 };

struct job {
    weir_web_request *web;
    weir_app_request *app;
    weir_role role;
    uint32_t index;
    size_t body_len, data_len; /* to be sent */
    size_t sent, data_sent;
    size_t read, data_read; /* by the application */
    size_t written, output, error_written, error_output;
    bool declared, stdin_ended, input_done, aborts, answers_early, answered, stdout_ended, done;
};

struct wire {
    char *bytes; /* received and not yet taken */
    size_t len;
};

static struct {
    struct job jobs[JOBS];
    uint32_t begun, running, chance;
    weir_web_session *web;
    weir_app_session *app;
    struct wire to_app, to_web;
} w;

static uint32_t chance(uint32_t below)
{
    w.chance = w.chance * 1664525u + 1013904223u;
    return (w.chance >> 8) % below;
}

/* Byte i of what job sends: 's'tdin, 'd'ata, 'o'utput of an authorizer, 'e'rrors. */
static char byte_of(const struct job *job, char stream, size_t i)
{
    return (char)(job->index * 37 + (unsigned char)stream * 11 + i * 7 + (i >> 8));
}

static weir_str some_of(const struct job *job, char stream, size_t from, size_t len)
{
    static char bytes[PORTION_MAX];

    if (len > sizeof bytes)
        len = sizeof bytes;
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_of(job, stream, from + i);
    return str(bytes, len);
}

static void check_bytes(const struct job *job, char stream, size_t from, weir_str data)
{
    for (size_t i = 0; i < data.len; i++)
        if (data.ptr[i] != byte_of(job, stream, from + i))
            fail_msg("job %u, stream %c: byte %zu is another's", job->index, stream, from + i);
}

/* ---- The web server's side ------------------------------------------------------------------- */

static void number_param(struct job *job, const char *name, size_t number)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%zu", number);

    assert_int_equal(weir_web_param(job->web, str_of(name), str(digits, (size_t)n)), 0);
}

static void start(void)
{
    struct job *job = &w.jobs[w.begun];

    *job = (struct job){
        .index = w.begun++,
        .role = (weir_role)(1 + chance(3)),
        .body_len = chance(4) ? chance(BODY_MAX) : 0,
        .declared = chance(2),
        .aborts = chance(8) == 0,
        .answers_early = chance(10) == 0,
    };
    w.running++;
    job->web = weir_web_begin(w.web, job->role, WEIR_FLAG_KEEP_CONN, job);
    assert_non_null(job->web);
    number_param(job, "JOB", job->index);
    if (job->role == WEIR_FILTER)
        job->data_len = chance(BODY_MAX);
    if (job->role != WEIR_AUTHORIZER && job->declared)
        number_param(job, "CONTENT_LENGTH", job->body_len);
    if (job->role == WEIR_FILTER && job->declared)
        number_param(job, "FCGI_DATA_LENGTH", job->data_len);
    for (uint32_t i = chance(30); i > 0; i--)
        assert_int_equal(
            weir_web_param(job->web, WEIR_STR("HTTP_X"), some_of(job, 'p', 0, chance(PORTION_MAX))),
            0);
    number_param(job, "LAST", job->index);
    assert_int_equal(weir_web_params_end(job->web), 0);
    job->input_done = job->role == WEIR_AUTHORIZER;
}

static void send_some(struct job *job)
{
    size_t n = 1 + chance(PORTION_MAX);

    if (job->aborts && chance(6) == 0) {
        assert_int_equal(weir_web_abort(job->web), 0);
        job->input_done = true;
    } else if (!job->stdin_ended) {
        weir_str part = some_of(job, 's', job->sent,
                                n < job->body_len - job->sent ? n : job->body_len - job->sent);
        assert_int_equal(weir_web_stdin(job->web, part), 0);
        job->sent += part.len;
        if (job->sent == job->body_len) {
            assert_int_equal(weir_web_stdin_end(job->web), 0);
            job->stdin_ended = true;
            job->input_done = job->role == WEIR_RESPONDER;
        }
    } else {
        weir_str part =
            some_of(job, 'd', job->data_sent,
                    n < job->data_len - job->data_sent ? n : job->data_len - job->data_sent);
        assert_int_equal(weir_web_data(job->web, part), 0);
        job->data_sent += part.len;
        if (job->data_sent == job->data_len) {
            assert_int_equal(weir_web_data_end(job->web), 0);
            job->input_done = true;
        }
    }
}

static char output_stream(const struct job *job)
{
    return job->role == WEIR_RESPONDER ? 's' : job->role == WEIR_FILTER ? 'd' : 'o';
}

static void web_event(const weir_web_event *event, weir_str data)
{
    struct job *job = event->user;

    if (event->type == WEIR_WEB_VALUES) {
        weir_web_values values = weir_web_session_values(w.web);
        assert_int_equal(values.max_reqs, AT_ONCE);
        assert_int_equal(values.mpxs_conns, 1);
        assert_int_equal(values.max_conns, -1);
        return;
    }
    assert_non_null(job);
    assert_ptr_equal(event->request, job->web);
    if (event->type == WEIR_WEB_STDOUT) {
        assert_false(job->stdout_ended);
        check_bytes(job, output_stream(job), job->output, data);
        job->output += data.len;
    } else if (event->type == WEIR_WEB_STDERR) {
        check_bytes(job, 'e', job->error_output, data);
        job->error_output += data.len;
    } else if (event->type == WEIR_WEB_STDOUT_END) {
        job->stdout_ended = true;
    } else {
        assert_int_equal(event->type, WEIR_WEB_END);
        assert_int_equal(event->protocol_status, WEIR_REQUEST_COMPLETE);
        assert_int_equal(event->app_status, job->index * 1000003u);
        assert_true(job->answered);
        if (!job->aborts) {
            assert_true(job->stdout_ended);
            assert_int_equal(job->output, job->written);
            assert_int_equal(job->error_output, job->error_written);
            if (!job->answers_early && job->role == WEIR_RESPONDER)
                assert_int_equal(job->output, job->body_len);
        }
        job->web = NULL;
        job->done = job->input_done = true;
        w.running--;
    }
}

/* ---- The application's side ------------------------------------------------------------------ */

static void output_some(struct job *job, weir_str data)
{
    weir_str pieces[2] = {str(data.ptr, data.len / 3),
                          str(data.ptr + data.len / 3, data.len - data.len / 3)};

    assert_int_equal(weir_app_stdout(job->app, pieces, 2), 0);
    job->written += data.len;
    if (chance(5) == 0) {
        weir_str text = some_of(job, 'e', job->error_written, chance(50));
        assert_int_equal(weir_app_stderr(job->app, text), 0);
        job->error_written += text.len;
    }
}

static void app_answered(struct job *job)
{
    assert_int_equal(weir_app_end(job->app, job->index * 1000003u, WEIR_REQUEST_COMPLETE), 0);
    job->app = NULL;
    job->answered = true;
}

static void app_begin(weir_app_request *request)
{
    size_t count;
    const weir_pair *pairs = weir_app_request_params(request, &count);
    uint64_t index, last;

    assert_true(count >= 2);
    assert_true(str_eq(pairs[0].name, WEIR_STR("JOB")));
    assert_true(str_to_u64(pairs[0].value, JOBS - 1, &index));
    assert_true(str_to_u64(pairs[count - 1].value, JOBS - 1, &last));
    assert_true(index == last);
    struct job *job = &w.jobs[index];
    job->app = request;
    weir_app_request_set_user(request, job);
    assert_int_equal(weir_app_request_role(request), job->role);
    assert_int_equal(weir_app_request_content_length(request),
                     job->declared && job->role != WEIR_AUTHORIZER ? (int64_t)job->body_len : -1);
    for (size_t i = 0; i < count; i++)
        if (str_eq(pairs[i].name, WEIR_STR("HTTP_X")))
            check_bytes(job, 'p', 0, pairs[i].value);
    if (job->role == WEIR_AUTHORIZER)
        output_some(job, some_of(job, 'o', 0, PORTION_MAX));
    if (job->role == WEIR_AUTHORIZER || job->answers_early)
        app_answered(job);
}

static void app_event(const weir_app_event *event, weir_str data)
{
    if (event->type == WEIR_APP_BEGIN) {
        app_begin(event->request);
        return;
    }
    assert_non_null(event->request);
    struct job *job = weir_app_request_user(event->request);
    assert_ptr_equal(job->app, event->request);
    switch (event->type) {
    case WEIR_APP_STDIN:
        check_bytes(job, 's', job->read, data);
        job->read += data.len;
        if (job->role == WEIR_RESPONDER)
            output_some(job, data);
        break;
    case WEIR_APP_DATA:
        check_bytes(job, 'd', job->data_read, data);
        job->data_read += data.len;
        output_some(job, data);
        break;
    case WEIR_APP_STDIN_END:
        assert_int_equal(job->read, job->body_len);
        assert_int_equal(event->error, 0);
        assert_false(event->excess);
        if (job->role == WEIR_RESPONDER)
            app_answered(job);
        break;
    case WEIR_APP_DATA_END:
        assert_int_equal(job->data_read, job->data_len);
        assert_int_equal(event->error, 0);
        app_answered(job);
        break;
    case WEIR_APP_ABORT:
        assert_true(job->aborts);
        app_answered(job);
        break;
    default:
        fail_msg("event %d, error %s", event->type, weir_error_name(event->error));
    }
}

/* ---- The wire -------------------------------------------------------------------------------- */

/* Moves up to n bytes of pieces behind what wire has, all in new memory. */
static size_t carry(struct wire *wire, const struct iovec *iov, int pieces, size_t n)
{
    size_t moved = 0;
    char *bytes = malloc(wire->len + n + 1);

    assert_non_null(bytes);
    if (wire->len)
        memcpy(bytes, wire->bytes, wire->len);
    for (int i = 0; i < pieces && moved < n; i++) {
        size_t part = iov[i].iov_len < n - moved ? iov[i].iov_len : n - moved;
        memcpy(bytes + wire->len + moved, iov[i].iov_base, part);
        moved += part;
    }
    free(wire->bytes);
    wire->bytes = bytes;
    wire->len += moved;
    return moved;
}

/* The first n bytes were taken: the rest goes into memory of just its size. */
static void taken(struct wire *wire, size_t n)
{
    char *rest = malloc(wire->len - n + 1);

    assert_non_null(rest);
    memcpy(rest, wire->bytes + n, wire->len - n);
    free(wire->bytes);
    wire->bytes = rest;
    wire->len -= n;
}

static size_t some_bytes(void)
{
    uint32_t kind = chance(4);

    return kind == 0 ? 1 + chance(3) : kind < 3 ? 1 + chance(300) : 100000;
}

static void app_turn(void)
{
    struct iovec iov[3];
    weir_app_event event;
    size_t used;
    int rc = 1;

    weir_web_session_sent(
        w.web, carry(&w.to_app, iov, weir_web_session_output(w.web, iov, 3), some_bytes()));
    while (rc > 0) {
        rc = weir_app_session_next(w.app, w.to_app.bytes, w.to_app.len, &used, &event);
        assert_true(rc >= 0 && used <= w.to_app.len);
        bool is_body = rc > 0 && (event.type == WEIR_APP_STDIN || event.type == WEIR_APP_DATA);
        size_t back = is_body && chance(3) == 0 ? chance((uint32_t)event.data.len + 1) : 0;
        if (back > 0)
            weir_app_session_unread(w.app, back);
        event.data.len -= is_body ? back : 0;
        if (rc > 0 && (!is_body || event.data.len > 0))
            app_event(&event, event.data);
        taken(&w.to_app, used - back);
        if (back > 0)
            break;
    }
}

static void web_turn(void)
{
    struct iovec iov[3];
    weir_web_event event;
    size_t used;
    int rc = 1;

    weir_app_session_sent(
        w.app, carry(&w.to_web, iov, weir_app_session_output(w.app, iov, 3), some_bytes()));
    while (rc > 0) {
        rc = weir_web_session_next(w.web, w.to_web.bytes, w.to_web.len, &used, &event);
        assert_true(rc >= 0 && used <= w.to_web.len);
        bool is_body = rc > 0 && event.type == WEIR_WEB_STDOUT;
        size_t back = is_body && chance(3) == 0 ? chance((uint32_t)event.data.len + 1) : 0;
        if (back > 0)
            weir_web_session_unread(w.web, back);
        if (is_body)
            event.data.len -= back;
        if (rc > 0 && (!is_body || event.data.len > 0))
            web_event(&event, event.data);
        taken(&w.to_web, used - back);
        if (back > 0)
            break;
    }
}

static void round_trip(uint32_t seed)
{
    weir_app_options options = {.size = sizeof options, .max_requests = AT_ONCE};
    uint32_t turns = 0;

    memset(&w, 0, sizeof w);
    w.chance = seed;
    w.web = weir_web_session_new();
    w.app = weir_app_session_new(&options);
    assert_true(w.web && w.app);
    while (w.begun < JOBS || w.running > 0 || w.to_web.len > 0) {
        assert_true(++turns < 1000000);
        /* The application counts a request as running until its END has been written. */
        if (w.begun < JOBS && w.running < AT_ONCE && chance(2))
            start();
        if (chance(50) == 0)
            assert_int_equal(weir_web_session_get_values(w.web), 0);
        for (uint32_t i = 0; i < w.begun; i++)
            if (w.jobs[i].web && !w.jobs[i].input_done && chance(4) == 0)
                send_some(&w.jobs[i]);
        app_turn();
        web_turn();
    }
    for (uint32_t i = 0; i < JOBS; i++)
        assert_true(w.jobs[i].done && w.jobs[i].answered);
    assert_int_equal(weir_web_session_active(w.web), 0);
    while (weir_web_session_pending(w.web) > 0) /* bodies of what was answered early */
        app_turn();
    assert_int_equal(weir_app_session_active(w.app), 0);
    assert_false(weir_app_session_wants_close(w.app));
    free(w.to_app.bytes);
    free(w.to_web.bytes);
    assert_null(weir_web_session_free(w.web));
    assert_null(weir_app_session_free(w.app));
}

static void round_trips(void **state)
{
    for (uint32_t seed = 1; seed <= 10; seed++)
        round_trip(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(19, 35, 36, 38, 39, 45, 50, 52, 53, 61, 93, 97, 100, 103, 107, 111, 125, k),
             round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
