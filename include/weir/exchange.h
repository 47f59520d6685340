/* SPDX-License-Identifier: MIT
 *
 * weir/exchange.h: one request and its response, whatever carried it.
 *
 * A handler is called once for each request, when its head is complete. It sees three things that
 * never mix:
 *
 *     what the proxy vouches for   weir_param, weir_remote_addr   REMOTE_ADDR, REMOTE_USER, ...
 *     the request line             weir_method, weir_path, ...    chosen by the client
 *     client headers               weir_header                    chosen by the client
 *
 * No call reads across: a header can never answer for a parameter. Over http: the first class is
 * filled from the socket alone. Absence is a value: what is not known is NULL.
 *
 * The handler runs on the loop's thread and must not block. It may return before it has answered
 * and go on later, from the callbacks it has set; the exchange lives until weir_finish,
 * weir_respond or weir_fail is called, and is gone when that call returns to the loop: the pointer
 * must not be used after it. Exactly one of them must be called in the end, also after
 * cancellation. All functions here belong to the loop's thread, but for weir_post.
 *
 * With worker threads (weir_server_options.workers) the handler runs on one of them and may block:
 * weir_read, weir_write, weir_printf, weir_sendfile and weir_flush wait until there is something to
 * read, or room to write. The exchange ends when the handler returns, after which the pointer must
 * not be used; ending it before only fixes the answer. There the callbacks (weir_on_body,
 * weir_on_drain, weir_on_cancel, weir_after) have no effect; cancellation is the error CANCELLED of
 * the calls that wait, or weir_cancelled. */
#ifndef WEIR_EXCHANGE_H
#define WEIR_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/error.h>
#include <weir/role.h>
#include <weir/str.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weir_exchange weir_exchange;

typedef void weir_handler(weir_exchange *x, void *arg);

/* ---- What is asked for ----------------------------------------------------------------------- */

/* The role that the web server wants filled; over http: always WEIR_RESPONDER. A server whose
 * handler is no Authorizer answers such requests as any other: with a status that is not 200 it
 * denies, with 200 it allows, so a site should not name it as one. */
WEIR_API weir_role weir_exchange_role(const weir_exchange *x);

/* Authorizer: a variable that the web server gives to the application which will answer the request
 * (FastCGI 6.3). name: letters, digits and '_'. To be followed by weir_allow. HEADER, LIMIT, STATE,
 * NOMEM. */
WEIR_API int weir_set_variable(weir_exchange *x, const char *name, const char *value);

/* Authorizer: ends the exchange, the request may go on. */
WEIR_API int weir_allow(weir_exchange *x);

/* Authorizer: ends the exchange; the client gets this answer. status is not 200. As weir_respond.
 */
WEIR_API int weir_deny(weir_exchange *x, int status, const char *content_type, const char *body);

/* A Filter reads its body to the end before it writes (FastCGI 6.4): until then weir_write and
 * weir_flush give STATE, and an answer in one piece (weir_respond, weir_fail, ...) is kept until
 * what is left of the body has been skipped. The file need not be read to its end.
 *
 * The length of the file, -1 if not said, and the time it was last changed, in seconds
 * since 1970, -1 if not said. */
WEIR_API int64_t weir_data_length(weir_exchange *x);
WEIR_API int64_t weir_data_mtime(weir_exchange *x);

/* ---- What the proxy vouches for -------------------------------------------------------------- */

/* A parameter that the proxy made, NULL when it sent none: REMOTE_ADDR, REMOTE_PORT, SERVER_ADDR,
 * HTTPS, REQUEST_SCHEME, REMOTE_USER, AUTH_TYPE, SSL_*, TLS_*, DOCUMENT_ROOT, SCRIPT_FILENAME, and
 * whatever else its operator configured. Never HTTP_*, nor anything of the request line, to which
 * most proxies also count SERVER_NAME and SERVER_PORT, taking both from the Host header. An empty
 * REMOTE_USER, AUTH_TYPE or HTTPS is NULL. Over http: and https: REMOTE_ADDR, REMOTE_PORT,
 * SERVER_ADDR and REQUEST_SCHEME of the connection; over https: also HTTPS, TLS_* and SSL_* of the
 * session (weir/tls.h). Valid until the exchange ends. */
