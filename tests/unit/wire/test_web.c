/* SPDX-License-Identifier: MIT
 *
 * The web server's session: what it believes of an application's records, and what it sends. */
#include "support.h"

#include <stdlib.h>

#include "support/failmalloc.h"

static void responses(void **state)
{
    static const struct web_case cases[] = {
        CASE_WITH(REQ(44, 45, 99), "STDOUT 1 one; STDOUT 1 two; STDOUT 1; END 1 app=7",
                  "stdout 1 onetwo; stdout-end 1; end 1 app=7 status=0; active=0 reusable",
                  .requests = "responder+"),
        CASE_WITH(REQ(24, 25, 26), "STDOUT 1 a pad=255; STDOUT 1 pad=3; END 1 app=0 pad=9",
                  "stdout 1 a; stdout-end 1; end 1 app=0 status=0; active=0 reusable",
                  .requests = "responder+"),
        CASE_WITH(REQ(48, 50),
                  "STDERR 1 x; STDOUT 1 a; STDERR 1 y; STDERR 1; STDOUT 1; END 1 app=0",
                  "stderr 1 x; stdout 1 a; stderr 1 y; stdout-end 1; end 1 app=0 status=0; "
                  "active=0 reusable",
                  .requests = "responder+"),
        CASE_WITH(REQ(i), "STDOUT 1 a; END 1 app=0",
                  "stdout 1 a; end 1 app=0 status=0; active=0 reusable", .requests = "responder+"),
        CASE_WITH(REQ(52),
                  "STDOUT 2 b; STDOUT 1 a; STDOUT 2 B; END 2 app=0; STDOUT 1 A; END 1 app=0",
                  "stdout 2 b; stdout 1 a; stdout 2 B; end 2 app=0 status=0; stdout 1 A; "
                  "end 1 app=0 status=0; active=0 reusable",
                  .requests = "responder+ responder+"),
        CASE_WITH(REQ(101, 87), "END 1 status=1; END 2 status=2; END 3 status=3",
                  "end 1 app=0 status=1; end 2 app=0 status=2; end 3 app=0 status=3; "
                  "active=0 reusable",
                  .requests = "responder+ responder+ responder+"),
        CASE_WITH(REQ(99) " all four bytes", "END 1 hex=fffefdfc00000000",
                  "end 1 app=4294901244 status=0; active=0 reusable", .requests = "responder+"),
        CASE_WITH(REQ(45) " taken in little pieces", "STDOUT 1 abcdefgh; STDOUT 1; END 1 app=0",
                  "stdout 1 abcdefgh; stdout-end 1; end 1 app=0 status=0; active=0 reusable",
                  .requests = "responder+", .takes_little = true),
    };

    (void)state;
    web_run(cases, COUNT(cases));
}

static void late_and_wrong_records(void **state)
{
    static const struct web_case cases[] = {
        CASE_WITH(REQ(103), "END 1 app=0; STDOUT 1 late; STDERR 1 late; END 1 app=1",
                  "end 1 app=0 status=0; active=0 reusable", .requests = "responder+"),
        CASE_WITH(REQ(103) " while another runs", "END 1 app=0; STDOUT 1 late; STDOUT 2 mine",
                  "end 1 app=0 status=0; stdout 2 mine; active=1",
                  .requests = "responder+ responder+"),
        CASE_WITH(REQ(91, 95, 97), "STDOUT 1 unwanted; STDERR 1 too; STDOUT 1; END 1 app=0",
                  "end 1 app=0 status=0; active=0 reusable", .requests = "responder+!"),
        CASE_WITH(REQ(39) " an id never begun", "STDOUT 2 x", "error RECORD_ID; active=1",
                  .requests = "responder+"),
        CASE_WITH(REQ(31), "STDOUT 0 x", "error RECORD_ID; active=1", .requests = "responder+"),
        CASE_WITH(REQ(31), "END 0 app=0", "error RECORD_ID; active=1", .requests = "responder+"),
        CASE_WITH(REQ(33) " what only a web server sends", "STDIN 1 x",
                  "error RECORD_TYPE; active=1", .requests = "responder+"),
        CASE_WITH(REQ(33), "BEGIN 1 responder", "error RECORD_TYPE; active=1",
                  .requests = "responder+"),
        CASE_WITH(REQ(a), "99 1 x; STDOUT 1 y", "stdout 1 y; active=1", .requests = "responder+"),
        CASE_WITH(REQ(22, f), "STDOUT 1 x version=2", "error VERSION_FIELD; active=1",
                  .requests = "responder+"),
        CASE_WITH(REQ(44), "STDOUT 1; STDOUT 1 more", "stdout-end 1; error STREAM_ORDER; active=1",
                  .requests = "responder+"),
        CASE_WITH(REQ(99) " too short", "END 1 hex=00000000", "error RECORD_LENGTH; active=1",
                  .requests = "responder+"),
    };

    (void)state;
    web_run(cases, COUNT(cases));
}

