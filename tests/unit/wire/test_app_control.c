/* SPDX-License-Identifier: MIT
 *
 * The application session: aborts, management records, limits, closing. */
#include <stdlib.h>

#include "support.h"

#define BEGIN   "BEGIN 1 responder keep; "
#define BEGUN   "begin 1 responder keep length=-1; "
#define ANSWER  "> STDOUT 1 done; > STDOUT 1; > END 1 app=0 status=0; "
#define ABORTED "> STDOUT 1; > END 1 app=9 status=0; "

static const struct app_case aborts[] = {
    CASE(REQ(98, 92, j) " before any parameter: the session answers itself",
         BEGIN "ABORT 1; PARAMS 1 A=b; PARAMS 1; STDIN 1",
         "> STDOUT 1; > END 1 app=0 status=0; active=0"),
    CASE(REQ(98, 92) " in the middle of PARAMS", BEGIN "PARAMS 1 hex=0109 A; ABORT 1; PARAMS 1 b",
         "> STDOUT 1; > END 1 app=0 status=0; active=0"),
    CASE(REQ(98, 92, 93, 94, j) " before the body: the application answers, the rest is skipped",
         BEGIN "PARAMS 1; ABORT 1; STDIN 1 hello; STDIN 1; " BEGIN "PARAMS 1; STDIN 1",
         BEGUN "abort 1; " BEGUN "stdin-end 1; " ABORTED ANSWER "active=0"),
    CASE(REQ(98, 94) " in the body", BEGIN "PARAMS 1; STDIN 1 he; ABORT 1; STDIN 1 llo; STDIN 1",
         BEGUN "stdin 1 he; abort 1; " ABORTED "active=0"),
    CASE_WITH(REQ(93, 94) " the application takes its time: until then input is skipped",
              BEGIN
              "PARAMS 1; STDIN 1 he; ABORT 1; STDIN 1 llo; STDIN 1; PARAMS 1; DATA 1; ABORT 1",
              BEGUN "stdin 1 he; abort 1; active=1", .conduct = APP_IGNORES_ABORT),
    CASE_WITH(REQ(98) " after the body", BEGIN "PARAMS 1; STDIN 1; ABORT 1",
              BEGUN "stdin-end 1; abort 1; active=1", .conduct = APP_NEVER_ANSWERS),
    CASE(REQ(96, 97) " of what has ended: nothing",
         BEGIN "PARAMS 1; STDIN 1; ABORT 1; ABORT 9; " BEGIN "PARAMS 1; STDIN 1",
         BEGUN "stdin-end 1; " BEGUN "stdin-end 1; " ANSWER ANSWER "active=0"),
    CASE(REQ(91, e) " with content, which is skipped",
         BEGIN "PARAMS 1; ABORT 1 surprise pad=3; 77 0",
         BEGUN "abort 1; " ABORTED "> UNKNOWN 0 kind=77; active=0"),
    CASE(REQ(91, e) " with content, before the parameters", BEGIN "ABORT 1 surprise pad=3; 77 0",
         "> STDOUT 1; > END 1 app=0 status=0; > UNKNOWN 0 kind=77; active=0"),
    CASE(REQ(18, 52) " of one request among others",
         BEGIN
         "BEGIN 2 responder keep; PARAMS 1; PARAMS 2; STDIN 1 a; STDIN 2 b; ABORT 1; STDIN 2 c; "
         "STDIN 1 x; STDIN 2",
         BEGUN "begin 2 responder keep length=-1; stdin 1 a; stdin 2 b; abort 1; stdin 2 c; "
               "stdin-end 2; " ABORTED
               "> STDOUT 2 bc; > STDOUT 2; > END 2 app=0 status=0; active=0"),
    CASE(REQ(82, 92) " of a request that closes the connection",
         "BEGIN 1 responder; PARAMS 1; ABORT 1; " BEGIN "PARAMS 1",
         "begin 1 responder length=-1; abort 1; " ABORTED "active=0 close"),
    CASE(REQ(82, 98) " of one that closes the connection, before its parameters",
         "BEGIN 1 responder; ABORT 1; " BEGIN "PARAMS 1",
         "> STDOUT 1; > END 1 app=0 status=0; active=0 close"),
};

#define ASK "VALUES 0 FCGI_MAX_CONNS= FCGI_MAX_REQS= FCGI_MPXS_CONNS="

