/* SPDX-License-Identifier: MIT
 *
 * The head of an HTTP/2 request: every rule by one list of fields that breaks it, what a good list
 * becomes, the length of the body, limits, and memory that runs out at every place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <weir/error.h>

#include "http/http2_head.h"
#include "support/failmalloc.h"

struct field {
    weir_str name, value;
};

#define F(name, value)                 \
    {                                  \
        {(name), sizeof(name) - 1},    \
        {                              \
            (value), sizeof(value) - 1 \
        }                              \
    }

static struct pool pool;
static struct arena arena;

static int setup(void **state)
{
    (void)state;
    pool_init(&pool);
    arena_init(&arena, &pool);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    pool_done(&pool);
    return 0;
}

/* Gives the bytes from memory of just their size, freed afterwards. */
static bool give(struct http2_head *h, weir_str name, weir_str value)
{
    char *n = malloc(name.len ? name.len : 1), *v = malloc(value.len ? value.len : 1);

    assert_true(n && v);
    memcpy(n, name.ptr, name.len);
    memcpy(v, value.ptr, value.len);
    bool more = http2_head_field(h, str(n, name.len), str(v, value.len));
    free(n);
    free(v);
    return more;
}

static void start(struct http2_head *h, bool trailers)
{
    http2_head_init(h, &arena, HTTP_LIMITS_DEFAULT, false, trailers);
}

static const struct field ordinary[] = {F(":method", "GET"), F(":scheme", "http"),
                                        F(":authority", "example.com"), F(":path", "/")};

static void give_ordinary(struct http2_head *h)
{
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary; i++)
        assert_true(give(h, ordinary[i].name, ordinary[i].value));
}

/* ---- Refused lists --------------------------------------------------------------------------- */