WEIR_API const char *weir_param(weir_exchange *x, const char *name);

/* All of them: fills *ret_name and *ret_value with number index (from 0) and returns true, or
 * returns false when there are no more. Each name comes once, in no particular order. */
WEIR_API bool weir_param_at(weir_exchange *x, size_t index, weir_str *ret_name,
                            weir_str *ret_value);

typedef enum weir_family {
    WEIR_FAMILY_NONE = 0,
    WEIR_FAMILY_IPV4 = 4,
    WEIR_FAMILY_IPV6 = 6,
} weir_family;

/* The client's address, in numbers, as the proxy vouches for it (over http: as we see it). NULL
 * when there is none: a client on a UNIX socket, or a proxy that did not say. What is not an
 * address, like the "unix:" of nginx, counts as not said; weir_param has it as it was sent. Valid
 * until the exchange ends. */
WEIR_API const char *weir_remote_addr(weir_exchange *x);

/* Which kind of address weir_remote_addr is; NONE when it is NULL. */
WEIR_API weir_family weir_remote_family(weir_exchange *x);

/* The client's port, 1 to 65535, from the same source; -1 when it is not known. */
WEIR_API int weir_remote_port(weir_exchange *x);

/* The process at the other end of the connection that brought the exchange, if that is a UNIX
 * socket: as the kernel recorded it when it connected, so not to be forged by what is sent, nor
 * changed by what it does later. Over FastCGI this is the web server, not the client; over
 * http+unix: it is the client, or a proxy in front. -1 over TCP; the process is also -1 when it is
 * in a namespace that this one does not see. A process id may be another's by now: decide by the
 * user. */
WEIR_API int64_t weir_peer_uid(const weir_exchange *x);
WEIR_API int64_t weir_peer_gid(const weir_exchange *x);
WEIR_API int64_t weir_peer_pid(const weir_exchange *x);

/* ---- The request line ------------------------------------------------------------------------ */

/* The method, as it was sent: methods are case-sensitive (RFC 9110 9.1). NULL when a FastCGI server
 * sent none. Like all strings of the request it is followed by a NUL and lives as long as the
 * exchange. */
WEIR_API const char *weir_method(weir_exchange *x);

/* The target as it was sent, in origin form ("/a%20b?c"), or "*". */
WEIR_API const char *weir_target(weir_exchange *x);

/* The path, decoded once, without "//", "." and ".."; it starts with '/' and holds no control
 * bytes. Requests whose path cannot be made so are refused before the handler. */
WEIR_API const char *weir_path(weir_exchange *x);

/* What follows the first '?', undecoded; NULL when there is no '?'. */
WEIR_API const char *weir_query(weir_exchange *x);

/* The host asked for, lower-case, without port; NULL when there is none. */
WEIR_API const char *weir_host(weir_exchange *x);

/* The length of the request body; -1 when it is not known before the body has ended. */
WEIR_API int64_t weir_content_length(weir_exchange *x);

/* ---- Client headers -------------------------------------------------------------------------- */

/* The value of a header, whatever its case; NULL when the client sent none. Repeated fields are
 * joined with ", ", Cookie with "; ". Only names of letters, digits and '-' are seen: others cannot
 * be told apart once they have passed a CGI variable. */
WEIR_API const char *weir_header(weir_exchange *x, const char *name);

/* All of them, as weir_param_at; names are in lower case. Content-Length is not among them. */
WEIR_API bool weir_header_at(weir_exchange *x, size_t index, weir_str *ret_name,
                             weir_str *ret_value);

/* ---- The request body ------------------------------------------------------------------------ */

/* state: 0, there is more to come; 1, the body is complete (data may be empty); or an error:
 * SHORT_BODY (fewer bytes than Content-Length), CANCELLED, TIMEOUT, TOO_BIG, PROTOCOL. After 1 or
 * an error there are no more calls. data is valid during the call only. */
typedef void weir_body_fn(weir_exchange *x, weir_str data, int state, void *arg);

/* Sets who gets the body. Not called from inside weir_on_body. Without it the body is read and
 * dropped after the response. */
WEIR_API void weir_on_body(weir_exchange *x, weir_body_fn *fn, void *arg);

/* Filter: the same for the file, which comes after the body. */
WEIR_API void weir_on_data(weir_exchange *x, weir_body_fn *fn, void *arg);