static const struct app_case management[] = {
    CASE(REQ(66, 67, 70, 71) " what is known without options", ASK,
         "> RESULT 0 FCGI_MAX_REQS=100 FCGI_MPXS_CONNS=1; active=0"),
    CASE_WITH(REQ(69, 70, 71, 84) " one request at a time", ASK,
              "> RESULT 0 FCGI_MAX_CONNS=7 FCGI_MAX_REQS=1 FCGI_MPXS_CONNS=0; active=0",
              .options = {.max_requests = 1, .max_connections = 7}),
    CASE_WITH(REQ(69, 70) " the largest numbers", ASK,
              "> RESULT 0 FCGI_MAX_CONNS=4294967295 FCGI_MAX_REQS=4294967295 FCGI_MPXS_CONNS=1; "
              "active=0",
              .options = {.max_requests_total = UINT32_MAX, .max_connections = UINT32_MAX}),
    CASE(REQ(67) " only what was asked",
         "VALUES 0 FCGI_MPXS_CONNS=", "> RESULT 0 FCGI_MPXS_CONNS=1; active=0"),
    CASE(REQ(68) " unknown names are left out",
         "VALUES 0 FCGI_MPXS_CONN= X= FCGI_MAX_REQS= FCGI_MAX_REQSS= =; VALUES 0 fcgi_max_reqs=",
         "> RESULT 0 FCGI_MAX_REQS=100; > RESULT 0; active=0"),
    CASE(REQ(68, 44) " an empty question has an empty answer", "VALUES 0; VALUES 0 pad=3",
         "> RESULT 0; > RESULT 0; active=0"),
    CASE(REQ(66) " a value in a question is ignored", "VALUES 0 FCGI_MAX_REQS=12",
         "> RESULT 0 FCGI_MAX_REQS=100; active=0"),
    CASE(REQ(56) " long forms of lengths", "VALUES 0 44:FCGI_MAX_REQS= 41:FCGI_MPXS_CONNS=",
         "> RESULT 0 FCGI_MAX_REQS=100 FCGI_MPXS_CONNS=1; active=0"),
    CASE(REQ(g) " each name is answered once", "VALUES 0 FCGI_MAX_REQS= FCGI_MAX_REQS=; " ASK,
         "> RESULT 0 FCGI_MAX_REQS=100; > RESULT 0 FCGI_MAX_REQS=100 FCGI_MPXS_CONNS=1; active=0"),
    CASE(REQ(g, 62) " a malformed tail is dropped, and does not go on in the next record",
         "VALUES 0 FCGI_MAX_REQS= hex=0f00 FCGI_MPXS; VALUES 0 _CONNS; VALUES 0 FCGI_MPXS_CONNS=",
         "> RESULT 0 FCGI_MAX_REQS=100; > RESULT 0; > RESULT 0 FCGI_MPXS_CONNS=1; active=0"),
    CASE(REQ(g, 60) " a name of 2^31-1 bytes", "VALUES 0 FCGI_MAX_REQS= hex=ffffffff00 fill=40",
         "> RESULT 0 FCGI_MAX_REQS=100; active=0"),
    CASE(REQ(66, 72, 53) " at any time of a request",
         "VALUES 0 FCGI_MAX_REQS=; BEGIN 1 responder keep; VALUES 0 FCGI_MAX_REQS=; PARAMS 1; "
         "VALUES 0 FCGI_MAX_REQS=; STDIN 1 x; VALUES 0 FCGI_MAX_REQS=; STDIN 1 y; STDIN 1; "
         "VALUES 0 FCGI_MAX_REQS=",
         BEGUN
         "stdin 1 xy; stdin-end 1; > RESULT 0 FCGI_MAX_REQS=100; > RESULT 0 FCGI_MAX_REQS=100; "
         "> RESULT 0 FCGI_MAX_REQS=100; > RESULT 0 FCGI_MAX_REQS=100; "
         "> STDOUT 1 xy; > STDOUT 1; > END 1 app=0 status=0; > RESULT 0 FCGI_MAX_REQS=100; "
         "active=0"),
    CASE_WITH(REQ(72) " while a handler does not answer",
              BEGIN "PARAMS 1; STDIN 1; VALUES 0 FCGI_MAX_REQS=",
              BEGUN "stdin-end 1; > RESULT 0 FCGI_MAX_REQS=100; active=1",
              .conduct = APP_NEVER_ANSWERS),
    CASE(REQ(75, 76, 78) " an unknown type, its content and padding are skipped",
         "77 0; 12 0 fill=300 pad=255; 255 0 hex=0101; " BEGIN "PARAMS 1; STDIN 1",
         BEGUN
         "stdin-end 1; > UNKNOWN 0 kind=77; > UNKNOWN 0 kind=12; > UNKNOWN 0 kind=255; " ANSWER
         "active=0"),
    CASE(REQ(75, 31) " an application type with id 0 is unknown there",
         "PARAMS 0 A=b; PARAMS 0; STDIN 0 x; ABORT 0; STDOUT 0",
         "> UNKNOWN 0 kind=4; > UNKNOWN 0 kind=4; > UNKNOWN 0 kind=5; > UNKNOWN 0 kind=2; "
         "> UNKNOWN 0 kind=6; active=0"),
    CASE(REQ(33, 78) " what only an application sends gets no answer",
         "RESULT 0 FCGI_MAX_REQS=5; UNKNOWN 0 kind=9; UNKNOWN 0", "active=0"),
};

