/* SPDX-License-Identifier: MIT
 *
 * The web-server session: what it makes of an application's records. */
#include <stdlib.h>

#include "support.h"

#define ONE   .requests = "responder+"
#define TWO   .requests = "responder+ responder+"
#define END   "END 1 app=0 status=0"
#define ENDED "end 1 app=0 status=0; "

static const struct web_case responses[] = {
    CASE_WITH(REQ(19, 35, 45, 100) " a response", "STDOUT 1 split=3 hello-world; STDOUT 1; " END,
              "stdout 1 hello-world; stdout-end 1; " ENDED "active=0 reusable", ONE),
    CASE_WITH(REQ(24, 25, 26, 28) " padding after every record, of any length, looks like records",
              "STDOUT 1 hello pad=255; STDOUT 1 pad=8; STDERR 1 x pad=3; STDERR 1 pad=16; "
              "END 1 app=5 status=0 pad=200",
              "stdout 1 hello; stdout-end 1; stderr 1 x; end 1 app=5 status=0; active=0 reusable",
              ONE),
    CASE_WITH(REQ(50) " STDERR in the middle of STDOUT",
              "STDERR 1 a; STDOUT 1 x; STDERR 1 split=1 bcd; STDOUT 1 y; STDERR 1; STDOUT 1; " END,
              "stderr 1 a; stdout 1 x; stderr 1 bcd; stdout 1 y; stdout-end 1; " ENDED
              "active=0 reusable",
              ONE),
    CASE_WITH(REQ(48, 47) " no output at all", "STDOUT 1; " END,
              "stdout-end 1; " ENDED "active=0 reusable", ONE),
    CASE_WITH(REQ(i) " no end of STDOUT", "STDOUT 1 hello; " END,
              "stdout 1 hello; " ENDED "active=0 reusable", ONE),
    CASE_WITH(REQ(i) " an end of STDERR that never began, and STDOUT after it",
              "STDERR 1; STDOUT 1 hello; " END, "stdout 1 hello; " ENDED "active=0 reusable", ONE),
    CASE_WITH(REQ(44) " a second end of STDOUT says nothing new", "STDOUT 1; STDOUT 1; " END,
              "stdout-end 1; " ENDED "active=0 reusable", ONE),
    CASE_WITH(REQ(44) " STDOUT after its end is an error", "STDOUT 1 a; STDOUT 1; STDOUT 1 b; " END,
              "stdout 1 a; stdout-end 1; error STREAM_ORDER; active=1", ONE),
    CASE_WITH(REQ(107, 106) " an answer while the body is being sent",
              "STDOUT 1 early; STDOUT 1; " END, "stdout 1 early; stdout-end 1; " ENDED "active=0",
              .requests = "responder"),
    CASE_WITH(
        REQ(102, 101, o) " statuses are handed on",
        "END 1 app=4275878552 status=1; STDOUT 2 x; END 2 app=0 status=2; END 3 app=1 status=3; "
        "END 4 app=0 status=200",
        "end 1 app=4275878552 status=1; stdout 2 x; end 2 app=0 status=2; "
        "end 3 app=1 status=3; end 4 app=0 status=200; active=0 reusable",
        .requests = "responder+ responder+ responder+ filter+"),
    CASE_WITH(REQ(99, 29) " an END longer than 8 bytes, with reserved bytes set",
              "END 1 hex=0000000700ffffff fill=300 pad=5",
              "end 1 app=7 status=0; active=0 reusable", ONE),
    CASE_WITH(REQ(99) " an END shorter than 8 bytes is an error", "END 1 hex=00000000000000",
              "error RECORD_LENGTH; active=1", ONE),
    CASE_WITH(REQ(22, f) " another version is an error", "STDOUT 1 a; STDOUT 1 b version=0",
              "stdout 1 a; error VERSION_FIELD; active=1", ONE),
    CASE_WITH(REQ(52) " two responses interleaved",
              "STDOUT 2 b; STDOUT 1 a; STDERR 2 e; STDOUT 1 a; STDOUT 1; STDOUT 2 b; " END
              "; STDOUT 2; END 2 app=2 status=0",
              "stdout 2 b; stdout 1 a; stderr 2 e; stdout 1 a; stdout-end 1; stdout 2 b; " ENDED
              "stdout-end 2; end 2 app=2 status=0; active=0 reusable",
              TWO),
    CASE_WITH(REQ(80, 114, 115) " an authorizer needs no STDIN", "STDOUT 1 ok; STDOUT 1; " END,
              "stdout 1 ok; stdout-end 1; " ENDED "active=0 reusable", .requests = "authorizer"),
};

