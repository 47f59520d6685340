/* SPDX-License-Identifier: MIT
 *
 * The application session without memory, and in the steady state: whichever allocation fails, the
 * outcome is an error or OVERLOADED, never a crash or a leak; kept-alive requests need none. */
#include "support.h"

#include <stdio.h>

#include "support/failmalloc.h"

/* A request with more parameters than fit into the first block, a body, and an answer of several
 * records. Ends with 0 if it was answered, NOMEM if anything was refused or failed. */
static int attempt(void *arg)
{
    static char answer[100000];
    weir_app_session *session = weir_app_session_new(NULL);
    weir_str in = bytes_str(arg), piece = {answer, sizeof answer};
    bool answered = false;
    int rc = 1;

    if (!session)
        return WEIR_ERROR_NOMEM;
    while (rc > 0) {
        weir_app_event event;
        size_t used;
        rc = weir_app_session_next(session, in.ptr, in.len, &used, &event);
        in = str(in.ptr + used, in.len - used);
        if (rc > 0 && event.type == WEIR_APP_REFUSED)
            assert_int_equal(event.error, WEIR_ERROR_OVERLOADED);
        if (rc > 0 && event.type == WEIR_APP_STDIN_END) {
            rc = weir_app_stdout(event.request, &piece, 1);
            int end_rc = weir_app_end(event.request, 0, WEIR_REQUEST_COMPLETE);
            answered = rc == 0 && end_rc == 0;
            rc = 1;
        }
    }
    assert_true(rc == 0 || rc == WEIR_ERROR_NOMEM);
    weir_app_session_free(session);
    return answered ? 0 : WEIR_ERROR_NOMEM;
}

static void every_allocation_may_fail(void **state)
{
    struct bytes input = {NULL, 0, 0};
    static char value[12000];
    char script[14000];

    (void)state;
    memset(value, 'v', sizeof value - 1);
    snprintf(
        script, sizeof script,
        "VALUES 0 FCGI_MPXS_CONNS=; BEGIN 1 responder keep; PARAMS 1 A=b BIG=%s; PARAMS 1 C=d; "
        "PARAMS 1; STDIN 1 hello; STDIN 1",
        value);
    script_add(&input, script);
    failmalloc_each(attempt, &input, WEIR_ERROR_NOMEM);
    bytes_free(&input);
}

static void steady_state_needs_none(void **state)
{
    weir_app_session *session = weir_app_session_new(NULL);
    struct bytes input = {NULL, 0, 0};
    weir_str hello = WEIR_STR("Status: 200\r\n\r\nhello");

    (void)state;
    assert_non_null(session);
    script_add(&input,
               "BEGIN 1 responder keep; PARAMS 1 A=b C=d E=f; PARAMS 1; STDIN 1 x; STDIN 1");
    for (int i = 0; i < 200; i++) {
        weir_str in = bytes_str(&input);
        weir_app_event event;
        size_t used;
        int answers = 0;
        if (i == 100)
            failmalloc_reset();
        while (weir_app_session_next(session, in.ptr, in.len, &used, &event) > 0) {
            in = str(in.ptr + used, in.len - used);
            if (event.type != WEIR_APP_STDIN_END)
                continue;
            assert_int_equal(weir_app_stdout(event.request, &hello, 1), 0);
            assert_int_equal(weir_app_end(event.request, 0, WEIR_REQUEST_COMPLETE), 0);
            answers++;
        }
        assert_int_equal(answers, 1);
        weir_app_session_sent(session, weir_app_session_pending(session));
    }
#if defined(__SANITIZE_ADDRESS__)
    assert_true(failmalloc_count() > 0); /* there the pool keeps nothing (base/pool.h) */
#elif !defined(__clang__)
    assert_int_equal(failmalloc_count(), 0);
#endif
    weir_app_session_free(session);
    bytes_free(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(60, 85), every_allocation_may_fail),
        cmocka_unit_test(steady_state_needs_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
