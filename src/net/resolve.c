/* SPDX-License-Identifier: MIT
 *
 * net/resolve.c: see resolve.h. */
#include "net/resolve.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <weir/error.h>

struct resolve {
    uv_getaddrinfo_t request;
    struct endpoint like;
    resolve_fn *fn; /* NULL: forgotten */
    void *arg;
};

static unsigned take(const struct addrinfo *list, const struct endpoint *like,
                     struct endpoint out[static RESOLVE_MAX])
{
    unsigned count = 0;

    for (const struct addrinfo *ai = list; ai && count < RESOLVE_MAX; ai = ai->ai_next) {
        if (ai->ai_addrlen > sizeof out->address.storage)
            continue;
        out[count] = *like;
        memcpy(&out[count].address.storage, ai->ai_addr, ai->ai_addrlen);
        out[count++].address_len = ai->ai_addrlen;
    }
    return count;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct resolve *r = request->data;
    struct endpoint endpoints[RESOLVE_MAX];
    unsigned count = status == 0 ? take(list, &r->like, endpoints) : 0;

    uv_freeaddrinfo(list);
    if (r->fn)
        r->fn(r->arg, endpoints, count, status == 0 ? "it has no address" : uv_strerror(status));
    free(r);
}

static int resolve_number(const struct endpoint *like, const char *host, const char *port,
                          struct endpoint out[static RESOLVE_MAX])
{
    struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    struct addrinfo *list = NULL;

    if (getaddrinfo(host, port, &hints, &list) != 0)
        return 0;
    unsigned count = take(list, like, out);
    freeaddrinfo(list);
    return (int)count;
}

int resolve_start(struct loop *loop, const struct endpoint *like, const char *host,
                  const char *port, resolve_fn *fn, void *arg, struct resolve **ret_resolve)
{
    static const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };
    struct endpoint endpoints[RESOLVE_MAX];
    int count = resolve_number(like, host, port, endpoints);

    if (count > 0) {
        *ret_resolve = NULL;
        fn(arg, endpoints, (unsigned)count, NULL);
        return 0;
    }
    struct resolve *r = calloc(1, sizeof *r);
    if (!r)
        return WEIR_ERROR_NOMEM;
    r->like = *like;
    r->fn = fn;
    r->arg = arg;
    r->request.data = r;
    if (uv_getaddrinfo(loop->uv, &r->request, on_resolved, host, port, &hints) != 0) {
        free(r);
        return WEIR_ERROR_SYSTEM;
    }
    *ret_resolve = r;
    return 0;
}

void resolve_forget(struct resolve *r)
{
    r->fn = NULL;
    (void)uv_cancel((uv_req_t *)&r->request);
}