static const struct web_case ids[] = {
    CASE_WITH(REQ(30) " an id that was never begun is an error", "STDOUT 1 a; STDOUT 2 b",
              "stdout 1 a; error RECORD_ID; active=1", ONE),
    CASE_WITH(REQ(30) " also in END", "END 7 app=0 status=0", "error RECORD_ID; active=1", ONE),
    CASE_WITH(REQ(30, 37) " also of unknown type", "99 65535", "error RECORD_ID; active=1", ONE),
    CASE_WITH(REQ(31) " STDOUT with id 0", "STDOUT 0 a", "error RECORD_ID; active=1", ONE),
    CASE_WITH(REQ(31) " STDERR with id 0", "STDERR 0 a", "error RECORD_ID; active=1", ONE),
    CASE_WITH(REQ(31) " END with id 0", "END 0 app=0", "error RECORD_ID; active=1", ONE),
    CASE_WITH(REQ(103, 43) " what comes late for an id that has ended is skipped, never delivered",
              END "; STDOUT 1 late; STDERR 1 late pad=4; STDOUT 1; " END
                  "; STDOUT 2 b; STDOUT 1 late; END 2 app=0 status=0",
              ENDED "stdout 2 b; end 2 app=0 status=0; active=0 reusable", TWO),
    CASE_WITH(REQ(33) " what only a web server sends is an error: BEGIN", "BEGIN 1 responder",
              "error RECORD_TYPE; active=1", ONE),
    CASE_WITH(REQ(33) " ABORT", "ABORT 1", "error RECORD_TYPE; active=1", ONE),
    CASE_WITH(REQ(33) " PARAMS", "PARAMS 1 A=b", "error RECORD_TYPE; active=1", ONE),
    CASE_WITH(REQ(33) " STDIN", "STDIN 1 a", "error RECORD_TYPE; active=1", ONE),
    CASE_WITH(REQ(33) " DATA", "DATA 1 a", "error RECORD_TYPE; active=1", ONE),
    CASE_WITH(REQ(33) " GET_VALUES", "VALUES 1", "error RECORD_TYPE; active=1", ONE),
    CASE_WITH(REQ(31) " UNKNOWN_TYPE with an id", "UNKNOWN 1 kind=7", "error RECORD_TYPE; active=1",
              ONE),
    CASE_WITH(REQ(31) " GET_VALUES_RESULT with an id", "RESULT 1", "error RECORD_TYPE; active=1",
              ONE),
    CASE_WITH(REQ(33) " also for an id that has ended", END "; STDIN 1 a",
              ENDED "error RECORD_TYPE; active=1", TWO),
    CASE_WITH(REQ(a) " unknown types are skipped", "12 1 hello pad=3; STDOUT 1 a; 255 2; " END,
              "stdout 1 a; " ENDED "active=1", TWO),
};

static const struct web_case management[] = {
    CASE_WITH(REQ(67, 69, 70, 71, 53) " values",
              "STDOUT 1 a; RESULT 0 FCGI_MAX_CONNS=1 FCGI_MAX_REQS=200 FCGI_MPXS_CONNS=1; "
              "STDOUT 1 b; " END,
              "stdout 1 a; values; stdout 1 b; " ENDED "active=0 reusable conns=1 reqs=200 mpxs=1",
              ONE),
    CASE_WITH(REQ(73) " fewer and others than asked",
              "RESULT 0 FCGI_MPXS_CONNS=0 X=5 FCGI_MAX_REQ=7 44:FCGI_MAX_REQS=",
              "values; active=0 reusable conns=-1 reqs=-1 mpxs=0", .requests = ""),
    CASE_WITH(REQ(73) " none", "RESULT 0 pad=4", "values; active=0 reusable", .requests = ""),
    CASE_WITH(REQ(69, 70) " what is no number is nothing",
              "RESULT 0 FCGI_MAX_CONNS=-1 FCGI_MAX_REQS=9223372036854775808 FCGI_MPXS_CONNS=yes",
              "values; active=0 reusable", .requests = ""),
    CASE_WITH(REQ(62) " a malformed tail is dropped", "RESULT 0 FCGI_MAX_CONNS=3 hex=0d01 FCGI_MAX",
              "values; active=0 reusable conns=3 reqs=-1 mpxs=-1", .requests = ""),
    CASE_WITH(REQ(67) " a second answer replaces the first",
              "RESULT 0 FCGI_MAX_CONNS=3; RESULT 0 FCGI_MAX_REQS=4",
              "values; values; active=0 reusable conns=-1 reqs=4 mpxs=-1", .requests = ""),
    CASE_WITH(REQ(77, 75) " UNKNOWN_TYPE", "UNKNOWN 0 kind=77 fill=3 pad=5; STDOUT 1 a",
              "unknown 77; stdout 1 a; active=1", ONE),
    CASE_WITH(REQ(75) " a short UNKNOWN_TYPE is an error", "UNKNOWN 0 hex=4d",
              "error RECORD_LENGTH; active=1", ONE),
    CASE_WITH(REQ(76) " other management types are skipped",
              "13 0 fill=77 pad=7; VALUES 0 A=; 0 0; STDOUT 1 a", "stdout 1 a; active=1", ONE),
};

