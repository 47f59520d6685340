/* SPDX-License-Identifier: MIT
 *
 * Both sessions when memory is out, at every allocation: an error or OVERLOADED, no crash and
 * (under AddressSanitizer or valgrind) no leak. And when all is well: a session that has served a
 * few requests allocates nothing for more of the same. */
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "support.h"
#include "support/failmalloc.h"
#include "wire/app.h"

static char large[150000];

/* ---- Application ----------------------------------------------------------------------------- */

/* What came of memory being out, in the application's own words. */
static int note(int rc, int *worst)
{
    if (rc != 0)
        *worst = rc;
    return rc;
}

static int app_handle(const weir_app_event *event, uint32_t *began)
{
    weir_str pieces[2] = {WEIR_STR("Content-Type: text/plain\r\n\r\n"), str(large, sizeof large)};
    int worst = 0;

    switch (event->type) {
    case WEIR_APP_BEGIN:
        ++*began;
        note(weir_app_stderr(event->request, WEIR_STR("begun")), &worst);
        break;
    case WEIR_APP_STDIN_END:
        note(weir_app_stdout(event->request, pieces, 2), &worst);
        note(app_stdout(event->request, pieces, 2, true), &worst);
        note(weir_app_end(event->request, 0, WEIR_REQUEST_COMPLETE), &worst);
        break;
    case WEIR_APP_ABORT:
        note(weir_app_end(event->request, 0, WEIR_REQUEST_COMPLETE), &worst);
        break;
    case WEIR_APP_REFUSED:
        return event->error == WEIR_ERROR_OVERLOADED ? WEIR_ERROR_NOMEM : 0;
    default:
        break;
    }
    return worst;
}

/* Feeds all of the input, going on after an OVERLOADED, until an error. */
static int app_serve(weir_str in, uint32_t *ret_began)
{
    weir_app_session *session = weir_app_session_new(NULL);
    weir_app_event event;
    int worst = 0, rc = 1;
    size_t used;

    *ret_began = 0;
    if (!session)
        return WEIR_ERROR_NOMEM;
    while (rc > 0) {
        rc = weir_app_session_next(session, in.ptr, in.len, &used, &event);
        in = str(in.ptr + used, in.len - used);
        if (rc > 0)
            note(app_handle(&event, ret_began), &worst);
        if (rc < 0)
            worst = rc;
    }
    if (outq_settle(session->out) != 0)
        worst = WEIR_ERROR_NOMEM;
    assert_null(weir_app_session_free(session));
    return worst;
}

static int app_attempt(void *arg)
{
    uint32_t began;
    int rc = app_serve(bytes_str(arg), &began);

    if (rc == 0)
        assert_int_equal(began, 2);
    return rc;
}

static void app_out_of_memory(void **state)
{
    struct bytes input = {NULL, 0, 0};

    script_add(&input,
               "VALUES 0 FCGI_MAX_REQS=; 77 0; BEGIN 1 role=9 keep; BEGIN 1 responder keep; "
               "PARAMS 1 A=b hex=018000c800 A fill=51200 split=900; PARAMS 1; STDIN 1 x; "
               "STDIN 1; BEGIN 1 responder keep; ABORT 1; BEGIN 3 responder keep; PARAMS 3; "
               "ABORT 3; BEGIN 4 responder keep; PARAMS 4 hex=05; PARAMS 4");
    unsigned long places = failmalloc_each(app_attempt, &input, WEIR_ERROR_NOMEM);
    assert_true(places >= 6);
    bytes_free(&input);
}