/* Stops and restarts the calls; while stopped the sender is stopped too once the buffers between
 * are full. A call in progress has to take all of its data. */
WEIR_API void weir_pause_body(weir_exchange *x);
WEIR_API void weir_resume_body(weir_exchange *x);

/* For worker handlers: reads up to room bytes (1 to 2^30) of the body, waiting for at least one.
 * Returns how many; 0 when the body has been read to its end; SHORT_BODY, CANCELLED, TIMEOUT,
 * TOO_BIG or PROTOCOL when it broke off; STATE on a loop. */
WEIR_API int weir_read(weir_exchange *x, void *out, size_t room);

/* For worker handlers that are Filters: the same for the file. */
WEIR_API int weir_read_data(weir_exchange *x, void *out, size_t room);

/* ---- The response ---------------------------------------------------------------------------- */

/* The whole answer in one call: status 200..599, content_type (NULL: none), body up to its NUL. */
WEIR_API int weir_respond(weir_exchange *x, int status, const char *content_type, const char *body);

/* The same with a body of any bytes. */
WEIR_API int weir_respond_bytes(weir_exchange *x, int status, const char *content_type,
                                weir_str body);

/* Sets the status, 200..599; 200 if never called. STATE after the head was sent, INVALID. */
WEIR_API int weir_set_status(weir_exchange *x, int status);

/* Sets the text after the status, which is copied, where the carrier has one; without it, or when
 * it is empty, the standard one is sent. STATE, INVALID, HEADER for a control byte, NOMEM. */
WEIR_API int weir_set_reason(weir_exchange *x, const char *reason);

/* Adds a header; both strings are copied. HEADER when the name is no token or the value holds a
 * control byte; Connection, Transfer-Encoding and others that belong to the carrier are refused the
 * same way. Content-Length declares the body's length, which is then enforced. LIMIT at 100 fields,
 * STATE after the head was sent, NOMEM. */
WEIR_API int weir_add_header(weir_exchange *x, const char *name, const char *value);

/* The same, in place of all headers of that name; value NULL: only removes them. STATE, INVALID,
 * HEADER (then nothing is changed), LIMIT, NOMEM. */
WEIR_API int weir_set_header(weir_exchange *x, const char *name, const char *value);

/* Adds a field that follows the body: a checksum, the outcome of something that took long. At any
 * time before the end; both strings are copied. UNSUPPORTED, and nothing is sent, where trailers
 * would not reach the client: over FastCGI, which has none; over HTTP/1.1 unless the client has
 * asked for them (TE: trailers) and the length is not declared. HTTP/2 always has them. HEADER for
 * a name or value that is not valid, or a field that counts only in the head (RFC 9110 6.5.1), like
 * Content-Type, Set-Cookie and Cache-Control. LIMIT at 100 trailers, STATE after the end, INVALID,
 * NOMEM. */
WEIR_API int weir_add_trailer(weir_exchange *x, const char *name, const char *value);

/* Sends a 1xx response with these headers ahead of the one that answers; any number of times before
 * the head. status: 102..199; 100 is sent by weir itself when the body is asked for. 0 also when
 * nothing is sent because the other side would not understand: a client of HTTP/1.0, and a web
 * server in front that is not known (by SERVER_SOFTWARE) to pass them on over FastCGI, which weir
 * and lighttpd do: others, nginx among them, take a 1xx for the answer. STATE after the head was
 * sent, INVALID, HEADER as weir_add_header, LIMIT, CANCELLED, NOMEM. */
WEIR_API int weir_informational(weir_exchange *x, int status, const weir_pair *fields,
                                size_t count);

/* 103 with one Link field (RFC 8297): "</style.css>; rel=preload; as=style". A browser fetches it
 * while the answer is being made. As weir_informational. */
WEIR_API int weir_early_hints(weir_exchange *x, const char *link);

/* Sends part of the body, and the head before the first one. data may go away when the call
 * returns. 0; AGAIN when too much is unsent: nothing was taken, set weir_on_drain and write again
 * then; CANCELLED; CONTENT_LENGTH when it is more than was declared; NOMEM. For HEAD, 204 and 304
 * the body is counted and not sent; AGAIN then comes after each MiB, so that a body without end
 * leaves others their turn. On a worker it waits instead of AGAIN, and gathers up to 16 KiB before
 * anything is sent. */