static void reuse(void **state)
{
    static const struct web_case cases[] = {
        CASE_WITH(REQ(14), "END 1 app=0", "end 1 app=0 status=0; active=0 reusable",
                  .requests = "authorizer"),
        CASE_WITH(REQ(15, 82) " not asked to be kept", "END 1 app=0",
                  "end 1 app=0 status=0; active=0", .requests = "responder+-"),
        CASE_WITH(REQ(109) " the body was not sent to its end", "END 1 app=0",
                  "end 1 app=0 status=0; active=0", .requests = "responder"),
        CASE_WITH(REQ(14) " another one runs", "END 1 app=0", "end 1 app=0 status=0; active=1",
                  .requests = "responder+ responder+"),
        CASE_WITH(REQ(122) " a Filter whose inputs were both sent", "END 1 app=0",
                  "end 1 app=0 status=0; active=0 reusable", .requests = "filter+"),
    };

    (void)state;
    web_run(cases, COUNT(cases));

    weir_web_session *session = weir_web_session_new();
    weir_web_request *request =
        weir_web_begin(session, WEIR_RESPONDER, WEIR_FLAG_KEEP_CONN, (void *)1001);
    struct bytes out = {NULL, 0, 0};
    struct text text = {.len = 0};
    assert_int_equal(weir_web_params_end(request), 0);
    assert_int_equal(weir_web_stdin_end(request), 0);
    assert_false(weir_web_session_reusable(session)); /* nothing was sent yet */
    take_web_output(session, &out, 0);
    static const char end[] = "\1\3\0\1\0\10\3\0\0\0\0\0\0\0\0\0";
    web_feed(session, str(end, 16), false, &text);
    assert_false(weir_web_session_reusable(session)); /* three bytes of padding are missing */
    web_feed(session, str("xyz", 3), false, &text);
    assert_true(weir_web_session_reusable(session));
    weir_web_session_free(session);
    bytes_free(&out);
}

static void values(void **state)
{
    static const struct web_case cases[] = {
        CASE_WITH(REQ(67, 69, 70, 71),
                  "RESULT 0 FCGI_MAX_CONNS=12 FCGI_MAX_REQS=34 FCGI_MPXS_CONNS=1",
                  "values; active=0 reusable conns=12 reqs=34 mpxs=1", .requests = ""),
        CASE_WITH(REQ(73) " fewer, and others", "RESULT 0 OTHER=1 44:FCGI_MPXS_CONNS=0",
                  "values; active=0 reusable conns=-1 reqs=-1 mpxs=0", .requests = ""),
        CASE_WITH(REQ(73) " nothing", "RESULT 0", "values; active=0 reusable", .requests = ""),
        CASE_WITH(REQ(69) " no number", "RESULT 0 FCGI_MAX_CONNS=many FCGI_MAX_REQS=",
                  "values; active=0 reusable", .requests = ""),
        CASE_WITH(REQ(53) " inside a request", "STDOUT 1 a; RESULT 0 FCGI_MPXS_CONNS=1; STDOUT 1 b",
                  "stdout 1 a; values; stdout 1 b; active=1 conns=-1 reqs=-1 mpxs=1",
                  .requests = "responder+"),
        CASE_WITH(REQ(77), "UNKNOWN 0 kind=9; STDOUT 1 b", "unknown 9; stdout 1 b; active=1",
                  .requests = "responder+"),
        CASE_WITH(REQ(75) " too short", "UNKNOWN 0 hex=09", "error RECORD_LENGTH; active=0",
                  .requests = ""),
    };

    (void)state;
    web_run(cases, COUNT(cases));
}

/* ---- What is sent ---------------------------------------------------------------------------- */

/* All parameters of the PARAMS records in out, counted; checks that no pair crosses a record, and
 * that content and padding stay within 65535 bytes. */
static size_t count_whole_pairs(const struct bytes *out)
{
    size_t pos = 0, pairs = 0;

    while (pos + 8 <= out->len) {
        weir_record record;
        weir_pair pair;
        assert_int_equal(weir_record_decode((const uint8_t *)out->ptr + pos, &record), 0);
        assert_true(record.content_length + record.padding_length <= 65535);
        weir_str content = {out->ptr + pos + 8, record.content_length};
        if (record.type == WEIR_PARAMS) {
            int rc;
            while ((rc = weir_pair_decode(&content, &pair)) > 0)
                pairs++;
            assert_int_equal(rc, 0);
        }
        for (unsigned i = 0; i < record.padding_length; i++)
            assert_int_equal(out->ptr[pos + 8 + record.content_length + i], 0);
        pos += 8u + record.content_length + record.padding_length;
    }
    assert_int_equal(pos, out->len);
    return pairs;
}