/* With more requests at once than there are buckets: that they cannot be added costs only time. */
static void app_table_out_of_memory(void **state)
{
    struct bytes input = {NULL, 0, 0};
    bool failed = true;

    for (int id = 1; id <= 80; id++) {
        char script[100];
        snprintf(script, sizeof script, "BEGIN %d responder keep; PARAMS %d", id, id);
        script_add(&input, script);
    }
    for (int id = 80; id >= 1; id--) {
        char script[100];
        snprintf(script, sizeof script, "ABORT %d; ABORT %d", id, id);
        script_add(&input, script);
    }
    for (unsigned long n = 1; failed; n++) {
        failed = false;
        for (int forever = 0; forever <= 1; forever++) {
            uint32_t began;
            failmalloc_fail(n, forever);
            int rc = app_serve(bytes_str(&input), &began);
            assert_true(rc == 0 || (rc == WEIR_ERROR_NOMEM && failmalloc_failed()));
            /* One failure costs at most one request, if it does not cost the connection. */
            assert_true(rc != 0 || began == 80);
            failed |= failmalloc_failed();
            failmalloc_reset();
        }
        assert_true(n < 1000);
    }
    bytes_free(&input);
}

/* ---- Web server ------------------------------------------------------------------------------ */

static int web_send(weir_web_session *session, int count)
{
    int worst = 0;

    for (int i = 0; i < count; i++) {
        weir_web_request *r = weir_web_begin(session, WEIR_FILTER, WEIR_FLAG_KEEP_CONN, NULL);
        if (!r)
            return WEIR_ERROR_NOMEM;
        for (int p = 0; p < 20; p++)
            note(weir_web_param(r, WEIR_STR("NAME"), str(large, (size_t)p * p * 50)), &worst);
        note(weir_web_params_end(r), &worst);
        note(weir_web_stdin(r, str(large, sizeof large)), &worst);
        note(weir_web_stdin_end(r), &worst);
        note(weir_web_data(r, WEIR_STR("small")), &worst);
        note(weir_web_data_end(r), &worst);
        note(weir_web_session_get_values(session), &worst);
        if (i % 2)
            note(weir_web_abort(r), &worst);
    }
    return worst;
}

static int web_talk(weir_str in, int count)
{
    weir_web_session *session = weir_web_session_new();
    weir_web_event event;
    int rc = 1;
    size_t used;

    if (!session)
        return WEIR_ERROR_NOMEM;
    int worst = web_send(session, count);
    while (rc > 0 && worst == 0) {
        rc = weir_web_session_next(session, in.ptr, in.len, &used, &event);
        in = str(in.ptr + used, in.len - used);
    }
    assert_true(rc >= 0);
    assert_null(weir_web_session_free(session));
    return worst;
}

static int web_attempt(void *arg)
{
    return web_talk(bytes_str(arg), 2);
}

static void web_out_of_memory(void **state)
{
    struct bytes input = {NULL, 0, 0};

    script_add(&input, "STDOUT 1 a; RESULT 0 FCGI_MAX_REQS=5; END 1 app=0 status=0; STDERR 2 b");
    assert_true(failmalloc_each(web_attempt, &input, WEIR_ERROR_NOMEM) >= 8);
    bytes_free(&input);
}

static void web_table_out_of_memory(void **state)
{
    struct bytes input = {NULL, 0, 0};
    bool failed = true;

    script_add(&input, "STDOUT 9 a; END 1 app=0 status=0; END 9 app=0 status=0; STDERR 2 b");
    for (unsigned long n = 1; failed; n++) {
        failmalloc_fail(n, false);
        int rc = web_talk(bytes_str(&input), 10);
        failed = failmalloc_failed();
        failmalloc_reset();
        assert_true(rc == 0 || (rc == WEIR_ERROR_NOMEM && failed));
        assert_true(n < 2000);
    }
    bytes_free(&input);
}

/* ---- The steady state ------------------------------------------------------------------------ */

static void discard(const struct iovec *iov, int pieces, size_t *ret_sent)
{
    *ret_sent = 0;
    for (int i = 0; i < pieces; i++)
        *ret_sent += iov[i].iov_len;
}