static const struct app_case limits[] = {
    CASE_WITH(REQ(84, 42, 86) " one at a time: CANT_MPX_CONN, and the first goes on",
              BEGIN
              "PARAMS 1; STDIN 1 a; BEGIN 2 responder keep; PARAMS 2 X=y; PARAMS 2; STDIN 2 z; "
              "STDIN 2; ABORT 2; STDIN 1 b; STDIN 1; BEGIN 2 authorizer keep; PARAMS 2",
              BEGUN "stdin 1 a; refused CANT_MPX; stdin 1 b; stdin-end 1; "
                    "begin 2 authorizer keep length=-1; > END 2 app=0 status=1; > STDOUT 1 ab; "
                    "> STDOUT 1; > END 1 app=0 status=0; > STDOUT 2 done; > STDOUT 2; "
                    "> END 2 app=0 status=0; active=0",
              .options = {.max_requests = 1}),
    CASE_WITH(REQ(85, 86) " two at a time: OVERLOADED",
              BEGIN "BEGIN 2 responder keep; BEGIN 3 responder keep; PARAMS 3; ABORT 1; "
                    "BEGIN 3 authorizer keep; PARAMS 3",
              "refused OVERLOADED; begin 3 authorizer keep length=-1; > END 3 app=0 status=2; "
              "> STDOUT 1; > END 1 app=0 status=0; > STDOUT 3 done; > STDOUT 3; "
              "> END 3 app=0 status=0; active=1",
              .options = {.max_requests = 2}),
    CASE_WITH(REQ(84, 82, h) " a refused request may also close the connection, after the others",
              BEGIN "BEGIN 2 responder; PARAMS 1; STDIN 1 x; STDIN 1; STDIN 2",
              "refused CANT_MPX; " BEGUN "stdin 1 x; stdin-end 1; > END 2 app=0 status=1; "
              "> STDOUT 1 x; > STDOUT 1; > END 1 app=0 status=0; active=0 close",
              .options = {.max_requests = 1}),
};

static const struct app_case closing[] = {
    CASE(REQ(15, 82) " KEEP_CONN=0: close after the answer", "BEGIN 1 responder; PARAMS 1; STDIN 1",
         "begin 1 responder length=-1; stdin-end 1; " ANSWER "active=0 close"),
    CASE(REQ(14, 82) " KEEP_CONN=1: stay", "BEGIN 1 responder keep; PARAMS 1; STDIN 1",
         BEGUN "stdin-end 1; " ANSWER "active=0"),
    CASE(REQ(81, 82) " only bit 0 is KEEP_CONN", "BEGIN 1 responder flags=254; PARAMS 1; STDIN 1",
         "begin 1 responder length=-1; stdin-end 1; " ANSWER "active=0 close"),
    CASE(REQ(s) " what comes behind is ignored, whatever it is",
         "BEGIN 1 responder; PARAMS 1; STDIN 1; BEGIN 1 responder; PARAMS 1; STDIN 1; 77 0; "
         "STDIN 1 version=9 fill=50",
         "begin 1 responder length=-1; stdin-end 1; " ANSWER "active=0 close"),
    CASE_WITH(REQ(s, 106) " also the rest of a body",
              "BEGIN 1 responder; PARAMS 1; STDIN 1 hello; STDIN 1; 77 0",
              "begin 1 responder length=-1; > STDOUT 1 early; > STDOUT 1; > END 1 app=0 status=0; "
              "active=0 close",
              .conduct = APP_ANSWERS_EARLY),
    CASE(
        REQ(h) " others that run go on, no new one begins, then close",
        "BEGIN 1 responder; BEGIN 2 responder keep; PARAMS 2; PARAMS 1; STDIN 1; BEGIN 3 responder "
        "keep fill=9; PARAMS 3; STDIN 3; STDIN 2 x; VALUES 0 FCGI_MAX_REQS=; STDIN 2; "
        "BEGIN 4 responder keep; PARAMS 4",
        "begin 2 responder keep length=-1; begin 1 responder length=-1; stdin-end 1; stdin 2 x; "
        "stdin-end 2; " ANSWER "> RESULT 0 FCGI_MAX_REQS=100; "
        "> STDOUT 2 x; > STDOUT 2; > END 2 app=0 status=0; active=0 close"),
    CASE(REQ(h) " a request that begins before the other has ended is served",
         "BEGIN 1 responder; PARAMS 1; BEGIN 2 authorizer keep; STDIN 1; PARAMS 2",
         "begin 1 responder length=-1; stdin-end 1; begin 2 authorizer keep length=-1; " ANSWER
         "> STDOUT 2 done; > STDOUT 2; > END 2 app=0 status=0; active=0 close"),
    CASE(
        REQ(82, d) " refused for its parameters and not kept",
        "BEGIN 1 responder; PARAMS 1 hex=05; PARAMS 1; 77 0",
        "refused PARAMS; > STDOUT 1 "
        "Status:\\x20400\\x20Bad\\x20Request\\x0d\\x0aContent-Type:\\x20text/"
        "plain\\x0d\\x0a\\x0d\\x0a400\\x20Bad\\x20Request:\\x20malformed\\x20FastCGI\\x20parameters"
        "\\x0a; > STDOUT 1; > END 1 app=0 status=0; active=0 close"),
};