static const struct web_case aborts[] = {
    CASE_WITH(REQ(91, 95) " nothing more is delivered, until END",
              "STDOUT 1 late; STDERR 1 late; STDOUT 1; END 1 app=9 status=0",
              "end 1 app=9 status=0; active=0 reusable", .requests = "responder+!"),
    CASE_WITH(REQ(97) " END had been sent before ABORT came", END, ENDED "active=0 reusable",
              .requests = "responder+!"),
    CASE_WITH(REQ(95) " until END the id is in use", "STDOUT 1 late", "active=1",
              .requests = "responder+!"),
    CASE_WITH(REQ(18, 91) " the others go on",
              "STDOUT 1 a; STDOUT 2 b; " END "; STDOUT 2; END 2 app=0 status=0",
              "stdout 2 b; " ENDED "stdout-end 2; end 2 app=0 status=0; active=0 reusable",
              .requests = "responder+! responder+"),
    CASE_WITH(REQ(94) " in the middle of the body: the connection is not used again", END,
              ENDED "active=0", .requests = "responder!"),
};

static const struct web_case reuse[] = {
    CASE_WITH(REQ(14, 82) " all is well", END, ENDED "active=0 reusable", ONE),
    CASE_WITH(REQ(15, 82) " the application closes", END, ENDED "active=0",
              .requests = "responder+-"),
    CASE_WITH(REQ(15, h) " the application closes, because of an earlier request",
              END "; END 2 app=0 status=0", ENDED "end 2 app=0 status=0; active=0",
              .requests = "responder+- responder+"),
    CASE_WITH(REQ(109) " the body was not sent", END, ENDED "active=0", .requests = "responder"),
    CASE_WITH(REQ(122) " the file was not sent", END, ENDED "active=0", .requests = "filter"),
    CASE_WITH(REQ(39) " another one runs", END, ENDED "active=1", TWO),
    CASE_WITH(REQ(19, 24) " whole records behind END do no harm", END "; 12 1 pad=3; 12 1",
              ENDED "active=0 reusable", ONE),
    CASE_WITH(REQ(19) " nothing has happened yet", "12 0", "active=0 reusable", .requests = ""),
};

static void run_responses(void **state)
{
    web_run(responses, COUNT(responses));
}

static void run_ids(void **state)
{
    web_run(ids, COUNT(ids));
}

static void run_management(void **state)
{
    web_run(management, COUNT(management));
}

static void run_aborts(void **state)
{
    web_run(aborts, COUNT(aborts));
}

static void run_reuse(void **state)
{
    web_run(reuse, COUNT(reuse));
}

static void taking_little(void **state)
{
    for (size_t i = 0; i < COUNT(responses); i++) {
        struct web_case c = responses[i];
        c.takes_little = true;
        web_run(&c, 1);
    }
}

static weir_web_request *send_request(weir_web_session *session)
{
    weir_web_request *request = weir_web_begin(session, WEIR_RESPONDER, WEIR_FLAG_KEEP_CONN, NULL);
    struct bytes out = {NULL, 0, 0};

    assert_non_null(request);
    assert_int_equal(weir_web_params_end(request), 0);
    assert_int_equal(weir_web_stdin_end(request), 0);
    take_web_output(session, &out, 0);
    bytes_free(&out);
    return request;
}