/* A burst of requests, all answered, and the output sent. */
static void app_burst(weir_app_session *session, weir_str in)
{
    weir_str pieces[2] = {WEIR_STR("Content-Type: text/plain\r\n\r\n"), str(large, 100000)};
    struct iovec iov[64];
    weir_app_event event;
    size_t used;

    while (weir_app_session_next(session, in.ptr, in.len, &used, &event) > 0) {
        in = str(in.ptr + used, in.len - used);
        if (event.type != WEIR_APP_STDIN_END)
            continue;
        assert_int_equal(weir_app_stdout(event.request, pieces, 2), 0);
        assert_int_equal(weir_app_stderr(event.request, pieces[0]), 0);
        assert_int_equal(weir_app_end(event.request, 0, WEIR_REQUEST_COMPLETE), 0);
    }
    assert_int_equal(weir_app_session_active(session), 0);
    while (weir_app_session_pending(session) > 0) {
        discard(iov, weir_app_session_output(session, iov, 64), &used);
        weir_app_session_sent(session, used);
    }
}

static void app_steady_state(void **state)
{
    struct bytes input = {NULL, 0, 0};
    weir_app_session *session = weir_app_session_new(NULL);

    assert_non_null(session);
    script_add(&input, "BEGIN 1 responder keep; BEGIN 2 responder keep; BEGIN 3 responder keep; "
                       "BEGIN 4 responder keep; VALUES 0 FCGI_MAX_REQS=; "
                       "PARAMS 1 A=b hex=8000000080001388 fill=5000 split=900; PARAMS 1; "
                       "PARAMS 2 A=b C=d; PARAMS 2; PARAMS 3; PARAMS 4; STDIN 3 x; STDIN 4; "
                       "STDIN 3; STDIN 2; STDIN 1 hello; STDIN 1");
    for (int i = 0; i < 1000; i++) {
        if (i == 3)
            failmalloc_reset();
        app_burst(session, bytes_str(&input));
    }
    assert_true(POOL_KEEPS ? failmalloc_count() == 0 : failmalloc_count() > 0);
    bytes_free(&input);
    assert_null(weir_app_session_free(session));
}

static void web_burst(weir_web_session *session)
{
    weir_web_request *r = weir_web_begin(session, WEIR_RESPONDER, WEIR_FLAG_KEEP_CONN, NULL);
    struct iovec iov[64];
    weir_web_event event;
    size_t used;

    assert_non_null(r);
    for (size_t p = 0; p < 30; p++)
        assert_int_equal(weir_web_param(r, WEIR_STR("NAME"), str(large, p * p * 10)), 0);
    assert_int_equal(weir_web_params_end(r), 0);
    assert_int_equal(weir_web_stdin(r, str(large, 100000)), 0);
    assert_int_equal(weir_web_stdin_end(r), 0);
    while (weir_web_session_pending(session) > 0) {
        discard(iov, weir_web_session_output(session, iov, 64), &used);
        weir_web_session_sent(session, used);
    }
    uint16_t id = weir_web_request_id(r);
    const uint8_t answer[32] = {
        1, 6, (uint8_t)(id >> 8), (uint8_t)id, 0, 2, 6, 0, 'o', 'k', 0, 0, 0, 0, 0, 0,
        1, 3, (uint8_t)(id >> 8), (uint8_t)id, 0, 8};
    assert_int_equal(weir_web_session_next(session, answer, 32, &used, &event), 1);
    assert_int_equal(weir_web_session_next(session, answer + used, 32 - used, &used, &event), 1);
    assert_int_equal(event.type, WEIR_WEB_END);
    assert_true(weir_web_session_reusable(session));
}

static void web_steady_state(void **state)
{
    weir_web_session *session = weir_web_session_new();

    assert_non_null(session);
    for (int i = 0; i < 1000; i++) {
        if (i == 3)
            failmalloc_reset();
        web_burst(session);
    }
    assert_true(POOL_KEEPS ? failmalloc_count() == 0 : failmalloc_count() > 0);
    assert_null(weir_web_session_free(session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(85, d), app_out_of_memory), TEST(REQ(85), app_table_out_of_memory),
        TEST("memory", web_out_of_memory),   TEST("memory", web_table_out_of_memory),
        TEST(REQ(38), app_steady_state),     TEST(REQ(38), web_steady_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
