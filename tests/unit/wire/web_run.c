/* SPDX-License-Identifier: MIT
 *
 * wire/web_run.c: a web server to test the web-server session with; see support.h. */
#include <stdlib.h>

#include "support.h"

static void web_event(const weir_web_event *event, struct text *text)
{
    unsigned id = event->request ? weir_web_request_id(event->request) : 0;

    if (event->request)
        assert_ptr_equal(event->user, (void *)(uintptr_t)(1000 + id));
    switch (event->type) {
    case WEIR_WEB_STDOUT:
        text_add_data(text, "stdout", id, event->data);
        break;
    case WEIR_WEB_STDOUT_END:
        text_add(text, "stdout-end %u\n", id);
        break;
    case WEIR_WEB_STDERR:
        text_add_data(text, "stderr", id, event->data);
        break;
    case WEIR_WEB_END:
        text_add(text, "end %u app=%u status=%u\n", id, event->app_status, event->protocol_status);
        break;
    case WEIR_WEB_VALUES:
        text_add(text, "values\n");
        break;
    case WEIR_WEB_UNKNOWN:
        text_add(text, "unknown %u\n", event->record_type);
        break;
    default:
        fail_msg("event %d", event->type);
    }
}

int web_feed(weir_web_session *session, weir_str in, bool takes_little, struct text *text)
{
    size_t some = 0;
    weir_web_event event;
    size_t used;
    int rc;

    do {
        memset(&event, 0xa5, sizeof event);
        rc = weir_web_session_next(session, in.ptr, in.len, &used, &event);
        assert_true(used <= in.len);
        in = str(in.ptr + used, in.len - used);
        if (rc > 0 && takes_little && event.type == WEIR_WEB_STDOUT) {
            size_t back = event.data.len > some ? event.data.len - some : 0;
            weir_web_session_unread(session, back);
            in = str(in.ptr - back, in.len + back);
            event.data.len -= back;
            some++;
            if (event.data.len == 0)
                continue;
        }
        if (rc > 0)
            web_event(&event, text);
    } while (rc > 0);
    if (rc == 0)
        assert_int_equal(in.len, 0);
    else
        text_add(text, "error %s\n", weir_error_name(rc));
    return rc;
}

static void web_start(weir_web_session *session, const char *word)
{
    weir_role role = word[0] == 'r'   ? WEIR_RESPONDER
                     : word[0] == 'a' ? WEIR_AUTHORIZER
                                      : WEIR_FILTER;
    int flags = strchr(word, '-') ? 0 : WEIR_FLAG_KEEP_CONN;
    weir_web_request *request = weir_web_begin(session, role, flags, NULL);

    assert_non_null(request);
    weir_web_request_set_user(request, (void *)(uintptr_t)(1000 + weir_web_request_id(request)));
    assert_int_equal(weir_web_params_end(request), 0);
    if (strchr(word, '+')) {
        assert_int_equal(weir_web_stdin_end(request), 0);
        if (role == WEIR_FILTER)
            assert_int_equal(weir_web_data_end(request), 0);
    }
    if (strchr(word, '!'))
        assert_int_equal(weir_web_abort(request), 0);
}

static void web_drive(struct delivery *delivery, const void *arg, struct text *text)
{
    const struct web_case *c = arg;
    char *copy = strdup(c->requests), *rest = copy, *word;
    weir_web_session *session = weir_web_session_new();
    struct bytes out = {NULL, 0, 0};
    weir_str in;

    assert_non_null(copy);
    assert_non_null(session);
    while ((word = strtok_r(rest, " ", &rest)) != NULL)
        web_start(session, word);
    take_web_output(session, &out, 0);
    while (delivery_next(delivery, false, &in))
        if (web_feed(session, in, c->takes_little, text) < 0)
            break;
    assert_int_equal(weir_web_session_pending(session), 0);
    weir_web_values values = weir_web_session_values(session);
    text_add(text, "active=%u%s", weir_web_session_active(session),
             weir_web_session_reusable(session) ? " reusable" : "");
    if (values.max_conns >= 0 || values.max_reqs >= 0 || values.mpxs_conns >= 0)
        text_add(text, " conns=%ld reqs=%ld mpxs=%ld", (long)values.max_conns,
                 (long)values.max_reqs, (long)values.mpxs_conns);
    text_add(text, "\n");
    assert_null(weir_web_session_free(session));
    bytes_free(&out);
    free(copy);
}

void web_run(const struct web_case *cases, size_t count)
{
    static struct text outcome;

    for (size_t i = 0; i < count; i++) {
        struct bytes input = {NULL, 0, 0};
        script_add(&input, cases[i].script);
        deliver_in_every_way(cases[i].name, bytes_str(&input), web_drive, &cases[i], &outcome);
        expect_text(cases[i].name, &outcome, cases[i].expect);
        bytes_free(&input);
    }
}