/* What comes after the four pseudo fields of an ordinary request. */
static void test_refused_fields(void **state)
{
    static const struct {
        struct field fields[3];
        unsigned status;
        const char *reason;
    } cases[] = {
        {{F("", "x")}, 400, "name-invalid"},
        {{F("Upper", "x")}, 400, "name-invalid"},
        {{F("a b", "x")}, 400, "name-invalid"},
        {{F("a\0b", "x")}, 400, "name-invalid"},
        {{F("a\r\nb", "x")}, 400, "name-invalid"},
        {{F("a:b", "x")}, 400, "name-invalid"},
        {{F("a\x7f", "x")}, 400, "name-invalid"},
        {{F("\xc3\xa4", "x")}, 400, "name-invalid"},
        {{F("a(b)", "x")}, 400, "name-invalid"},
        {{F("a", "x\0y")}, 400, "value-invalid"},
        {{F("a", "x\ny")}, 400, "value-invalid"},
        {{F("a", "x\ry")}, 400, "value-invalid"},
        {{F("a", "x\r\nb: y")}, 400, "value-invalid"},
        {{F("a", "x\x01y")}, 400, "value-invalid"},
        {{F("a", "x\x7fy")}, 400, "value-invalid"},
        {{F("a", " x")}, 400, "value-invalid"},
        {{F("a", "x ")}, 400, "value-invalid"},
        {{F("a", "\tx")}, 400, "value-invalid"},
        {{F("a", "x\t")}, 400, "value-invalid"},
        {{F("a", " ")}, 400, "value-invalid"},
        {{F("connection", "close")}, 400, "connection-field"},
        {{F("keep-alive", "1")}, 400, "connection-field"},
        {{F("proxy-connection", "close")}, 400, "connection-field"},
        {{F("transfer-encoding", "chunked")}, 400, "connection-field"},
        {{F("upgrade", "h2c")}, 400, "connection-field"},
        {{F("te", "gzip")}, 400, "te-invalid"},
        {{F("te", "trailers, gzip")}, 400, "te-invalid"},
        {{F("te", "")}, 400, "te-invalid"},
        {{F(":method", "GET")}, 400, "pseudo-repeated"},
        {{F(":path", "/b")}, 400, "pseudo-repeated"},
        {{F(":authority", "example.com")}, 400, "pseudo-repeated"},
        {{F(":scheme", "http")}, 400, "pseudo-repeated"},
        {{F(":status", "200")}, 400, "pseudo-unknown"},
        {{F(":protocol", "websocket")}, 400, "pseudo-unknown"},
        {{F(":", "x")}, 400, "pseudo-unknown"},
        {{F(":Method", "GET")}, 400, "pseudo-unknown"},
        {{F("a", "b"), F(":path", "/")}, 400, "pseudo-late"},
        {{F("host", "other.example")}, 400, "host-mismatch"},
        {{F("host", "example.com:81")}, 400, "host-mismatch"},
        {{F("host", "")}, 400, "host-invalid"},
        {{F("host", "u@example.com")}, 400, "host-invalid"},
        {{F("host", "example.com"), F("host", "example.com")}, 400, "host-repeated"},
        {{F("content-length", "")}, 400, "cl-invalid"},
        {{F("content-length", "+1")}, 400, "cl-invalid"},
        {{F("content-length", "1, 1")}, 400, "cl-invalid"},
        {{F("content-length", "0x1")}, 400, "cl-invalid"},
        {{F("content-length", "1"), F("content-length", "1")}, 400, "cl-repeated"},
        {{F("content-length", "9223372036854775808")}, 413, "cl-too-large"},
        {{F("content-type", "a"), F("content-type", "b")}, 400, "field-conflict"},
        {{F("authorization", "a"), F("authorization", "b")}, 400, "field-conflict"},
        {{F("range", "a"), F("a", ""), F("range", "b")}, 400, "field-conflict"},
        {{F("expect", "magic")}, 417, "expect-unknown"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http2_head h;
        start(&h, false);
        give_ordinary(&h);
        for (size_t k = 0; k < 3 && cases[i].fields[k].name.ptr; k++)
            assert_true(give(&h, cases[i].fields[k].name, cases[i].fields[k].value));
        /* What was wrong stays so, whatever follows, and is said of the first thing. */
        assert_true(give(&h, WEIR_STR("ok"), WEIR_STR("ok")));
        http2_head_end(&h, false);
        if (h.status != cases[i].status || strcmp(h.reason, cases[i].reason) != 0)
            fail_msg("case %zu: %u %s", i, h.status, h.reason ? h.reason : "-");
    }
    (void)state;
}

/* Lists of pseudo fields alone. */
static void test_refused_pseudo_fields(void **state)
{
    static const struct {
        const char *method, *scheme, *authority, *path; /* NULL: not there */
        unsigned status;
        const char *reason;
    } cases[] = {
        {NULL, "http", "a", "/", 400, "pseudo-missing"},
        {"GET", NULL, "a", "/", 400, "pseudo-missing"},
        {"GET", "http", "a", NULL, 400, "pseudo-missing"},
        {"GET", "http", NULL, "/", 400, "host-missing"},
        {"", "http", "a", "/", 400, "method-invalid"},
        {"G T", "http", "a", "/", 400, "method-invalid"},
        {"GET\r\n", "http", "a", "/", 400, "method-invalid"},
        {"GETGETGETGETGETGETGETGETGETGETGET", "http", "a", "/", 501, "method-too-long"},
        {"CONNECT", NULL, "a:80", NULL, 501, "method-refused"},
        {"CONNECT", "http", "a:80", "/", 501, "method-refused"},
        {"TRACE", "http", "a", "/", 501, "method-refused"},
        {"GET", "", "a", "/", 400, "scheme-invalid"},
        {"GET", "1http", "a", "/", 400, "scheme-invalid"},
        {"GET", "ht tp", "a", "/", 400, "scheme-invalid"},
        {"GET", "http://x/?a=", "a", "/", 400, "scheme-invalid"},
        {"GET", "ftp", "a", "/", 400, "scheme-invalid"},
        {"GET", "https", "a", "/", 421, "scheme-mismatch"},
        {"GET", "http", "", "/", 400, "host-invalid"},
        {"GET", "http", "u@a", "/", 400, "host-invalid"},
        {"GET", "http", "a/b", "/", 400, "host-invalid"},
        {"GET", "http", "a b", "/", 400, "host-invalid"},
        {"GET", "http", "a,b", "/", 400, "host-invalid"},
        {"GET", "http", "a:0", "/", 400, "host-invalid"},
        {"GET", "http", "[::1", "/", 400, "host-invalid"},
        {"GET", "http", "a\r\nx", "/", 400, "host-invalid"},
        {"GET", "http", "a", "", 400, "target-invalid"},
        {"GET", "http", "a", "a", 400, "target-invalid"},
        {"GET", "http", "a", "*", 400, "target-invalid"},
        {"GET", "http", "a", "http://a/", 400, "target-invalid"},
        {"GET", "http", "a", "/a b", 400, "target-invalid"},
        {"GET", "http", "a", "/a#b", 400, "target-invalid"},
        {"GET", "http", "a", "/a\r\nb", 400, "target-invalid"},
        {"GET", "http", "a", "/\xc3\xa4", 400, "target-invalid"},
        {"GET", "http", "a", "/%0", 400, "target-invalid"},
        {"GET", "http", "a", "/%00", 400, "target-invalid"},
        {"GET", "http", "a", "/../a", 400, "path-climbs"},
        {"GET", "http", "a", "/a%2fb", 400, "path-slash"},
        {"GET", "http", "a", "/%0a", 400, "path-control"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *names[] = {":method", ":scheme", ":authority", ":path"};
        const char *values[] = {cases[i].method, cases[i].scheme, cases[i].authority,
                                cases[i].path};
        struct http2_head h;
        start(&h, false);
        for (size_t k = 0; k < 4; k++)
            if (values[k])
                assert_true(give(&h, str_of(names[k]), str_of(values[k])));
        http2_head_end(&h, true);
        if (h.status != cases[i].status || strcmp(h.reason, cases[i].reason) != 0)
            fail_msg("case %zu: %u %s", i, h.status, h.reason ? h.reason : "-");
    }
    (void)state;
}

/* ---- What a good list becomes ---------------------------------------------------------------- */

static void assert_str(weir_str s, const char *want)
{
    assert_int_equal(s.len, strlen(want));
    assert_string_equal(s.ptr, want); /* with a NUL behind it */
}

static const char *value_of(const struct http2_head *h, const char *name)
{
    const char *value = NULL;

    for (uint16_t i = 0; i < h->field_count; i++)
        if (str_eq(h->fields[i].name, str_of(name))) {
            assert_null(value);
            value = h->fields[i].value.ptr;
        }
    return value;
}

static void test_request(void **state)
{
    static const struct field fields[] = {
        F(":path", "/a/./b%20c?x=1?y"),
        F(":authority", "EXAMPLE.com:8080"),
        F(":scheme", "HTTP"),
        F(":method", "PUT"),
        F("te", "Trailers"),
        F("expect", "100-Continue"),
        F("content-length", "0005"),
        F("x-empty", ""),
        F("x_y", "a\tb \x80"),
        F("content-type", "a"),
        F("content-type", "a"),
        F("host", "example.COM:8080"),
    };
    struct http2_head h;

    start(&h, false);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_true(give(&h, fields[i].name, fields[i].value));
    http2_head_end(&h, false);
    assert_int_equal(h.status, 0);
    assert_str(h.method, "PUT");
    assert_str(h.target, "/a/./b%20c?x=1?y");
    assert_str(h.path, "/a/b c");
    assert_str(h.query, "x=1?y");
    assert_str(h.host, "example.com");
    assert_true(h.has_content_length && h.content_length == 5 && h.expect_continue);
    assert_int_equal(h.field_count, 8);
    assert_string_equal(value_of(&h, "x-empty"), "");
    assert_string_equal(value_of(&h, "x_y"), "a\tb \x80");
    assert_string_equal(value_of(&h, "host"), "example.COM:8080");
    (void)state;
}

static void test_host_from_authority_and_back(void **state)
{
    struct http2_head h;

    start(&h, false);
    give_ordinary(&h);
    http2_head_end(&h, true);
    assert_int_equal(h.status, 0);
    assert_string_equal(value_of(&h, "host"), "example.com");
    assert_null(h.query.ptr);

    start(&h, false);
    for (size_t i = 0; i < 4; i++)
        if (i != 2)
            assert_true(give(&h, ordinary[i].name, ordinary[i].value));
    assert_true(give(&h, WEIR_STR("host"), WEIR_STR("Other.example:80")));
    http2_head_end(&h, true);
    assert_int_equal(h.status, 0);
    assert_str(h.host, "other.example");
    (void)state;
}

/* The default port may be left out on either side. */
static void test_host_equal_by_meaning(void **state)
{
    struct http2_head h;

    start(&h, false);
    give_ordinary(&h);
    assert_true(give(&h, WEIR_STR("host"), WEIR_STR("EXAMPLE.com:80")));
    http2_head_end(&h, true);
    assert_int_equal(h.status, 0);
    (void)state;
}

static void test_asterisk_and_https(void **state)
{
    static const struct field fields[] = {F(":method", "OPTIONS"), F(":scheme", "https"),
                                          F(":authority", "a"), F(":path", "*")};
    struct http2_head h;

    http2_head_init(&h, &arena, HTTP_LIMITS_DEFAULT, true, false);
    for (size_t i = 0; i < 4; i++)
        assert_true(give(&h, fields[i].name, fields[i].value));
    http2_head_end(&h, true);
    assert_int_equal(h.status, 0);
    assert_str(h.path, "*");

    http2_head_init(&h, &arena, HTTP_LIMITS_DEFAULT, true, false);
    give_ordinary(&h);
    http2_head_end(&h, true);
    assert_int_equal(h.status, 421);
    (void)state;
}

/* ---- The body -------------------------------------------------------------------------------- */

static void test_body_length(void **state)
{
    static const struct {
        const char *length; /* NULL: none */
        size_t pieces[3];
        bool with_head; /* END_STREAM on HEADERS */
        const char *reason;
    } cases[] = {
        {NULL, {1, 2, 3}, false, NULL},
        {NULL, {0}, true, NULL},
        {"0", {0}, true, NULL},
        {"0", {0}, false, NULL},
        {"6", {1, 2, 3}, false, NULL},
        {"6", {6}, false, NULL},
        {"1", {0}, true, "body-too-short"},
        {"6", {1, 2}, false, "body-too-short"},
        {"6", {0}, false, "body-too-short"},
        {"5", {1, 2, 3}, false, "body-too-long"},
        {"0", {1}, false, "body-too-long"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http2_head h;
        start(&h, false);
        give_ordinary(&h);
        if (cases[i].length)
            assert_true(give(&h, WEIR_STR("content-length"), str_of(cases[i].length)));
        http2_head_end(&h, cases[i].with_head);
        for (size_t k = 0; k < 3 && h.status == 0; k++)
            http2_head_body(&h, cases[i].pieces[k]);
        if (h.status == 0)
            http2_head_body_end(&h);
        assert_int_equal(h.status, cases[i].reason ? 400 : 0);
        if (cases[i].reason)
            assert_string_equal(h.reason, cases[i].reason);
    }
    (void)state;
}

/* 100 Continue is for who has something to send. */
static void test_expect_without_body(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct http2_head h;
        start(&h, false);
        give_ordinary(&h);
        assert_true(give(&h, WEIR_STR("expect"), WEIR_STR("100-continue")));
        if (i)
            assert_true(give(&h, WEIR_STR("content-length"), WEIR_STR("0")));
        http2_head_end(&h, !i);
        assert_int_equal(h.status, 0);
        assert_false(h.expect_continue);
    }
    (void)state;
}

static void test_trailers(void **state)
{
    static const struct {
        struct field field;
        bool last;
        const char *reason;
    } cases[] = {
        {F("x-checksum", "1"), true, NULL},
        {F("x-checksum", "1"), false, "trailers-not-last"},
        {F(":path", "/"), true, "pseudo-in-trailers"},
        {F("Upper", "1"), true, "name-invalid"},
        {F("a", "\n"), true, "value-invalid"},
        {F("content-length", "1"), true, "trailer-forbidden"},
        {F("content-type", "a"), true, "trailer-forbidden"},
        {F("host", "a"), true, "trailer-forbidden"},
        {F("cookie", "a"), true, "trailer-forbidden"},
        {F("authorization", "a"), true, "trailer-forbidden"},
        {F("transfer-encoding", "chunked"), true, "trailer-forbidden"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http2_head h;
        start(&h, true);
        assert_true(give(&h, cases[i].field.name, cases[i].field.value));
        http2_head_end(&h, cases[i].last);
        assert_int_equal(h.status, cases[i].reason ? 400 : 0);
        if (cases[i].reason)
            assert_string_equal(h.reason, cases[i].reason);
        assert_int_equal(h.field_count, 0);
    }
    (void)state;
}

/* ---- Limits and memory ----------------------------------------------------------------------- */

static void test_limits(void **state)
{
    struct http_limits limits = {1000, 20, 3};
    struct http2_head h;
    char text[300];

    memset(text, 'a', sizeof text);
    text[0] = '/';
    for (size_t len = 20; len <= 21; len++) {
        http2_head_init(&h, &arena, limits, false, false);
        for (size_t i = 0; i < 3; i++)
            assert_true(give(&h, ordinary[i].name, ordinary[i].value));
        assert_true(give(&h, WEIR_STR(":path"), str(text, len)));
        http2_head_end(&h, true);
        assert_int_equal(h.status, len == 20 ? 0 : 414);
    }
    for (unsigned count = 3; count <= 4; count++) {
        http2_head_init(&h, &arena, limits, false, false);
        give_ordinary(&h);
        for (unsigned i = 0; i < count; i++)
            assert_true(give(&h, WEIR_STR("a"), WEIR_STR("b")));
        http2_head_end(&h, true);
        assert_int_equal(h.status, count == 3 ? 0 : 431);
    }
    start(&h, false);
    give_ordinary(&h);
    text[0] = 'a';
    assert_true(give(&h, str(text, HTTP_NAME_MAX + 1), WEIR_STR("")));
    assert_int_equal(h.status, 431);
    (void)state;
}

/* A list that decompresses to much is refused when it passes the limit, takes no memory from then
 * on, and at last ends the connection. */
static void test_bomb(void **state)
{
    struct http_limits limits = {1000, 100, 100};
    struct http2_head h;
    char value[200];
    unsigned given = 0;

    memset(value, 'v', sizeof value);
    http2_head_init(&h, &arena, limits, false, false);
    give_ordinary(&h);
    while (h.status == 0) {
        assert_true(give(&h, WEIR_STR("bomb"), str(value, sizeof value)));
        given++;
    }
    assert_int_equal(h.status, 431);
    assert_int_equal(given, 4); /* 179 bytes, then 236 each time */
    const char *pos = arena.pos;
    while (http2_head_field(&h, WEIR_STR("bomb"), str(value, sizeof value)))
        given++;
    assert_ptr_equal(arena.pos, pos);
    assert_true(given * 236 > 15000 && given * 236 < 16000);
    (void)state;
}

static int attempt(void *arg)
{
    struct pool own;
    struct arena memory;
    struct http2_head h;

    (void)arg;
    pool_init(&own);
    arena_init(&memory, &own);
    http2_head_init(&h, &memory, HTTP_LIMITS_DEFAULT, false, false);
    for (size_t i = 0; i < 4; i++)
        (void)http2_head_field(&h, ordinary[i].name, ordinary[i].value);
    for (unsigned i = 0; i < 90; i++)
        (void)http2_head_field(
            &h, WEIR_STR("a-name-of-some-length"),
            WEIR_STR("a value that is somewhat longer, to fill the blocks that the "
                     "arena takes from its pool, one after the other"));
    http2_head_end(&h, true);
    int rc = h.status == 0 ? 0 : h.status == 503 ? WEIR_ERROR_NOMEM : h.status;
    arena_done(&memory);
    pool_done(&own);
    return rc;
}

static void test_memory(void **state)
{
    assert_true(failmalloc_each(attempt, NULL, WEIR_ERROR_NOMEM) >= 2);
    (void)state;
}

static void test_priority(void **state)
{
    static const struct {
        const char *value;
        unsigned urgency;
        bool incremental;
    } cases[] = {
        {"", 3, false},
        {"u=0", 0, false},
        {"u=7, i", 7, true},
        {"i", 3, true},
        {"i=?1,u=5", 5, true},
        {"i,i=?0", 3, false},
        {"u=8", 3, false},
        {"u=-1", 3, false},
        {"u=11", 3, false},
        {"u=2;x=1, i;y", 2, true},
        {"u, x=1, =, ,", 3, false},
        {"u=1, u=4", 4, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        unsigned urgency = 3;
        bool incremental = false;
        http_priority_parse(str_of(cases[i].value), &urgency, &incremental);
        assert_int_equal(urgency, cases[i].urgency);
        assert_int_equal(incremental, cases[i].incremental);
    }
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refused_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused_pseudo_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_host_from_authority_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_host_equal_by_meaning, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asterisk_and_https, setup, teardown),
        cmocka_unit_test_setup_teardown(test_body_length, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expect_without_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_trailers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bomb, setup, teardown),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