static void params_are_whole(void **state)
{
    static char value[70000];
    static const size_t sizes[] = {0,    1,     126,   127,   128,   1000,  2031,
                                   4000, 16000, 32000, 60000, 65500, 65518, 65519};

    (void)state;
    memset(value, 'v', sizeof value);
    for (size_t first = 0; first < COUNT(sizes); first++) {
        weir_web_session *session = weir_web_session_new();
        weir_web_request *request = weir_web_begin(session, WEIR_RESPONDER, 0, NULL);
        struct bytes out = {NULL, 0, 0};
        size_t sent = 0;
        for (size_t i = 0; i < COUNT(sizes); i++, sent++)
            assert_int_equal(weir_web_param(request, WEIR_STR("NAME"),
                                            str(value, sizes[(first + i) % COUNT(sizes)])),
                             0);
        for (int i = 0; i < 300; i++, sent++)
            assert_int_equal(weir_web_param(request, WEIR_STR("SHORT"), str(value, 11)), 0);
        assert_int_equal(weir_web_param(request, WEIR_STR("NAME"), str(value, 65520)),
                         WEIR_ERROR_LIMIT);
        assert_int_equal(weir_web_param(request, str(value, 70000), WEIR_STR("")),
                         WEIR_ERROR_LIMIT);
        assert_int_equal(weir_web_params_end(request), 0);
        take_web_output(session, &out, 0);
        assert_int_equal(count_whole_pairs(&out), sent);
        weir_web_session_free(session);
        bytes_free(&out);
    }
}

static void order_of_calls(void **state)
{
    weir_web_session *session = weir_web_session_new();
    weir_web_request *request = weir_web_begin(session, WEIR_FILTER, 0, NULL);
    weir_str x = WEIR_STR("x");

    (void)state;
    assert_int_equal(weir_web_stdin(request, x), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data(request, x), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_params_end(request), 0);
    assert_int_equal(weir_web_param(request, x, x), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_params_end(request), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data_end(request), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_stdin(request, x), 0);
    assert_int_equal(weir_web_stdin_end(request), 0);
    assert_int_equal(weir_web_stdin(request, x), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data(request, x), 0);
    assert_int_equal(weir_web_abort(request), 0);
    size_t pending = weir_web_session_pending(session);
    assert_int_equal(weir_web_abort(request), 0); /* says nothing twice */
    assert_int_equal(weir_web_session_pending(session), pending);
    assert_int_equal(weir_web_data_end(request), WEIR_ERROR_STATE);
    weir_web_session_free(session);
}

/* Ids are not used again before all have been, and never while active. */
static void ids(void **state)
{
    weir_web_session *session = weir_web_session_new();
    weir_web_request *first = weir_web_begin(session, WEIR_AUTHORIZER, WEIR_FLAG_KEEP_CONN, NULL);
    struct bytes out = {NULL, 0, 0};
    struct text *text = calloc(1, sizeof *text);

    (void)state;
    assert_non_null(text);
    assert_int_equal(weir_web_params_end(first), 0);
    assert_int_equal(weir_web_request_id(first), 1);
    for (unsigned n = 2; n < 65535 + 10; n++) {
        weir_web_request *request =
            weir_web_begin(session, WEIR_AUTHORIZER, WEIR_FLAG_KEEP_CONN, NULL);
        weir_web_request_set_user(request,
                                  (void *)(uintptr_t)(1000 + weir_web_request_id(request)));
        unsigned want = n <= 65535 ? n : n - 65535 + 1; /* 1 is still active */
        uint8_t end[16] = {1, 3, (uint8_t)(want >> 8), (uint8_t)want, 0, 8};
        assert_int_equal(weir_web_request_id(request), want);
        assert_int_equal(weir_web_params_end(request), 0);
        take_web_output(session, &out, 0);
        out.len = 0;
        text->len = 0;
        assert_int_equal(web_feed(session, str((char *)end, 16), false, text), 0);
    }
    weir_web_session_free(session);
    bytes_free(&out);
    free(text);
}

static int out_of_memory(void *arg)
{
    static char body[40000];
    weir_web_session *session = weir_web_session_new();
    weir_web_request *request;
    int rc = WEIR_ERROR_NOMEM;

    (void)arg;
    if (!session)
        return rc;
    request = weir_web_begin(session, WEIR_RESPONDER, WEIR_FLAG_KEEP_CONN, NULL);
    if (request) {
        rc = weir_web_param(request, WEIR_STR("NAME"), str(body, sizeof body));
        if (rc == 0)
            rc = weir_web_params_end(request);
        for (int i = 0; i < 3 && rc == 0; i++)
            rc = weir_web_stdin(request, str(body, sizeof body));
        if (rc == 0)
            rc = weir_web_stdin_end(request);
        if (rc == 0)
            rc = weir_web_session_get_values(session);
    }
    weir_web_session_free(session);
    return rc;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    failmalloc_each(out_of_memory, NULL, WEIR_ERROR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(24, 44, 45, 48, 50, 52, 99, 101), responses),
        TEST(REQ(31, 33, 39, 91, 95, 97, 103), late_and_wrong_records),
        TEST(REQ(14, 15, 82, 109), reuse),
        TEST(REQ(67, 69, 70, 71, 73, 77), values),
        TEST(REQ(23, 27, 54, 55, 57, 88, 108), params_are_whole),
        TEST(REQ(51, 89, 121, 122), order_of_calls),
        TEST(REQ(38, 39, 40), ids),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