/* At every byte before and behind END_REQUEST: reusable only where a record ends. */
static void reusable_at_a_boundary(void **state)
{
    struct bytes input = {NULL, 0, 0};
    size_t end_record, end_padding;

    script_add(&input, "STDOUT 1 ab; END 1 app=0 status=0 pad=4");
    end_padding = input.len;
    end_record = input.len - 4;
    script_add(&input, "UNKNOWN 0 kind=7 pad=2");
    for (size_t n = 0; n <= input.len; n++) {
        static struct text text;
        weir_web_session *session = weir_web_session_new();
        assert_non_null(session);
        weir_web_request *request = send_request(session);
        weir_web_request_set_user(request, (void *)(uintptr_t)1001);
        text.len = 0;
        assert_int_equal(web_feed(session, str(input.ptr, n), false, &text), 0);
        assert_int_equal(weir_web_session_active(session), n < end_record);
        assert_int_equal(weir_web_session_reusable(session), n == end_padding || n == input.len);
        assert_null(weir_web_session_free(session));
    }
    bytes_free(&input);
}

/* The request can be looked at until the next call, and nothing is reusable while output waits. */
static void lifetime(void **state)
{
    weir_web_session *session = weir_web_session_new();
    struct bytes input = {NULL, 0, 0}, out = {NULL, 0, 0};
    weir_web_event event;
    size_t used;

    assert_non_null(session);
    script_add(&input, END);
    weir_web_request *request = send_request(session);
    assert_int_equal(weir_web_session_next(session, input.ptr, input.len, &used, &event), 1);
    assert_ptr_equal(event.request, request);
    assert_int_equal(weir_web_request_id(request), 1);
    assert_true(weir_web_session_reusable(session));
    assert_int_equal(weir_web_session_get_values(session), 0);
    assert_false(weir_web_session_reusable(session));
    take_web_output(session, &out, 5);
    assert_true(weir_web_session_reusable(session));

    /* The next one begins before the one that ended was looked after. */
    request = send_request(session);
    assert_int_equal(weir_web_request_id(request), 2);
    assert_false(weir_web_session_reusable(session));
    assert_int_equal(
        weir_web_session_next(session, "\1\3\0\2\0\10\0\0\0\0\0\0\0\0\0", 16, &used, &event), 1);
    assert_ptr_equal(event.request, request);
    bytes_free(&input);
    bytes_free(&out);
    assert_null(weir_web_session_free(session)); /* with the ended one in it */
}

/* Put back, then aborted: what was put back is not delivered. Dead after an error. */
static void put_back_and_aborted(void **state)
{
    static struct text text;
    weir_web_session *session = weir_web_session_new();
    struct bytes input = {NULL, 0, 0};
    weir_web_event event;
    size_t used;

    assert_non_null(session);
    weir_web_request *request = send_request(session);
    weir_web_request_set_user(request, (void *)(uintptr_t)1001);
    script_add(&input, "STDOUT 1 0123456789; STDOUT 1 more; END 1 app=1 status=0; STDOUT 0");
    assert_int_equal(weir_web_session_next(session, input.ptr, input.len, &used, &event), 1);
    assert_int_equal(used, 18);
    weir_web_session_unread(session, 7);
    assert_int_equal(weir_web_abort(request), 0);
    assert_int_equal(weir_web_abort(request), 0); /* once is enough */
    assert_int_equal(weir_web_session_pending(session), 8);
    text.len = 0;
    assert_int_equal(web_feed(session, str(input.ptr + 11, input.len - 11), false, &text),
                     WEIR_ERROR_RECORD_ID);
    expect_text("put back", &text, "end 1 app=1 status=0; error RECORD_ID");
    assert_int_equal(weir_web_session_next(session, input.ptr, input.len, &used, &event),
                     WEIR_ERROR_STATE);
    assert_int_equal(used, 0);
    assert_false(weir_web_session_reusable(session));
    bytes_free(&input);
    assert_null(weir_web_session_free(session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(24, 44, 48, 50, 52, 99, 101, 102, 107, i, o), run_responses),
        TEST(REQ(30, 31, 33, 43, 103, a), run_ids),
        TEST(REQ(67, 73, 75, 76, 77), run_management),
        TEST(REQ(91, 95, 97), run_aborts),
        TEST(REQ(14, 15, 82, h), run_reuse),
        TEST(REQ(35, 45, k), taking_little),
        TEST(REQ(24, 25), reusable_at_a_boundary),
        TEST(REQ(14, 39), lifetime),
        TEST(REQ(91, 97), put_back_and_aborted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
