/* SPDX-License-Identifier: MIT
 *
 * proxy/gateway.h: one request on its way through weir. */
#ifndef PROXY_GATEWAY_H
#define PROXY_GATEWAY_H

#include "exchange/spool.h"
#include "http/cgi.h"
#include "proxy/proxy.h"
#include "proxy/script.h"

enum { REDIRECTS_MAX = 10, REQUEST_ID_SIZE = 32 };

struct gateway {
    weir_exchange *x;
    struct proxy *proxy;
    struct proxy_loop *pl;
    struct call call;
    unsigned first; /* server tried first */
    unsigned tries; /* servers tried */
    unsigned redirects;
    bool calling; /* call is started and not done */
    bool retried; /* once more after a kept connection had died */
    char request_id[REQUEST_ID_SIZE];

    /* What is asked of the backend: the client's request, or where a local redirect led. */
    weir_str method, target, path, query;
    struct script script;

    /* Its body. */
    struct spool *spool; /* while or after gathering a body of unknown length */
    size_t spool_sent;
    int64_t content_length;
    bool body_sent; /* some of it was handed on, and cannot be had again */
    bool body_ended;

    /* The response. */
    struct cgi_parser cgi;
    struct http_field *cgi_fields;
    struct buf head;   /* of a response head that comes in more than one piece */
    bool head_started; /* cgi is in the middle of a head */
    bool head_done;
    weir_str redirect; /* a local redirect, to be followed when the call is done */
};

/* Writes all parameters of the request. 0 or an error of weir_web_param. */
int gateway_params(struct gateway *g);

/* STDOUT up to the end of the response head and beyond. */
void gateway_output(struct gateway *g, weir_str data);

/* Answers the client instead of the backend, or breaks a response that has begun, and logs why. */
void gateway_fail(struct gateway *g, unsigned status, const char *reason);

#endif
