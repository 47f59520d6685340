/* SPDX-License-Identifier: MIT
 *
 * fuzz/fuzz_web_session.c: the web server's end of FastCGI. The input is what an application sends
 * on a connection with five requests, one of them aborted. However it is cut, it must come to the
 * same; nothing may be delivered for the aborted request but its end, nor for any after its end. */
#include <stdlib.h>

#include "fuzz.h"
#include "weir/wire.h"

enum { REQUESTS = 5, ABORTED = 3 };

struct outcome {
    uint64_t events, output[REQUESTS + 1];
    int error;
    bool reusable;
};

struct run {
    weir_web_session *session;
    struct outcome outcome;
    bool ended[REQUESTS + 1];
};

static void begin_requests(weir_web_session *session)
{
    struct iovec iov[8];
    int n;

    for (uintptr_t id = 1; id <= REQUESTS; id++) {
        weir_web_request *request =
            weir_web_begin(session, WEIR_RESPONDER, WEIR_FLAG_KEEP_CONN, (void *)id);
        FUZZ_CHECK(request && weir_web_request_id(request) == id);
        FUZZ_CHECK(weir_web_param(request, WEIR_STR("NAME"), WEIR_STR("value")) == 0);
        FUZZ_CHECK(weir_web_params_end(request) == 0);
        FUZZ_CHECK(weir_web_stdin_end(request) == 0);
        if (id == ABORTED)
            FUZZ_CHECK(weir_web_abort(request) == 0);
    }
    while ((n = weir_web_session_output(session, iov, 8)) > 0)
        for (int i = 0; i < n; i++)
            weir_web_session_sent(session, iov[i].iov_len);
}

static void on_event(struct run *run, const weir_web_event *event)
{
    uint32_t words[4] = {event->type, 0, event->app_status, event->protocol_status};
    uintptr_t id = (uintptr_t)event->user;

    if (event->type == WEIR_WEB_VALUES || event->type == WEIR_WEB_UNKNOWN) {
        words[1] = event->record_type;
    } else {
        words[1] = (uint32_t)id;
        FUZZ_CHECK(id >= 1 && id <= REQUESTS && !run->ended[id]);
        FUZZ_CHECK(id != ABORTED || event->type == WEIR_WEB_END);
        run->ended[id] = event->type == WEIR_WEB_END;
    }
    if (event->type == WEIR_WEB_STDOUT || event->type == WEIR_WEB_STDERR)
        run->outcome.output[id] = fuzz_hash(run->outcome.output[id], event->data);
    else
        run->outcome.events = fuzz_hash(run->outcome.events, str((char *)words, sizeof words));
}

static void feed(struct run *run, weir_str bytes)
{
    weir_str copy = fuzz_copy(bytes), in = copy;
    weir_web_event event = {0};
    size_t used;
    int rc = 1;
    bool put_back = false;

    while (rc > 0) {
        event = (weir_web_event){0};
        rc = weir_web_session_next(run->session, in.ptr, in.len, &used, &event);
        FUZZ_CHECK(used <= in.len);
        in = str(in.ptr + used, in.len - used);
        if (rc > 0 && event.type == WEIR_WEB_STDOUT && !put_back) {
            weir_web_session_unread(run->session, event.data.len);
            in = str(in.ptr - event.data.len, in.len + event.data.len);
            put_back = true;
            continue;
        }
        put_back = false;
        if (rc > 0)
            on_event(run, &event);
    }
    if (rc < 0)
        run->outcome.error = rc;
    fuzz_free(copy);
}

static struct outcome play(weir_str bytes, size_t step, size_t cut)
{
    struct run run = {.session = weir_web_session_new()};

    FUZZ_CHECK(run.session);
    begin_requests(run.session);
    feed(&run, str(bytes.ptr, cut));
    for (size_t at = cut; at < bytes.len && run.outcome.error == 0; at += step)
        feed(&run, str(bytes.ptr + at, step < bytes.len - at ? step : bytes.len - at));
    run.outcome.reusable = weir_web_session_reusable(run.session);
    FUZZ_CHECK(!run.outcome.reusable || weir_web_session_active(run.session) == 0);
    weir_web_session_free(run.session);
    return run.outcome;
}

static void same(struct outcome a, struct outcome b)
{
    FUZZ_CHECK(a.events == b.events && a.error == b.error && a.reusable == b.reusable);
    for (int id = 1; id <= REQUESTS; id++)
        FUZZ_CHECK(a.output[id] == b.output[id]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str bytes = {(const char *)data, size};
    struct outcome whole = play(bytes, size + 1, 0);

    same(whole, play(bytes, size + 1, fuzz_cut(bytes)));
    same(whole, play(bytes, 1, 0));
    return 0;
}
