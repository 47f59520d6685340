/* SPDX-License-Identifier: MIT
 *
 * The application session: STDIN and DATA in the three roles, their lengths and their order. */
#include <stdlib.h>

#include "support.h"

#define RESPONDER "BEGIN 1 responder keep; PARAMS 1; "
#define RESPONDER_OF(length) \
    "BEGIN 1 responder keep; PARAMS 1 CONTENT_LENGTH=" length "; PARAMS 1; "
#define BEGUN            "begin 1 responder keep length=-1; "
#define BEGUN_OF(length) "begin 1 responder keep length=" length " CONTENT_LENGTH=" length "; "
#define ANSWER(text)     "> STDOUT 1 " text "; > STDOUT 1; > END 1 app=0 status=0; "
#define NEXT             "BEGIN 2 authorizer keep; PARAMS 2"
#define NEXT_BEGUN       "begin 2 authorizer keep length=-1; "
#define NEXT_ANSWER      "> STDOUT 2 done; > STDOUT 2; > END 2 app=0 status=0; active=0"

static const struct app_case responder[] = {
    CASE(REQ(44, 45, 89, n) " a body without a length ends where STDIN ends",
         RESPONDER "STDIN 1 split=3 hello-world; STDIN 1 hex=00ff01; STDIN 1",
         BEGUN "stdin 1 hello-world\\x00\\xff\\x01; stdin-end 1; " ANSWER(
             "hello-world\\x00\\xff\\x01") "active=0"),
    CASE(REQ(n) " an empty CONTENT_LENGTH is none", RESPONDER_OF("") "STDIN 1 hello; STDIN 1",
         "begin 1 responder keep length=-1 CONTENT_LENGTH=; stdin 1 hello; stdin-end 1; " ANSWER(
             "hello") "active=0"),
    CASE(REQ(n) " CONTENT_LENGTH -1 is none", RESPONDER_OF("-1") "STDIN 1 hello; STDIN 1",
         BEGUN_OF("-1") "stdin 1 hello; stdin-end 1; " ANSWER("hello") "active=0"),
    CASE(REQ(44, 47) " a body of length 0", RESPONDER_OF("0") "STDIN 1",
         BEGUN_OF("0") "stdin-end 1; " ANSWER("done") "active=0"),
    CASE(REQ(109, 112) " as long as declared", RESPONDER_OF("5") "STDIN 1 hel; STDIN 1 lo; STDIN 1",
         BEGUN_OF("5") "stdin 1 hello; stdin-end 1; " ANSWER("hello") "active=0"),
    CASE(REQ(m, 109) " longer than declared: cut, in the middle of a record",
         RESPONDER_OF("5") "STDIN 1 hello-world pad=3; STDIN 1 more; STDIN 1; " NEXT,
         BEGUN_OF("5") "stdin 1 hello; stdin-end 1 excess; " NEXT_BEGUN ANSWER("hello")
             NEXT_ANSWER),
    CASE(REQ(m, 109) " longer than declared: cut, between records",
         RESPONDER_OF("5") "STDIN 1 hello; STDIN 1 x; STDIN 1; " NEXT,
         BEGUN_OF("5") "stdin 1 hello; stdin-end 1 excess; " NEXT_BEGUN ANSWER("hello")
             NEXT_ANSWER),
    CASE(REQ(m) " a body where none was declared",
         RESPONDER_OF("0") "STDIN 1 split=2 hello; STDIN 1; " NEXT,
         BEGUN_OF("0") "stdin-end 1 excess; " NEXT_BEGUN ANSWER("done") NEXT_ANSWER),
    CASE(REQ(m, 112) " shorter than declared", RESPONDER_OF("6") "STDIN 1 hello; STDIN 1; " NEXT,
         BEGUN_OF("6") "stdin 1 hello; stdin-end 1 SHORT_BODY; " NEXT_BEGUN ANSWER("hello")
             NEXT_ANSWER),
    CASE(REQ(m, 112) " nothing where something was declared", RESPONDER_OF("1") "STDIN 1",
         BEGUN_OF("1") "stdin-end 1 SHORT_BODY; " ANSWER("done") "active=0"),
    CASE_WITH(
        REQ(106, 110, 37) " an answer before the body: the rest of it is skipped",
        RESPONDER_OF("5") "STDIN 1 he pad=2; STDIN 1 llo; STDIN 1; " NEXT,
        BEGUN_OF("5") "begin 2 authorizer keep length=-1; > STDOUT 1 early; > STDOUT 1; > END "
                      "1 app=0 status=0; > STDOUT 2 early; > STDOUT 2; > END 2 app=0 status=0; "
                      "active=0",
        .conduct = APP_ANSWERS_EARLY),
    CASE(REQ(c) " DATA to a Responder is skipped, at any time",
         "BEGIN 1 responder keep; DATA 1 x; PARAMS 1; DATA 1 yyy; STDIN 1 hi; DATA 1 z; DATA 1; "
         "STDIN 1",
         BEGUN "stdin 1 hi; stdin-end 1; " ANSWER("hi") "active=0"),
    CASE(REQ(c, 51) " STDIN before the end of PARAMS closes",
         "BEGIN 1 responder keep; PARAMS 1 A=b; STDIN 1 x", "error STREAM_ORDER; active=1"),
    CASE(REQ(c, 51) " the end of STDIN before the end of PARAMS closes",
         "BEGIN 1 responder keep; STDIN 1", "error STREAM_ORDER; active=1"),
    CASE(REQ(c, 51) " PARAMS after their end close", RESPONDER "PARAMS 1 A=b",
         BEGUN "error STREAM_ORDER; active=1"),
    CASE(REQ(c, 51) " a second end of PARAMS closes", RESPONDER "PARAMS 1",
         BEGUN "error STREAM_ORDER; active=1"),
    CASE_WITH(REQ(c, 44) " STDIN after its end closes", RESPONDER "STDIN 1 a; STDIN 1; STDIN 1 b",
              BEGUN "stdin 1 a; stdin-end 1; error STREAM_ORDER; active=1",
              .conduct = APP_NEVER_ANSWERS),
    CASE_WITH(REQ(c, 44) " a second end of STDIN says nothing new",
              RESPONDER "STDIN 1 a; STDIN 1; STDIN 1; STDIN 1; " NEXT,
              BEGUN "stdin 1 a; stdin-end 1; " NEXT_BEGUN "active=2", .conduct = APP_NEVER_ANSWERS),
};

