/* SPDX-License-Identifier: MIT
 *
 * client/blocking.c: reading an answer by calls that wait. They run the client's loop until there
 * is something to return; every wait is bounded by the client's timeouts, which run on that loop.
 */
#include "client/client.h"

/* Runs the loop until over. Between two calls the application was not waited for: its time starts
 * anew. */
static int wait_until(weir_client_request *r, bool (*over)(void *r))
{
    struct client_loop *cl = r->client->cl;

    if (!r->is_pull)
        return request_fail(r, WEIR_ERROR_STATE,
                            "waiting: the request was not started, or with "
                            "callbacks");
    if (over(r))
        return 0;
    if (r->state == REQUEST_RUNNING) {
        uv_update_time(cl->loop->uv);
        call_touch(&r->call);
    }
    return client_drive(cl, over, r, WEIR_CLIENT_NO_LIMIT, false);
}

static bool has_head(void *arg)
{
    weir_client_request *r = arg;
    return r->state == REQUEST_OVER || r->answer.head_done || (r->is_raw && r->kept.len > 0);
}

int weir_client_wait_head(weir_client_request *r)
{
    int rc = wait_until(r, has_head);

    if (rc != 0)
        return rc;
    return r->answer.head_done || r->kept.len > 0 || r->state != REQUEST_OVER ? 0 : r->result;
}

static bool has_output(void *arg)
{
    weir_client_request *r = arg;
    return r->state == REQUEST_OVER || r->kept.len > 0;
}

int weir_client_read(weir_client_request *r, void *out, size_t room)
{
    int rc = wait_until(r, has_output);

    if (rc != 0)
        return rc;
    if (r->kept.len == 0)
        return r->result;
    size_t n = r->kept.len < room ? r->kept.len : room;
    if (n > READ_MOST)
        n = READ_MOST;
    memcpy(out, r->kept.ptr, n);
    buf_consume(&r->kept, n);
    buf_trim(&r->kept);
    if (r->state == REQUEST_RUNNING && r->kept.len < KEPT_MAX)
        call_resume(&r->call);
    return (int)n;
}

static bool is_over(void *arg)
{
    weir_client_request *r = arg;
    return r->state == REQUEST_OVER;
}

int weir_client_finish(weir_client_request *r)
{
    r->discards = true;
    buf_done(&r->kept);
    if (r->state == REQUEST_RUNNING)
        call_resume(&r->call);
    int rc = wait_until(r, is_over);
    return rc ? rc : r->result;
}
