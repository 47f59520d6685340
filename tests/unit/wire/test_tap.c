/* SPDX-License-Identifier: MIT
 *
 * The tap: whatever it is told to do with records, streams keep their content; received bytes make
 * the same records however they are cut; and it fails cleanly without memory. */
#include "support.h"

#include <stdlib.h>

#include "support/failmalloc.h"
#include "wire/tap.h"
#include "wire/web.h"

struct seen {
    struct text *text;
};

static void see(struct tap *tap, const weir_record *record, weir_str content, bool is_sent)
{
    struct seen *seen = tap->fn_arg;

    text_add(seen->text, "%s %u/%u %u+%u", is_sent ? ">" : "<", record->type, record->id,
             record->content_length, record->padding_length);
    text_add_bytes(seen->text, "", str(content.ptr, content.len < 40 ? content.len : 40));
}

/* A request of 3 parameters and 5 bytes of body, through a tap. */
static int send_request(struct pool *pool, const struct tap_shape *shape, tap_fn *fn, void *arg,
                        struct outq *to, struct tap_counts *counts)
{
    struct tap *tap = tap_new(pool, shape, fn, arg);
    struct weir_web_session session;
    int rc = WEIR_ERROR_NOMEM;

    if (!tap)
        return rc;
    tap->counts = counts;
    web_session_init(&session, pool, &tap->out);
    weir_web_request *r = weir_web_begin(&session, WEIR_RESPONDER, 0, NULL);
    if (r)
        rc = weir_web_param(r, WEIR_STR("A"), WEIR_STR("1"));
    if (rc == 0)
        rc = weir_web_param(r, WEIR_STR("B"), WEIR_STR("22"));
    if (rc == 0)
        rc = weir_web_params_end(r);
    if (rc == 0)
        rc = weir_web_stdin(r, WEIR_STR("hello"));
    if (rc == 0)
        rc = weir_web_stdin_end(r);
    if (rc == 0)
        rc = tap_send(tap, to);
    web_session_done(&session);
    tap_free(tap);
    return rc;
}

static const struct {
    struct tap_shape shape;
    const char *expect;
} shapes[] = {
    {{0, 0, 0},
     "> 1/1 8+0=\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\n> 4/1 9+7=\\x01\\x01A1\\x01\\x02B22\n> "
     "4/1 0+0=\n"
     "> 5/1 5+3=hello\n> 5/1 0+0=\n"},
    {{4, 0, -1},
     "> 1/1 8+0=\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\n> 4/1 4+0=\\x01\\x01A1\n> 4/1 "
     "4+0=\\x01\\x02B2\n"
     "> 4/1 1+0=2\n> 4/1 0+0=\n> 5/1 4+0=hell\n> 5/1 1+0=o\n> 5/1 0+0=\n"},
    {{0, 5, 255},
     "> 1/1 8+255=\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\n> 4/1 5+255=\\x01\\x01A1\\x01\n"
     "> 4/1 4+255=\\x02B22\n> 4/1 0+255=\n> 5/1 5+255=hello\n> 5/1 0+255=\n"},
};

/* What was sent, read again, is what was shown. */
static void take_back(struct outq *out, struct pool *pool, struct text *text)
{
    struct seen seen = {text};
    struct tap *reader = tap_new(pool, &(struct tap_shape){0}, see, &seen);
    struct iovec iov[16];
    int count = outq_iovec(out, iov, 16);

    for (int i = 0; i < count; i++)
        for (size_t at = 0; at < iov[i].iov_len; at++)
            assert_int_equal(tap_received(reader, str((const char *)iov[i].iov_base + at, 1)), 0);
    tap_free(reader);
    for (size_t i = 0; i < text->len; i++)
        if (text->bytes[i] == '<')
            text->bytes[i] = '>';
}

static void shapes_keep_content(void **state)
{
    static struct text shown, read;

    (void)state;
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct pool pool;
        struct outq to;
        struct tap_counts counts = {0};
        struct seen seen = {&shown};

        shown.len = read.len = 0;
        pool_init(&pool);
        outq_init(&to, &pool);
        assert_int_equal(send_request(&pool, &shapes[i].shape, see, &seen, &to, &counts), 0);
        assert_string_equal(shown.bytes, shapes[i].expect);
        assert_int_equal(counts.bytes_sent, to.bytes);
        assert_int_equal(counts.sent[WEIR_BEGIN_REQUEST], 1);
        take_back(&to, &pool, &read);
        assert_string_equal(read.bytes, shapes[i].expect);
        outq_done(&to);
        pool_done(&pool);
    }
}

static int attempt(void *arg)
{
    struct pool pool;
    struct outq to;

    (void)arg;
    pool_init(&pool);
    outq_init(&to, &pool);
    int rc = send_request(&pool, &(struct tap_shape){3, 0, 255}, NULL, NULL, &to, NULL);
    struct tap *tap = rc == 0 ? tap_new(&pool, &(struct tap_shape){0}, NULL, NULL) : NULL;
    if (rc == 0 && !tap)
        rc = WEIR_ERROR_NOMEM;
    if (rc == 0) /* content in two pieces has to be put together */
        rc = tap_received(tap, str("\1\6\0\1\0\4\0\0ab", 10));
    if (rc == 0)
        rc = tap_received(tap, str("cd", 2));
    tap_free(tap);
    outq_done(&to);
    pool_done(&pool);
    return rc;
}

static void without_memory(void **state)
{
    (void)state;
    failmalloc_each(attempt, NULL, WEIR_ERROR_NOMEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(23, 24, 27, 28, 45), shapes_keep_content),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
