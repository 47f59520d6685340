/* SPDX-License-Identifier: MIT
 *
 * The web-server session: what it writes. The checks of describe_records (support.h) apply to all
 * of it: pairs are whole in each record, padding is zero. */
#include <stdlib.h>

#include "support.h"
#include "wire/web.h"

static weir_web_session *session;

static int setup(void **state)
{
    session = weir_web_session_new();
    assert_non_null(session);
    return 0;
}

static int teardown(void **state)
{
    assert_null(weir_web_session_free(session));
    return 0;
}

static weir_web_request *begin(weir_role role)
{
    weir_web_request *request = weir_web_begin(session, role, WEIR_FLAG_KEEP_CONN, NULL);
    assert_non_null(request);
    return request;
}

static void expect_output(const char *name, const char *expect)
{
    static struct text text;
    struct bytes out = {NULL, 0, 0};

    text.len = 0;
    take_web_output(session, &out, 0);
    describe_records(&text, bytes_str(&out), FROM_WEB);
    expect_text(name, &text, expect);
    bytes_free(&out);
}

static void param(weir_web_request *request, const char *name, const char *value)
{
    assert_int_equal(weir_web_param(request, str_of(name), str_of(value)), 0);
}

static void requests(void **state)
{
    weir_web_request *r = begin(WEIR_RESPONDER);

    param(r, "REQUEST_METHOD", "POST");
    param(r, "EMPTY", "");
    param(r, "", "nameless");
    assert_int_equal(weir_web_param(r, str("a\0b", 3), str("\0\xff", 2)), 0);
    assert_int_equal(weir_web_params_end(r), 0);
    assert_int_equal(weir_web_stdin(r, WEIR_STR("hello")), 0);
    assert_int_equal(weir_web_stdin(r, WEIR_STR("")), 0); /* no end */
    assert_int_equal(weir_web_stdin(r, WEIR_STR("world")), 0);
    assert_int_equal(weir_web_stdin_end(r), 0);
    expect_output("responder",
                  "> BEGIN 1 role=1 flags=1; > PARAMS 1 REQUEST_METHOD=POST EMPTY= =nameless "
                  "a\\x00b=\\x00\\xff; > PARAMS 1; > STDIN 1 hello; > STDIN 1 world; > STDIN 1");

    r = weir_web_begin(session, WEIR_AUTHORIZER, 0, NULL);
    assert_non_null(r);
    assert_int_equal(weir_web_params_end(r), 0);
    assert_int_equal(weir_web_stdin(r, WEIR_STR("x")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_stdin_end(r), WEIR_ERROR_STATE);
    expect_output("authorizer", "> BEGIN 2 role=2 flags=0; > PARAMS 2");

    r = weir_web_begin(session, WEIR_FILTER, 0xff, NULL);
    assert_non_null(r);
    param(r, "FCGI_DATA_LENGTH", "4");
    assert_int_equal(weir_web_params_end(r), 0);
    assert_int_equal(weir_web_data(r, WEIR_STR("x")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data_end(r), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_stdin_end(r), 0);
    assert_int_equal(weir_web_stdin(r, WEIR_STR("x")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data(r, WEIR_STR("file")), 0);
    assert_int_equal(weir_web_data_end(r), 0);
    assert_int_equal(weir_web_data(r, WEIR_STR("x")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data_end(r), WEIR_ERROR_STATE);
    expect_output("filter", "> BEGIN 3 role=3 flags=1; > PARAMS 3 FCGI_DATA_LENGTH=4; > PARAMS 3; "
                            "> STDIN 3; > DATA 3 file; > DATA 3");
}

/* Whatever is called out of order writes nothing. */
static void order(void **state)
{
    weir_web_request *r = begin(WEIR_RESPONDER);

    assert_int_equal(weir_web_stdin(r, WEIR_STR("x")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_stdin_end(r), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_params_end(r), 0);
    assert_int_equal(weir_web_params_end(r), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_param(r, WEIR_STR("A"), WEIR_STR("b")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data(r, WEIR_STR("x")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_stdin_end(r), 0);
    assert_int_equal(weir_web_stdin_end(r), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_stdin(r, WEIR_STR("x")), WEIR_ERROR_STATE);
    assert_int_equal(weir_web_data_end(r), WEIR_ERROR_STATE);
    expect_output("order", "> BEGIN 1 role=1 flags=1; > PARAMS 1; > STDIN 1");
}

/* After ABORT_REQUEST nothing of the request is written, in any phase. */
static void aborts(void **state)
{
    for (int phase = 0; phase < 5; phase++) {
        static const char *const expect[] = {
            "> BEGIN 1 role=3 flags=1; > ABORT 1",
            "> BEGIN 2 role=3 flags=1; > PARAMS 2 A=b; > ABORT 2",
            "> BEGIN 3 role=3 flags=1; > PARAMS 3 A=b; > PARAMS 3; > ABORT 3",
            "> BEGIN 4 role=3 flags=1; > PARAMS 4 A=b; > PARAMS 4; > STDIN 4 x; > ABORT 4",
            ("> BEGIN 5 role=3 flags=1; > PARAMS 5 A=b; > PARAMS 5; > STDIN 5 x; > STDIN 5; "
             "> ABORT 5"),
        };
        weir_web_request *r = begin(WEIR_FILTER);
        if (phase > 0)
            param(r, "A", "b");
        if (phase > 1)
            assert_int_equal(weir_web_params_end(r), 0);
        if (phase > 2)
            assert_int_equal(weir_web_stdin(r, WEIR_STR("x")), 0);
        if (phase > 3)
            assert_int_equal(weir_web_stdin_end(r), 0);
        assert_int_equal(weir_web_abort(r), 0);
        assert_int_equal(weir_web_abort(r), 0);
        assert_int_equal(weir_web_param(r, WEIR_STR("C"), WEIR_STR("d")), WEIR_ERROR_STATE);
        assert_int_equal(weir_web_params_end(r), WEIR_ERROR_STATE);
        assert_int_equal(weir_web_stdin(r, WEIR_STR("x")), WEIR_ERROR_STATE);
        assert_int_equal(weir_web_stdin_end(r), WEIR_ERROR_STATE);
        assert_int_equal(weir_web_data(r, WEIR_STR("x")), WEIR_ERROR_STATE);
        assert_int_equal(weir_web_data_end(r), WEIR_ERROR_STATE);
        expect_output("abort", expect[phase]);
    }
    assert_int_equal(weir_web_session_active(session), 5);
}

static void questions(void **state)
{
    struct bytes out = {NULL, 0, 0};

    assert_int_equal(weir_web_session_get_values(session), 0);
    expect_output("values", "> VALUES 0 FCGI_MAX_CONNS= FCGI_MAX_REQS= FCGI_MPXS_CONNS=");
    assert_int_equal(weir_web_session_get_values(session), 0);
    take_web_output(session, &out, 3);
    assert_memory_equal(
        out.ptr, "\1\11\0\0\0\60\0\0\16\0FCGI_MAX_CONNS\15\0FCGI_MAX_REQS\17\0FCGI_MPXS_CONNS", 56);
    bytes_free(&out);
}

static void one_write(void **state)
{
    weir_web_request *r = begin(WEIR_RESPONDER);
    struct iovec iov[4];

    for (int i = 0; i < 30; i++)
        param(r, "HTTP_SOME_HEADER", "with a value of ordinary length");
    assert_int_equal(weir_web_params_end(r), 0);
    assert_int_equal(weir_web_stdin(r, WEIR_STR("a small body")), 0);
    assert_int_equal(weir_web_stdin_end(r), 0);
    assert_int_equal(weir_web_session_output(session, iov, 4), 1);
    assert_int_equal(iov[0].iov_len, weir_web_session_pending(session));
}

/* The largest pair that goes into a record, and one byte more. */
static void largest_pair(void **state)
{
    static char value[65536];
    static struct text text;
    struct bytes out = {NULL, 0, 0};
    weir_web_request *r = begin(WEIR_RESPONDER);
    size_t most = 65528 - 1 - 4 - 1;

    memset(value, 'v', sizeof value);
    param(r, "A", "b");
    size_t before = weir_web_session_pending(session);
    assert_int_equal(weir_web_param(r, WEIR_STR("N"), str(value, most + 1)), WEIR_ERROR_LIMIT);
    assert_int_equal(weir_web_param(r, str(value, 65529), WEIR_STR("")), WEIR_ERROR_LIMIT);
    assert_int_equal(weir_web_param(r, str(value, SIZE_MAX), str(value, SIZE_MAX)),
                     WEIR_ERROR_LIMIT);
    assert_int_equal(weir_web_param(r, str(value, 40000), str(value, 40000)), WEIR_ERROR_LIMIT);
    assert_int_equal(weir_web_session_pending(session), before);
    assert_int_equal(weir_web_param(r, WEIR_STR("N"), str(value, most)), 0);
    param(r, "C", "d");
    assert_int_equal(weir_web_params_end(r), 0);
    take_web_output(session, &out, 0);
    text.len = 0;
    describe_records(&text, bytes_str(&out), FROM_WEB);
    /* Begin, A=b and padding, the large one without padding, C=d and padding, the end. */
    assert_int_equal(out.len, 16 + 16 + 8 + 65528 + 16 + 8);
    assert_memory_equal(out.ptr + 32, "\1\4\0\1\xff\xf8\0\0", 8);
    bytes_free(&out);
}

/* Makes the session's pool hold blocks full of 0xee. */
static void soil_memory(void)
{
    static char dirt[60000];
    weir_web_request *r = begin(WEIR_RESPONDER);
    struct bytes out = {NULL, 0, 0};

    memset(dirt, 0xee, sizeof dirt);
    assert_int_equal(weir_web_params_end(r), 0);
    for (size_t n = 1; n < sizeof dirt; n = n * 3 / 2 + 1)
        assert_int_equal(weir_web_stdin(r, str(dirt, n)), 0);
    take_web_output(session, &out, 0);
    bytes_free(&out);
}

/* Many lists of parameters: an application reads the same ones, records are filled well, and no
 * byte of memory that held something else leaves. */
static void many_params(void **state)
{
    static const size_t sizes[] = {0, 1, 3, 8, 100, 120, 128, 500, 1000, 1015, 5000, 30000, 65000};
    static char value[65000];
    static struct text text;
    uint32_t chance = 1;

    memset(value, 'v', sizeof value);
    for (int round = 0; round < 300; round++) {
        struct bytes out = {NULL, 0, 0};
        weir_app_options options = {
            .size = sizeof options, .params_max = 10000000, .params_count_max = 100};
        weir_app_session *app = weir_app_session_new(&options);
        weir_app_event event;
        size_t used, count, lens[60], total = 0, records = 0;

        soil_memory();
        weir_web_request *r = begin(WEIR_RESPONDER);
        size_t params = (size_t)round % 60;
        for (size_t i = 0; i < params; i++) {
            chance = chance * 1664525u + 1013904223u;
            lens[i] = sizes[(chance >> 16) % (round < 150 ? 10 : COUNT(sizes))];
            total += weir_pair_size(4, lens[i]);
            assert_int_equal(weir_web_param(r, WEIR_STR("NAME"), str(value, lens[i])), 0);
        }
        assert_int_equal(weir_web_params_end(r), 0);
        take_web_output(session, &out, 0);
        text.len = 0;
        describe_records(&text, bytes_str(&out), FROM_WEB);
        for (size_t i = 0; i < text.len; i++)
            records += text.bytes[i] == '\n';
        assert_true(records <= 3 + total / 500);

        assert_non_null(app);
        assert_int_equal(weir_app_session_next(app, out.ptr, out.len, &used, &event), 1);
        assert_int_equal(event.type, WEIR_APP_BEGIN);
        const weir_pair *pairs = weir_app_request_params(event.request, &count);
        assert_int_equal(count, params);
        for (size_t i = 0; i < count; i++)
            assert_true(str_eq(pairs[i].name, WEIR_STR("NAME")) &&
                        str_eq(pairs[i].value, str(value, lens[i])));
        assert_null(weir_app_session_free(app));
        bytes_free(&out);
    }
}

/* Bodies around the size of the largest record, copied and referenced. */
static void large_bodies(void **state)
{
    static const size_t sizes[] = {1, 7, 8, 65527, 65528, 65529, 65535, 65536, 131057, 200000};
    char *body = malloc(200000);

    assert_non_null(body);
    for (size_t i = 0; i < 200000; i++)
        body[i] = (char)(i * 2654435761u >> 13);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct bytes out = {NULL, 0, 0}, again = {NULL, 0, 0};
        weir_str pieces[2] = {str(body, sizes[i] / 3),
                              str(body + sizes[i] / 3, sizes[i] - sizes[i] / 3)};
        weir_web_request *r = begin(WEIR_FILTER);
        assert_int_equal(weir_web_params_end(r), 0);
        take_web_output(session, &again, 0);
        bytes_free(&again);

        assert_int_equal(weir_web_stdin(r, str(body, sizes[i])), 0);
        take_web_output(session, &out, 0);
        assert_int_equal(web_stdin(r, pieces, 2, true), 0);
        take_web_output(session, &again, 1001);
        assert_int_equal(out.len, again.len);
        assert_memory_equal(out.ptr, again.ptr, out.len);
        assert_int_equal(out.len, (sizes[i] + 65527) / 65528 * 8 + (sizes[i] + 7) / 8 * 8);
        bytes_free(&again);

        assert_int_equal(weir_web_stdin_end(r), 0);
        take_web_output(session, &again, 0);
        bytes_free(&again);
        assert_int_equal(weir_web_data(r, str(body, sizes[i])), 0);
        take_web_output(session, &again, 0);
        assert_int_equal(out.len, again.len);
        for (size_t at = 0, from = 0; at < out.len;) {
            const uint8_t *header = (const uint8_t *)again.ptr + at;
            size_t content = (size_t)header[4] << 8 | header[5];
            assert_int_equal(header[1], WEIR_DATA);
            assert_memory_equal(header + 8, body + from, content);
            assert_memory_equal(out.ptr + at + 8, body + from, content);
            from += content;
            at += 8 + content + header[6];
        }
        bytes_free(&out);
        bytes_free(&again);
    }
    free(body);
}

/* ---- Ids ------------------------------------------------------------------------------------- */

static void discard_output(void)
{
    weir_web_session_sent(session, weir_web_session_pending(session));
}

static void answer(uint16_t id)
{
    uint8_t end[16] = {1, 3, (uint8_t)(id >> 8), (uint8_t)id, 0, 8};
    weir_web_event event;
    size_t used;

    assert_int_equal(weir_web_session_next(session, end, sizeof end, &used, &event), 1);
    assert_int_equal(event.type, WEIR_WEB_END);
    assert_int_equal(weir_web_request_id(event.request), id);
}

/* Ids go round through all 65535; one that is still in use is passed over. */
static void ids_go_round(void **state)
{
    weir_web_request *kept = NULL;
    weir_web_event event;
    size_t used;

    for (uint32_t i = 1; i <= 65535; i++) {
        /* One that was never begun is an error until then. */
        assert_int_equal(weir_web_session_active(session), i > 77);
        weir_web_request *r = begin(WEIR_RESPONDER);
        assert_int_equal(weir_web_request_id(r), i);
        discard_output();
        if (i == 77)
            kept = r;
        else
            answer((uint16_t)i);
    }
    for (uint32_t i = 1; i <= 65535; i++) {
        if (i == 77)
            continue;
        weir_web_request *r = begin(WEIR_RESPONDER);
        assert_int_equal(weir_web_request_id(r), i);
        discard_output();
        /* Now every id has been begun once: what comes late for any is skipped. */
        if (i % 1000 == 1)
            assert_int_equal(weir_web_session_next(session, "\1\6\xff\xff\0\0\0", 8, &used, &event),
                             i == 65535);
        answer((uint16_t)i);
    }
    assert_int_equal(weir_web_request_id(kept), 77);
    answer(77);
    assert_int_equal(weir_web_request_id(begin(WEIR_RESPONDER)), 1);
}

static void all_ids_in_use(void **state)
{
    for (uint32_t i = 1; i <= 65535; i++) {
        assert_int_equal(weir_web_request_id(begin(WEIR_AUTHORIZER)), i);
        discard_output();
    }
    assert_null(weir_web_begin(session, WEIR_RESPONDER, 0, NULL));
    assert_int_equal(weir_web_session_pending(session), 0);
    answer(40000);
    assert_int_equal(weir_web_request_id(begin(WEIR_RESPONDER)), 40000);
    assert_null(weir_web_begin(session, WEIR_RESPONDER, 0, NULL));
    assert_int_equal(weir_web_session_active(session), 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {REQ(44, 46, 47, 51, 79, 80, 88, 89, 108, 113, 121, 122) " requests", requests, setup,
         teardown, NULL},
        {REQ(51) " order", order, setup, teardown, NULL},
        {REQ(91, 95, 98) " aborts", aborts, setup, teardown, NULL},
        {REQ(62, 66, 74) " questions", questions, setup, teardown, NULL},
        {REQ(88) " one_write", one_write, setup, teardown, NULL},
        {REQ(23, 60) " largest_pair", largest_pair, setup, teardown, NULL},
        {REQ(24, 27, 45, 55, 88) " many_params", many_params, setup, teardown, NULL},
        {REQ(23, 24, 27, 89) " large_bodies", large_bodies, setup, teardown, NULL},
        {REQ(38, 39, 40) " ids_go_round", ids_go_round, setup, teardown, NULL},
        {REQ(30, 39) " all_ids_in_use", all_ids_in_use, setup, teardown, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
