/* SPDX-License-Identifier: MIT
 *
 * The application session: what it writes. The checks of describe_records (support.h) apply to all
 * of it. */
#include <stdlib.h>

#include "support.h"
#include "wire/app.h"

static weir_app_session *session;
static weir_app_request *request;

static weir_app_request *begin(const char *script)
{
    struct bytes input = {NULL, 0, 0};
    weir_app_event event;
    size_t used;

    script_add(&input, script);
    assert_int_equal(weir_app_session_next(session, input.ptr, input.len, &used, &event), 1);
    assert_int_equal(event.type, WEIR_APP_BEGIN);
    bytes_free(&input);
    return event.request;
}

static int setup(void **state)
{
    session = weir_app_session_new(NULL);
    assert_non_null(session);
    request = begin("BEGIN 5 responder keep; PARAMS 5");
    return 0;
}

static int teardown(void **state)
{
    assert_null(weir_app_session_free(session));
    return 0;
}

static void expect_output(const char *name, const char *expect)
{
    static struct text text;
    struct bytes out = {NULL, 0, 0};

    text.len = 0;
    take_app_output(session, &out, 0);
    describe_records(&text, bytes_str(&out), FROM_APP);
    expect_text(name, &text, expect);
    bytes_free(&out);
}

static void no_error_output(void **state)
{
    weir_str nothing[3] = {WEIR_STR(""), {NULL, 0}, WEIR_STR("")};

    assert_int_equal(weir_app_stderr(request, WEIR_STR("")), 0);
    assert_int_equal(weir_app_stdout(request, nothing, 3), 0);
    assert_int_equal(weir_app_stdout(request, NULL, 0), 0);
    assert_int_equal(weir_app_session_pending(session), 0);
    assert_int_equal(weir_app_end(request, 0, WEIR_REQUEST_COMPLETE), 0);
    expect_output("empty pieces are no end", "> STDOUT 5; > END 5 app=0 status=0");
}

static void error_output(void **state)
{
    weir_str pieces[4] = {WEIR_STR("ab"), WEIR_STR(""), WEIR_STR("c"), WEIR_STR("defg")};

    assert_int_equal(weir_app_stderr(request, WEIR_STR("one")), 0);
    assert_int_equal(weir_app_stdout(request, pieces, 4), 0);
    assert_int_equal(weir_app_stderr(request, WEIR_STR("two")), 0);
    assert_int_equal(weir_app_stdout(request, pieces, 1), 0);
    assert_int_equal(weir_app_end(request, 1, WEIR_REQUEST_COMPLETE), 0);
    expect_output("both outputs",
                  "> STDERR 5 one; > STDOUT 5 abcdefg; > STDERR 5 two; > STDOUT 5 ab; > STDERR 5; "
                  "> STDOUT 5; > END 5 app=1 status=0");
}

static void statuses(void **state)
{
    weir_str text = WEIR_STR("x");

    assert_int_equal(weir_app_end(request, 0xfedcba98, WEIR_REQUEST_COMPLETE), 0);
    request = begin("BEGIN 5 responder keep; PARAMS 5");
    assert_int_equal(weir_app_end(request, 7, WEIR_OVERLOADED), 0);
    request = begin("BEGIN 5 responder keep; PARAMS 5");
    assert_int_equal(weir_app_stdout(request, &text, 1), 0);
    assert_int_equal(weir_app_stderr(request, text), 0);
    /* A broken answer: without the end of STDOUT nobody takes it for a complete one. */
    assert_int_equal(weir_app_end(request, 0, WEIR_OVERLOADED), 0);
    expect_output("statuses",
                  "> STDOUT 5; > END 5 app=4275878552 status=0; > END 5 app=7 status=2; "
                  "> STDOUT 5 x; > STDERR 5 x; > STDERR 5; > END 5 app=0 status=2");
}

static void one_write(void **state)
{
    weir_str text = WEIR_STR("Content-Type: text/plain\r\n\r\nHello, world\n");
    struct iovec iov[4];

    assert_int_equal(weir_app_stdout(request, &text, 1), 0);
    assert_int_equal(weir_app_end(request, 0, WEIR_REQUEST_COMPLETE), 0);
    assert_int_equal(weir_app_session_output(session, iov, 4), 1);
    assert_int_equal(iov[0].iov_len, weir_app_session_pending(session));
    assert_int_equal(weir_app_session_output(session, iov, 0), 0);
}

static void users(void **state)
{
    assert_null(weir_app_request_user(request));
    weir_app_request_set_user(request, &session);
    assert_ptr_equal(weir_app_request_user(request), &session);
    assert_int_equal(weir_app_session_active(session), 1);
}

/* Answers of many sizes in pieces of many sizes: as few records as will hold them, full ones
 * without padding, however the output is taken; referenced instead of copied it is the same bytes.
 */
static void large_answers(void **state)
{
    static const size_t totals[] = {1,     7,     8,     9,     1023,   1024,   32768, 65527,
                                    65528, 65529, 65535, 65536, 131056, 131057, 200000};
    static const size_t sizes[] = {1000000, 65528, 10000, 1024, 333};
    static weir_str pieces[1000];
    char *body = malloc(200000);

    assert_non_null(body);
    for (size_t i = 0; i < 200000; i++)
        body[i] = (char)(i * 2654435761u >> 13);
    for (size_t t = 0; t < COUNT(totals); t++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            size_t total = totals[t], count = 0, records = 0, at = 0;
            struct bytes out = {NULL, 0, 0}, again = {NULL, 0, 0};
            for (size_t from = 0; from < total; from += sizes[s])
                pieces[count++] =
                    str(body + from, total - from < sizes[s] ? total - from : sizes[s]);

            assert_int_equal(weir_app_stdout(request, pieces, count), 0);
            take_app_output(session, &out, 0);
            assert_int_equal(app_stdout(request, pieces, count, true), 0);
            if (t % 2)
                assert_int_equal(outq_settle(session->out), 0);
            take_app_output(session, &again, 997);
            assert_int_equal(out.len, again.len);
            assert_memory_equal(out.ptr, again.ptr, out.len);

            for (size_t pos = 0; pos < out.len; records++) {
                const uint8_t *header = (const uint8_t *)out.ptr + pos;
                size_t content = (size_t)header[4] << 8 | header[5];
                assert_true(content == 65528 || at + content == total);
                assert_memory_equal(header + 8, body + at, content);
                at += content;
                pos += 8 + content + header[6];
            }
            assert_int_equal(at, total);
            assert_int_equal(records, (total + 65527) / 65528);
            bytes_free(&out);
            bytes_free(&again);
        }
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {REQ(46, 47, 48) " no_error_output", no_error_output, setup, teardown, NULL},
        {REQ(48, 49, 50, 90, 100, 107) " error_output", error_output, setup, teardown, NULL},
        {REQ(99, 101, 102, i, o) " statuses", statuses, setup, teardown, NULL},
        {REQ(100) " one_write", one_write, setup, teardown, NULL},
        {REQ(36) " users", users, setup, teardown, NULL},
        {REQ(23, 24, 27, 45, 90) " large_answers", large_answers, setup, teardown, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
