/* SPDX-License-Identifier: MIT
 *
 * wire/app_run.c: an application to test the application session with; see support.h. */
#include <stdlib.h>

#include "support.h"

/* Bodies of the requests of a run, in memory of the application's own. */
static struct bytes bodies[64];
static size_t body_count;

static struct bytes *body_of(weir_app_request *request)
{
    return weir_app_request_user(request);
}

static void app_answer(weir_app_request *request, weir_str text, unsigned conduct)
{
    weir_str halves[2] = {str(text.ptr, text.len / 2),
                          str(text.ptr + text.len / 2, text.len - text.len / 2)};

    if (conduct & APP_COMPLAINS) {
        assert_int_equal(weir_app_stdout(request, &halves[0], 1), 0);
        assert_int_equal(weir_app_stderr(request, WEIR_STR("oops")), 0);
        assert_int_equal(weir_app_stdout(request, &halves[1], 1), 0);
    } else {
        assert_int_equal(weir_app_stdout(request, halves, 2), 0);
    }
    assert_int_equal(weir_app_end(request, 0, WEIR_REQUEST_COMPLETE), 0);
}

static void app_answer_body(weir_app_request *request, unsigned conduct)
{
    if (conduct & APP_NEVER_ANSWERS)
        return;
    weir_str body = bytes_str(body_of(request));
    app_answer(request, body.len ? body : WEIR_STR("done"), conduct);
}

static void app_begun(weir_app_request *request, unsigned conduct, struct text *text)
{
    static const char *const roles[] = {"", "responder", "authorizer", "filter"};
    weir_role role = weir_app_request_role(request);
    size_t count;
    const weir_pair *pairs = weir_app_request_params(request, &count);

    assert_null(weir_app_request_user(request));
    assert_true(body_count < COUNT(bodies));
    weir_app_request_set_user(request, &bodies[body_count++]);
    text_add(text, "begin %u %s%s length=%d", weir_app_request_id(request), roles[role],
             weir_app_request_keep_conn(request) ? " keep" : "",
             (int)weir_app_request_content_length(request));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pairs[i].value.ptr[pairs[i].value.len], '\0'); /* REQ(65) */
        text_add(text, " ");
        text_add_content(text, pairs[i].name.ptr, pairs[i].name.len);
        text_add(text, "=");
        text_add_content(text, pairs[i].value.ptr, pairs[i].value.len);
    }
    text_add(text, "\n");
    if (role == WEIR_FILTER) { /* REQ(106, 123): not before STDIN has ended */
        weir_str early = WEIR_STR("early");
        assert_int_equal(weir_app_stdout(request, &early, 1), WEIR_ERROR_STATE);
        assert_int_equal(weir_app_stderr(request, early), WEIR_ERROR_STATE);
    } else if (conduct & APP_ANSWERS_EARLY) {
        app_answer(request, WEIR_STR("early"), conduct);
    } else if (role == WEIR_AUTHORIZER) {
        app_answer_body(request, conduct);
    }
}

static void app_input_end(const weir_app_event *event, unsigned conduct, struct text *text)
{
    bool is_stdin = event->type == WEIR_APP_STDIN_END;

    text_add(text, "%s-end %u%s%s\n", is_stdin ? "stdin" : "data",
             weir_app_request_id(event->request), event->error ? " " : "",
             event->error ? weir_error_name(event->error) : "");
    if (event->excess) {
        text->len--;
        text_add(text, " excess\n");
    }
    if (!is_stdin || weir_app_request_role(event->request) != WEIR_FILTER)
        app_answer_body(event->request, conduct);
}

static void app_aborted(weir_app_request *request, unsigned conduct, struct text *text)
{
    text_add(text, "abort %u\n", weir_app_request_id(request));
    if (conduct & (APP_IGNORES_ABORT | APP_NEVER_ANSWERS))
        return;
    assert_int_equal(weir_app_end(request, 9, WEIR_REQUEST_COMPLETE), 0);
}

static void app_event(const weir_app_event *event, unsigned conduct, struct text *text)
{
    switch (event->type) {
    case WEIR_APP_BEGIN:
        app_begun(event->request, conduct, text);
        break;
    case WEIR_APP_STDIN:
    case WEIR_APP_DATA:
        text_add_data(text, event->type == WEIR_APP_STDIN ? "stdin" : "data",
                      weir_app_request_id(event->request), event->data);
        bytes_add(body_of(event->request), event->data.ptr, event->data.len);
        break;
    case WEIR_APP_STDIN_END:
    case WEIR_APP_DATA_END:
        app_input_end(event, conduct, text);
        break;
    case WEIR_APP_ABORT:
        app_aborted(event->request, conduct, text);
        break;
    case WEIR_APP_REFUSED:
        assert_null(event->request);
        text_add(text, "refused %s\n", weir_error_name(event->error));
        break;
    default:
        fail_msg("event %d", event->type);
    }
}

int app_feed(weir_app_session *session, weir_str in, unsigned conduct, struct text *text)
{
    size_t some = 0; /* what it takes this time */
    weir_app_event event;
    size_t used;
    int rc;

    do {
        memset(&event, 0xa5, sizeof event);
        rc = weir_app_session_next(session, in.ptr, in.len, &used, &event);
        assert_true(used <= in.len);
        in = str(in.ptr + used, in.len - used);
        if (rc > 0 && conduct & APP_TAKES_LITTLE &&
            (event.type == WEIR_APP_STDIN || event.type == WEIR_APP_DATA)) {
            size_t back = event.data.len > some ? event.data.len - some : 0;
            weir_app_session_unread(session, back);
            in = str(in.ptr - back, in.len + back);
            event.data.len -= back;
            some++;
            if (event.data.len == 0)
                continue;
        }
        if (rc > 0)
            app_event(&event, conduct, text);
    } while (rc > 0);
    if (rc == 0)
        assert_int_equal(in.len, 0);
    else
        text_add(text, "error %s\n", weir_error_name(rc));
    return rc;
}

void app_forget(void)
{
    while (body_count > 0)
        bytes_free(&bodies[--body_count]);
}

static void app_drive(struct delivery *delivery, const void *arg, struct text *text)
{
    const struct app_case *c = arg;
    weir_app_options options = c->options;
    struct bytes out = {NULL, 0, 0};
    weir_str in;

    options.size = sizeof options;
    weir_app_session *session = weir_app_session_new(&options);
    assert_non_null(session);
    while (delivery_next(delivery, false, &in))
        if (app_feed(session, in, c->conduct, text) < 0)
            break;
    take_app_output(session, &out, 0);
    describe_records(text, bytes_str(&out), FROM_APP);
    bytes_free(&out);
    text_add(text, "active=%u%s\n", weir_app_session_active(session),
             weir_app_session_wants_close(session) ? " close" : "");
    assert_null(weir_app_session_free(session));
    app_forget();
}

void app_run(const struct app_case *cases, size_t count)
{
    static struct text outcome;

    for (size_t i = 0; i < count; i++) {
        struct bytes input = {NULL, 0, 0};
        script_add(&input, cases[i].script);
        deliver_in_every_way(cases[i].name, bytes_str(&input), app_drive, &cases[i], &outcome);
        expect_text(cases[i].name, &outcome, cases[i].expect);
        bytes_free(&input);
    }
}