WEIR_API int weir_write(weir_exchange *x, const void *data, size_t len);

/* Whether weir_write would answer AGAIN to a large piece; a small one may still be taken. Lets what
 * produces the body be stopped before it has more; go on from weir_on_drain. Never on a worker,
 * where writing waits. */
WEIR_API bool weir_full(const weir_exchange *x);

/* weir_write of formatted text, as printf; INVALID for a format that cannot be printed. */
WEIR_API int weir_printf(weir_exchange *x, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* Sends what was written so far, and the head. 0, CANCELLED, STATE, NOMEM. */
WEIR_API int weir_flush(weir_exchange *x);

/* Called once when writing makes sense again. */
typedef void weir_event_fn(weir_exchange *x, void *arg);
WEIR_API void weir_on_drain(weir_exchange *x, weir_event_fn *fn, void *arg);

/* Ends the response; a head not yet sent is sent. If less body was written than declared, the
 * client is shown a broken response, as by weir_fail, and the result is CONTENT_LENGTH. */
WEIR_API int weir_finish(weir_exchange *x);

/* Ends the exchange with something gone wrong. Before the head was sent the client gets a plain 500
 * (over FastCGI with appStatus 1); after it, a response that is visibly broken, never one that
 * looks complete. */
WEIR_API void weir_fail(weir_exchange *x);

/* Ends the exchange as not processed, before the head was sent: END_REQUEST with OVERLOADED over
 * FastCGI, so that the web server may try another application; 503 with Retry-After over HTTP.
 * After the head, and on a worker, it is weir_fail. */
WEIR_API void weir_reject(weir_exchange *x);

/* One line for the error log, as printf, without a newline: control bytes become spaces, what is
 * beyond 1000 bytes is cut off. Over FastCGI it goes to the web server's log, as STDERR (FastCGI
 * 5.3), over HTTP to the log of our server (weir_server_options.log), as a warning. 0; AGAIN when
 * too much is unsent, CANCELLED, STATE after the end or (Filter) before the body has ended, INVALID
 * for a format that cannot be printed, NOMEM: then the line is lost. Since 0.1. */
WEIR_API int weir_log(weir_exchange *x, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* What the exchange leaves behind besides its answer: appStatus of END_REQUEST over FastCGI, "what
 * a CGI program would have passed to exit" (FastCGI 5.5), which web servers log. 0 unless set here
 * or by weir_fail, which makes it 1 if it is still 0. Over HTTP nobody hears of it. The last value
 * given before the exchange ends counts, also after the head was sent or the exchange was
 * cancelled. STATE after its end. Since 0.1. */
WEIR_API int weir_set_app_status(weir_exchange *x, uint32_t app_status);

/* ---- Cancellation and time ------------------------------------------------------------------- */

/* Sets who is told when the other side has lost interest: ABORT_REQUEST, the client gone, the
 * connection lost, a deadline, shutdown. Writing fails from then on; end the exchange soon. */
WEIR_API void weir_on_cancel(weir_exchange *x, weir_event_fn *fn, void *arg);
WEIR_API bool weir_cancelled(const weir_exchange *x);

/* Calls fn once after ms milliseconds, unless the exchange ends before. One timer an exchange:
 * a second call replaces the first. NOMEM. */
WEIR_API int weir_after(weir_exchange *x, uint32_t ms, weir_event_fn *fn, void *arg);

/* Calls fn on the exchange's loop, soon: the way to answer from another thread. Any thread. The
 * exchange must not end before fn was called, so only fn, or what it leads to, may end it; when it
 * has been cancelled meanwhile, fn finds weir_cancelled true. NOMEM, INVALID. */
WEIR_API int weir_post(weir_exchange *x, weir_event_fn *fn, void *arg);

/* A pointer of the handler's own. */
WEIR_API void weir_set_user(weir_exchange *x, void *user);
WEIR_API void *weir_user(const weir_exchange *x);

/* Memory that lives as long as the exchange, aligned for any type; NULL when memory is out. */
WEIR_API void *weir_alloc(weir_exchange *x, size_t size);

#ifdef __cplusplus
}
#endif
#endif
