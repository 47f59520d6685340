/* SPDX-License-Identifier: MIT
 *
 * fuzz/fuzz_app_session.c: the application's end of FastCGI. The input is what a web server sends;
 * the application answers in a way that depends on the request's id. Whole, in two parts, and byte
 * by byte it must come to the same events and the same bytes, and what it sends must be records. */
#include <stdlib.h>

#include "fuzz.h"
#include "weir/wire.h"

/* What came of an input, as hashes: of the events, and of each stream of bytes. */
struct outcome {
    uint64_t events, input, output;
    int error;
};

struct run {
    weir_app_session *session;
    struct outcome outcome;
};

static void note(struct run *run, unsigned what, unsigned id, int detail)
{
    uint32_t words[3] = {what, id, (uint32_t)detail};

    run->outcome.events = fuzz_hash(run->outcome.events, str((char *)words, sizeof words));
}

static void answer(weir_app_request *request)
{
    weir_str pieces[2] = {WEIR_STR("Status: 200 OK\r\n\r\n"), WEIR_STR("hello")};
    unsigned id = weir_app_request_id(request);

    if (id % 3 == 0)
        FUZZ_CHECK(weir_app_stderr(request, WEIR_STR("complaint")) == 0);
    FUZZ_CHECK(weir_app_stdout(request, pieces, 2) == 0);
    FUZZ_CHECK(weir_app_end(request, id, WEIR_REQUEST_COMPLETE) == 0);
}

static void on_begin(struct run *run, weir_app_request *request)
{
    size_t count;
    const weir_pair *params = weir_app_request_params(request, &count);

    for (size_t i = 0; i < count; i++) {
        run->outcome.input = fuzz_hash(run->outcome.input, params[i].name);
        run->outcome.input = fuzz_hash(run->outcome.input, params[i].value);
        FUZZ_CHECK(params[i].value.ptr[params[i].value.len] == '\0');
    }
    weir_app_request_set_user(request, (void *)(uintptr_t)1);
    if (weir_app_request_role(request) == WEIR_AUTHORIZER ||
        (weir_app_request_role(request) == WEIR_RESPONDER && weir_app_request_id(request) % 2))
        answer(request); /* without waiting for the body */
}

/* Counts in the request's own pointer what it was given of its current input. */
static void on_input(struct run *run, const weir_app_event *event)
{
    uintptr_t got = (uintptr_t)weir_app_request_user(event->request) - 1 + event->data.len;
    int64_t length = weir_app_request_content_length(event->request);

    if (event->type == WEIR_APP_STDIN)
        FUZZ_CHECK(length < 0 || got <= (uint64_t)length);
    weir_app_request_set_user(event->request, (void *)(got + 1));
    run->outcome.input = fuzz_hash(run->outcome.input, event->data);
}

static void on_event(struct run *run, const weir_app_event *event)
{
    weir_app_request *request = event->request;

    if (event->type == WEIR_APP_STDIN || event->type == WEIR_APP_DATA) {
        on_input(run, event);
        return;
    }
    note(run, event->type, request ? weir_app_request_id(request) : 0, event->error);
    if (event->type == WEIR_APP_BEGIN) {
        on_begin(run, request);
    } else if (event->type == WEIR_APP_ABORT || event->type == WEIR_APP_DATA_END) {
        answer(request);
    } else if (event->type == WEIR_APP_STDIN_END) {
        weir_app_request_set_user(request, (void *)(uintptr_t)1);
        if (weir_app_request_role(request) == WEIR_RESPONDER)
            answer(request);
    }
}

static void feed(struct run *run, weir_str bytes)
{
    weir_str copy = fuzz_copy(bytes), in = copy;
    weir_app_event event;
    size_t used;
    int rc = 1;
    bool put_back = false;

    while (rc > 0) {
        rc = weir_app_session_next(run->session, in.ptr, in.len, &used, &event);
        FUZZ_CHECK(used <= in.len);
        in = str(in.ptr + used, in.len - used);
        bool is_input = rc > 0 && (event.type == WEIR_APP_STDIN || event.type == WEIR_APP_DATA);
        if (is_input && !put_back) { /* not now: every portion is taken at the second time */
            weir_app_session_unread(run->session, event.data.len);
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

/* Takes what was sent and checks that it is records that an application may send. */
static void take_output(struct run *run)
{
    struct iovec iov[8];
    int n;

    while ((n = weir_app_session_output(run->session, iov, 8)) > 0)
        for (int i = 0; i < n; i++) {
            run->outcome.output =
                fuzz_hash(run->outcome.output, str(iov[i].iov_base, iov[i].iov_len));
            weir_app_session_sent(run->session, iov[i].iov_len);
        }
    FUZZ_CHECK(weir_app_session_pending(run->session) == 0);
}

static struct outcome play(weir_str bytes, size_t step, size_t cut)
{
    weir_app_options options = {
        .size = sizeof options, .max_requests = 5, .params_max = 2000, .params_count_max = 20};
    struct run run = {.session = weir_app_session_new(&options)};

    FUZZ_CHECK(run.session);
    feed(&run, str(bytes.ptr, cut));
    for (size_t at = cut; at < bytes.len && run.outcome.error == 0; at += step)
        feed(&run, str(bytes.ptr + at, step < bytes.len - at ? step : bytes.len - at));
    take_output(&run);
    weir_app_session_free(run.session);
    return run.outcome;
}

static void same(struct outcome a, struct outcome b)
{
    FUZZ_CHECK(a.events == b.events);
    FUZZ_CHECK(a.input == b.input);
    FUZZ_CHECK(a.output == b.output);
    FUZZ_CHECK(a.error == b.error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weir_str bytes = {(const char *)data, size};
    struct outcome whole = play(bytes, size + 1, 0);

    same(whole, play(bytes, size + 1, fuzz_cut(bytes)));
    same(whole, play(bytes, 1, 0));
    return 0;
}