static void run_aborts(void **state)
{
    app_run(aborts, COUNT(aborts));
}

static void run_management(void **state)
{
    app_run(management, COUNT(management));
}

static void run_limits(void **state)
{
    app_run(limits, COUNT(limits));
}

static void run_closing(void **state)
{
    app_run(closing, COUNT(closing));
}

/* After an error the session is silent: it reads nothing, and END_REQUEST is not written. */
static void dead_after_error(void **state)
{
    static struct text text;
    weir_app_session *session = weir_app_session_new(NULL);
    struct bytes input = {NULL, 0, 0}, begin = {NULL, 0, 0};
    weir_app_event event;
    size_t used;

    assert_non_null(session);
    script_add(&begin, BEGIN "PARAMS 1");
    assert_int_equal(weir_app_session_next(session, begin.ptr, begin.len, &used, &event), 1);
    weir_app_request *request = event.request;
    script_add(&input, "STDIN 1 version=3; 77 0");
    text.len = 0;
    assert_int_equal(app_feed(session, bytes_str(&input), 0, &text), WEIR_ERROR_VERSION_FIELD);
    assert_int_equal(weir_app_session_next(session, begin.ptr, begin.len, &used, &event),
                     WEIR_ERROR_STATE);
    assert_int_equal(used, 0);
    assert_int_equal(weir_app_end(request, 0, WEIR_REQUEST_COMPLETE), 0);
    assert_int_equal(weir_app_session_active(session), 0);
    assert_int_equal(weir_app_session_pending(session), 0);
    bytes_free(&input);
    bytes_free(&begin);
    assert_null(weir_app_session_free(session));
}

/* A program built with a shorter weir_app_options: what it does not have is not read. */
static void older_options(void **state)
{
    struct {
        size_t size;
        uint32_t max_requests;
    } *older = malloc(sizeof *older);
    static struct text text;
    struct bytes input = {NULL, 0, 0}, out = {NULL, 0, 0};

    assert_non_null(older);
    older->size = offsetof(weir_app_options, max_requests_total);
    older->max_requests = 3;
    weir_app_session *session = weir_app_session_new((const weir_app_options *)older);
    assert_non_null(session);
    free(older);
    script_add(&input, ASK);
    text.len = 0;
    assert_int_equal(app_feed(session, bytes_str(&input), 0, &text), 0);
    take_app_output(session, &out, 0);
    describe_records(&text, bytes_str(&out), FROM_APP);
    expect_text("older options", &text, "> RESULT 0 FCGI_MAX_REQS=3 FCGI_MPXS_CONNS=1");
    bytes_free(&input);
    bytes_free(&out);
    assert_null(weir_app_session_free(session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(18, 91, 92, 93, 94, 96, 97, 98, e, j), run_aborts),
        TEST(REQ(66, 67, 68, 69, 70, 71, 72, 75, 76, 78, g), run_management),
        TEST(REQ(42, 84, 85, 86), run_limits),
        TEST(REQ(14, 15, 82, h, s), run_closing),
        TEST(REQ(f), dead_after_error),
        TEST("options", older_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
