/* SPDX-License-Identifier: MIT
 *
 * examples/gateway.c: a handler that passes its requests on to a FastCGI application.
 *
 *     gateway http://127.0.0.1:8080 fcgi+unix:/run/app.sock
 *
 * Bodies stream both ways, and whichever side is slow stops the other. Where weir, the program, is
 * a gateway for everybody, this is the start of one of your own: with a cache, other headers, a
 * choice of applications. */
#include <string.h>
#include <weir/weir.h>

struct pass {
    weir_exchange *x;
    weir_client_request *r;
};

/* ---- The answer: from the application to the client ------------------------------------------ */

static void on_head(weir_client_request *r, void *arg)
{
    struct pass *p = arg;
    weir_str name, value;

    weir_set_status(p->x, weir_client_status(r));
    for (size_t i = 0; weir_client_field_at(r, i, &name, &value); i++)
        weir_add_header(p->x, name.ptr, value.ptr);
}

static void on_room(weir_exchange *x, void *arg)
{
    (void)x;
    weir_client_resume(((struct pass *)arg)->r);
}

static void on_output(weir_client_request *r, weir_str data, void *arg)
{
    struct pass *p = arg;
    int rc = weir_write(p->x, data.ptr, data.len);

    if (rc == 0 && weir_full(p->x)) {
        weir_client_pause(r);
        weir_on_drain(p->x, on_room, p);
    }
}

static void on_done(weir_client_request *r, int error, void *arg)
{
    struct pass *p = arg;
    weir_exchange *x = p->x;

    weir_client_request_free(r);
    p->r = NULL;
    if (error == 0)
        weir_finish(x);
    else if (error == WEIR_ERROR_CONNECT || error == WEIR_ERROR_OVERLOADED)
        weir_reject(x);
    else
        weir_fail(x); /* a response that has begun is visibly broken */
}

/* ---- The body: from the client to the application -------------------------------------------- */

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct pass *p = arg;

    if (!p->r || state == WEIR_ERROR_CANCELLED)
        return;
    if (state < 0) {
        p->r = weir_client_request_free(p->r); /* ABORT_REQUEST: it is never taken for the whole */
        weir_fail(x);
        return;
    }
    if (data.len > 0)
        weir_client_write(p->r, data.ptr, data.len);
    if (state == 1)
        weir_client_write_end(p->r);
    else if (weir_client_full(p->r))
        weir_pause_body(x);
}

static void on_writable(weir_client_request *r, void *arg)
{
    (void)r;
    weir_resume_body(((struct pass *)arg)->x);
}

static void on_cancel(weir_exchange *x, void *arg)
{
    struct pass *p = arg;

    p->r = weir_client_request_free(p->r);
    weir_finish(x);
}

/* ---- The request ------------------------------------------------------------------------------
 */

static int copy_request(weir_client_request *r, weir_exchange *x)
{
    weir_client_http http = {.size = sizeof http, .remote_addr = weir_remote_addr(x)};
    weir_str name, value;
    int rc = 0;

    /* Before the URL's: the client's Host is the one that counts. */
    for (size_t i = 0; rc == 0 && weir_header_at(x, i, &name, &value); i++) {
        rc = weir_client_header(r, name, value);
        if (rc == WEIR_ERROR_HEADER)
            rc = 0; /* those of one connection, Proxy, and the like stay here */
    }
    if (rc == 0)
        rc = weir_client_request_http(r, weir_method(x), weir_target(x), &http);
    return rc ? rc : weir_client_body_written(r, weir_content_length(x));
}

static void pass_on(weir_exchange *x, void *arg)
{
    static const weir_client_callbacks callbacks = {
        .size = sizeof callbacks,
        .head = on_head,
        .body = on_output,
        .writable = on_writable,
        .done = on_done,
    };
    struct pass *p = weir_alloc(x, sizeof *p);
    weir_client *client = weir_client_of_exchange(x, arg, NULL);

    if (!p || !client || !(p->r = weir_client_request_new(client, WEIR_RESPONDER))) {
        weir_fail(x);
        return;
    }
    p->x = x;
    if (copy_request(p->r, x) != 0 || weir_client_start(p->r, &callbacks, p) != 0) {
        p->r = weir_client_request_free(p->r);
        weir_respond(x, 400, "text/plain", "This request cannot be passed on.\n");
        return;
    }
    weir_on_cancel(x, on_cancel, p);
    if (weir_client_full(p->r))
        weir_pause_body(x);
    weir_on_body(x, on_body, p);
}

int main(int argc, char **argv)
{
    return argc != 3 || weir_serve(argv[1], pass_on, argv[2]) != 0;
}