static const struct app_case authorizer[] = {
    CASE(REQ(80, 113, 114) " no STDIN is needed",
         "BEGIN 1 authorizer keep; PARAMS 1 REMOTE_USER=me; PARAMS 1",
         "begin 1 authorizer keep length=-1 REMOTE_USER=me; " ANSWER("done") "active=0"),
    CASE_WITH(REQ(l, 114) " an empty STDIN is accepted",
              "BEGIN 1 authorizer keep; PARAMS 1; STDIN 1; STDIN 1; ABORT 1",
              "begin 1 authorizer keep length=-1; abort 1; active=1", .conduct = APP_NEVER_ANSWERS),
    CASE_WITH(REQ(l, 114) " a STDIN is skipped",
              "BEGIN 1 authorizer keep; PARAMS 1; STDIN 1 hello; STDIN 1; DATA 1 x; ABORT 1",
              "begin 1 authorizer keep length=-1; abort 1; active=1", .conduct = APP_NEVER_ANSWERS),
    CASE(REQ(c, l) " but not before the end of PARAMS", "BEGIN 1 authorizer keep; STDIN 1",
         "error STREAM_ORDER; active=1"),
};

#define FILTER(in, data) \
    "BEGIN 1 filter keep; PARAMS 1 CONTENT_LENGTH=" in " FCGI_DATA_LENGTH=" data "; PARAMS 1; "
#define FILTER_BEGUN(in, data) \
    "begin 1 filter keep length=" in " CONTENT_LENGTH=" in " FCGI_DATA_LENGTH=" data "; "

static const struct app_case filter[] = {
    CASE(REQ(121, 122, 125, 51) " STDIN, then DATA",
         FILTER("2", "4") "STDIN 1 ab; STDIN 1; DATA 1 c; DATA 1 def; DATA 1",
         FILTER_BEGUN("2", "4") "stdin 1 ab; stdin-end 1; data 1 cdef; data-end 1; " ANSWER(
             "abcdef") "active=0"),
    CASE(REQ(122, 47) " both empty", FILTER("0", "0") "STDIN 1; DATA 1",
         FILTER_BEGUN("0", "0") "stdin-end 1; data-end 1; " ANSWER("done") "active=0"),
    CASE(REQ(126, m) " both too long",
         FILTER("2", "4") "STDIN 1 abX; STDIN 1; DATA 1 cdefXX; DATA 1",
         FILTER_BEGUN("2", "4") "stdin 1 ab; stdin-end 1 excess; data 1 cdef; data-end 1 "
                                "excess; " ANSWER("abcdef") "active=0"),
    CASE(REQ(126, m) " STDIN too long, DATA not: each has its own length",
         FILTER("2", "4") "STDIN 1 abX; STDIN 1; DATA 1 cdef; DATA 1",
         FILTER_BEGUN("2", "4") "stdin 1 ab; stdin-end 1 excess; data 1 cdef; data-end 1; " ANSWER(
             "abcdef") "active=0"),
    CASE(REQ(126, m) " both too short", FILTER("3", "4") "STDIN 1 ab; STDIN 1; DATA 1 cde; DATA 1",
         FILTER_BEGUN("3", "4") "stdin 1 ab; stdin-end 1 SHORT_BODY; data 1 cde; "
                                "data-end 1 SHORT_BODY; " ANSWER("abcde") "active=0"),
    CASE(REQ(n) " no lengths",
         "BEGIN 1 filter keep; PARAMS 1; STDIN 1 a; STDIN 1; DATA 1 b; DATA 1",
         "begin 1 filter keep length=-1; stdin 1 a; stdin-end 1; data 1 b; data-end 1; " ANSWER(
             "ab") "active=0"),
    CASE(REQ(c, 51) " DATA before the end of STDIN closes", FILTER("2", "4") "STDIN 1 a; DATA 1 c",
         FILTER_BEGUN("2", "4") "stdin 1 a; error STREAM_ORDER; active=1"),
    CASE(REQ(c, 51) " DATA before the end of PARAMS closes", "BEGIN 1 filter keep; DATA 1",
         "error STREAM_ORDER; active=1"),
    CASE(REQ(c, 51) " STDIN after its end closes", FILTER("2", "4") "STDIN 1; STDIN 1 a",
         FILTER_BEGUN("2", "4") "stdin-end 1 SHORT_BODY; error STREAM_ORDER; active=1"),
    CASE_WITH(REQ(c, 44) " DATA after its end closes", FILTER("0", "0") "STDIN 1; DATA 1; DATA 1 a",
              FILTER_BEGUN("0", "0") "stdin-end 1; data-end 1; error STREAM_ORDER; active=1",
              .conduct = APP_NEVER_ANSWERS),
};

static void run_responder(void **state)
{
    app_run(responder, COUNT(responder));
}

static void run_authorizer(void **state)
{
    app_run(authorizer, COUNT(authorizer));
}

static void run_filter(void **state)
{
    app_run(filter, COUNT(filter));
}

/* Whoever takes the body in small bits and puts the rest back sees the same as who takes it all. */
static void taking_little(void **state)
{
    const struct app_case *all[] = {responder, filter};
    const size_t counts[] = {COUNT(responder), COUNT(filter)};

    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t j = 0; j < counts[i]; j++) {
            struct app_case c = all[i][j];
            c.conduct |= APP_TAKES_LITTLE;
            app_run(&c, 1);
        }
}

static weir_app_request *open_request(weir_app_session *session, const char *script)
{
    struct bytes input = {NULL, 0, 0};
    weir_app_event event;
    size_t used;

    script_add(&input, script);
    assert_int_equal(weir_app_session_next(session, input.ptr, input.len, &used, &event), 1);
    assert_int_equal(used, input.len);
    assert_int_equal(event.type, WEIR_APP_BEGIN);
    bytes_free(&input);
    return event.request;
}

/* What was put back comes again in other memory, cut elsewhere, and counts once. */
static void put_back(void **state)
{
    weir_app_session *session = weir_app_session_new(NULL);
    struct bytes input = {NULL, 0, 0};
    weir_app_event event;
    size_t used;

    assert_non_null(session);
    open_request(session, RESPONDER_OF("8"));
    script_add(&input, "STDIN 1 0123456789 pad=6; STDIN 1");
    assert_int_equal(weir_app_session_next(session, input.ptr, 14, &used, &event), 1);
    assert_int_equal(event.type, WEIR_APP_STDIN);
    assert_int_equal(event.data.len, 6);
    weir_app_session_unread(session, 6); /* all of it */
    assert_int_equal(weir_app_session_next(session, input.ptr + 8, 3, &used, &event), 1);
    assert_int_equal(event.data.len, 3);
    weir_app_session_unread(session, 1);
    weir_app_session_unread(session, 0);

    char *moved = malloc(input.len - 10);
    assert_non_null(moved);
    memcpy(moved, input.ptr + 10, input.len - 10);
    assert_int_equal(weir_app_session_next(session, moved, input.len - 10, &used, &event), 1);
    assert_int_equal(event.data.len, 6); /* 8 were declared, 2 have been taken */
    assert_memory_equal(event.data.ptr, "234567", 6);
    assert_int_equal(used, 6);
    weir_app_session_unread(session, 2);
    assert_int_equal(weir_app_session_next(session, moved + 4, input.len - 14, &used, &event), 1);
    assert_int_equal(event.data.len, 2);
    assert_int_equal(weir_app_session_next(session, moved + 6, input.len - 16, &used, &event), 1);
    assert_int_equal(event.type, WEIR_APP_STDIN_END);
    assert_int_equal(event.error, 0);
    assert_true(event.excess);
    assert_int_equal(used, input.len - 16);
    free(moved);
    bytes_free(&input);
    assert_null(weir_app_session_free(session));
}

/* The request ends while a part of its body is put back: the rest is skipped. */
static void put_back_and_ended(void **state)
{
    weir_app_session *session = weir_app_session_new(NULL);
    struct bytes input = {NULL, 0, 0};
    weir_app_event event;
    size_t used;

    assert_non_null(session);
    weir_app_request *request = open_request(session, RESPONDER_OF("8"));
    script_add(&input, "STDIN 1 01234567; STDIN 1; BEGIN 1 authorizer keep; PARAMS 1");
    assert_int_equal(weir_app_session_next(session, input.ptr, input.len, &used, &event), 1);
    assert_int_equal(used, 16);
    assert_int_equal(weir_app_end(request, 0, WEIR_REQUEST_COMPLETE), 0);
    weir_app_session_unread(session, 5);
    assert_int_equal(weir_app_session_next(session, input.ptr + 11, input.len - 11, &used, &event),
                     1);
    assert_int_equal(event.type, WEIR_APP_BEGIN);
    assert_int_equal(weir_app_request_role(event.request), WEIR_AUTHORIZER);
    assert_int_equal(used, input.len - 11);

    /* The other order. */
    assert_int_equal(weir_app_end(event.request, 0, WEIR_REQUEST_COMPLETE), 0);
    request = open_request(session, RESPONDER_OF("8"));
    assert_int_equal(weir_app_session_next(session, input.ptr, input.len, &used, &event), 1);
    weir_app_session_unread(session, 5);
    assert_int_equal(weir_app_end(request, 0, WEIR_REQUEST_COMPLETE), 0);
    assert_int_equal(weir_app_session_next(session, input.ptr + 11, input.len - 11, &used, &event),
                     1);
    assert_int_equal(event.type, WEIR_APP_BEGIN);
    bytes_free(&input);
    assert_null(weir_app_session_free(session));
}

/* Bodies longer than 32 bits can count. Nothing is stored, so only the counting is at stake. */
static void large_body(void **state)
{
    enum { PORTION = 65528 };
    const uint64_t length = 3ull << 31;
    weir_app_session *session = weir_app_session_new(NULL);
    char *record = calloc(1, 8 + PORTION);
    weir_app_event event;
    uint64_t got = 0;
    size_t used;

    assert_non_null(session);
    assert_non_null(record);
    weir_app_request *request = open_request(session, RESPONDER_OF("6442450944"));
    assert_int_equal(weir_app_request_content_length(request), (int64_t)length);
    weir_record_encode(&(weir_record){WEIR_STDIN, 1, PORTION, 0}, (uint8_t *)record);
    for (uint64_t sent = 0; sent < length + PORTION; sent += PORTION) {
        int rc = weir_app_session_next(session, record, 8 + PORTION, &used, &event);
        if (rc > 0)
            got += event.data.len;
        if (rc > 0 && used < 8 + PORTION)
            assert_int_equal(
                weir_app_session_next(session, record + used, 8 + PORTION - used, &used, &event),
                0);
    }
    assert_true(got == length);
    weir_record_encode(&(weir_record){WEIR_STDIN, 1, 0, 0}, (uint8_t *)record);
    assert_int_equal(weir_app_session_next(session, record, 8, &used, &event), 1);
    assert_int_equal(event.error, 0);
    assert_true(event.excess);
    free(record);
    assert_null(weir_app_session_free(session));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(44, 45, 109, 110, 112, c, m, n), run_responder),
        TEST(REQ(113, 114, l), run_authorizer),
        TEST(REQ(121, 122, 123, 125, 126, c, m), run_filter),
        TEST(REQ(k, 106, m), taking_little),
        TEST(REQ(k, m), put_back),
        TEST(REQ(k, 37), put_back_and_ended),
        TEST(REQ(m, 109), large_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
