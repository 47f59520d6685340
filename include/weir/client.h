/* SPDX-License-Identifier: MIT
 *
 * weir/client.h: requests to FastCGI applications.
 *
 * A weir_client is one application: its address, the connections to it, what it can do. A
 * weir_client_request is one request to it. The whole of a health check:
 *
 *     weir_client *client = weir_client_new("fcgi+unix:/run/php/fpm.sock", NULL);
 *     weir_client_request *r = weir_client_request_new(client, WEIR_RESPONDER);
 *     weir_client_request_http(r, "GET", "http://localhost/ping", NULL);
 *     if (weir_client_start(r, NULL, NULL) == 0 && weir_client_wait_head(r) == 0 &&
 *         weir_client_status(r) == 200)
 *         healthy();
 *     else
 *         complain(weir_client_request_error(r));
 *     weir_client_request_free(r);
 *     weir_client_free(client);
 *
 * Two forms, chosen by weir_client_start:
 *
 *     blocking   callbacks NULL. weir_client_wait_head, weir_client_read, weir_client_write and
 *                weir_client_finish wait, never longer than the timeouts of the client; they run
 *                its loop, and so the callbacks of other requests on it.
 *     callbacks  the answer comes as calls on the thread of the client's loop.
 *
 * Whose loop that is, is chosen when the client is made:
 *
 *     its own                   weir_client_new; weir_client_run drives it. The only one on which
 *                               the blocking form works.
 *     that of another client    weir_client_options.beside
 *     the application's libuv   weir_client_options.uv
 *     that of a handler         weir_client_of_exchange: a gateway of one's own, in a handler
 *
 * Threads: a client, its requests, and all clients on the same loop belong to one thread at a time,
 * with a loop of their own any thread that nobody else uses them on. Only weir_client_stop may be
 * called from another one. Nothing here raises SIGPIPE.
 *
 * Errors are those of weir/error.h; what was tried and what failed is told in one line by
 * weir_client_error (functions that take the client) and weir_client_request_error (a request).
 * Times are milliseconds unless said otherwise. Since 0.1. */
#ifndef WEIR_CLIENT_H
#define WEIR_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <weir/exchange.h>
#include <weir/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;

typedef struct weir_client weir_client;
typedef struct weir_client_request weir_client_request;

/* ---- The client ------------------------------------------------------------------------------ */

/* A record as it went over a connection, for weir_client_options.observe. content is valid during
 * the call. */
typedef struct weir_client_record {
    weir_record header;
    weir_str content;
    uint64_t connection; /* number of the connection, from 1 in the order they were made */
    bool is_sent;        /* to the application; false: from it */
} weir_client_record;

/* Is told of every record, in order, when it has been queued for sending or received as a whole.
 * Must not call functions of the client or its requests. */
typedef void weir_client_observe_fn(const weir_client_record *record, void *arg);

enum {
    WEIR_KEEPALIVE_NONE = -1,          /* a connection for each request */
    WEIR_CLIENT_NO_LIMIT = 0x7fffffff, /* of a time, or a size of 32 bits */
};

/* Set size to sizeof(weir_client_options) and what you want to change; 0 and NULL elsewhere mean
 * the default. */
typedef struct weir_client_options {
    size_t size;
    weir_client *beside;         /* run on the loop of this client, which weir_client_new made */
    struct uv_loop_s *uv;        /* run on this loop, which the application drives */
    int32_t keepalive;           /* idle connections to keep: a number, WEIR_KEEPALIVE_NONE, or 0:
                                    as many as the application says it can do with. It is asked on
                                    a connection of its own (GET_VALUES), together with the second
                                    request; without an answer none is kept, since a kept
                                    connection pins a worker of applications like php-fpm */
    uint32_t connect_timeout;    /* for all addresses of the host, its look-up, and the waiting for
                                    a place in the backlog of a UNIX socket; default 2000 */
    uint32_t first_byte_timeout; /* from the request, or the last piece of its body, to the first
                                    byte of the answer; default 60000 */
    uint32_t idle_timeout;       /* between two pieces of the answer; default 60000 */
    uint32_t send_timeout;  /* in which the application takes nothing of a body; default 60000 */
    uint32_t total_timeout; /* from weir_client_start to the end of the answer; default none */
    uint32_t keepalive_timeout; /* a kept connection without a request; default 60000 */
    uint32_t abort_timeout;     /* from ABORT_REQUEST to END_REQUEST; default 5000 */
    uint32_t params_max;        /* bytes of parameters of a request; default 1 MiB */
    uint32_t head_max;          /* bytes of a response header block; default 32768 */
    uint32_t fields_max;        /* fields in it; default 100 */
    uint32_t errors_max;        /* bytes of STDERR kept for weir_client_errors; default 65536. What
                                   comes beyond is counted and dropped */
    weir_client_observe_fn *observe; /* default: none, and then it costs nothing */
    void *observe_arg;
    const char *tls_ca; /* fcgis: PEM, the issuers that are trusted; default those of the system */
    const char *tls_cert; /* PEM: our certificate, then its chain; default none */
    const char *tls_key;  /* PEM, without a password; default: it is in tls_cert */
    bool tls_no_verify;   /* fcgis: believe any certificate; for tests only */
    bool count_records;   /* fill in the records of weir_client_stats */

    /* What only a testing tool sets: how records are cut. Whatever is set, the bytes of each stream
     * are the same. */
    uint32_t record_max; /* content bytes of PARAMS, STDIN and DATA records, 1 to 65535; pairs are
                            then cut anywhere; default: as large as useful, pairs whole */
    uint32_t params_cut; /* begin a new PARAMS record after this many bytes of parameters */
    int32_t padding;     /* padding of each record, 1 to 255; -1: none; default: up to 8 bytes */
    uint16_t request_id; /* the id of the first request on each connection; default 1 */
} weir_client_options;

/* A client for the application at url: fcgi://HOST:PORT (IPv6 in brackets; a name is looked up when
 * the first request needs it, all its addresses are tried), fcgis://HOST:PORT (TLS; the certificate
 * must be for HOST) or fcgi+unix:PATH. options may be NULL. Nothing is connected yet. NULL when
 * memory is out or a system call failed; a client with an unusable URL or option (but for beside)
 * is made all the same: weir_client_error tells, and its requests fail with ADDRESS, INVALID or
 * CERTIFICATE. */
WEIR_API weir_client *weir_client_new(const char *url, const weir_client_options *options);

/* The client for this URL on the loop that runs x, made with these options when it is asked for the
 * first time (beside and uv are not looked at). It belongs to the loop, which ends it when the
 * server stops: do not free it. Its requests call back on the loop, and may outlive x: free them in
 * weir_on_cancel. NULL when memory is out, and on worker threads, where a client of one's own
 * (weir_client_new) may block instead. */
WEIR_API weir_client *weir_client_of_exchange(weir_exchange *x, const char *url,
                                              const weir_client_options *options);

/* Frees a client: its requests are freed (as by weir_client_request_free), its connections closed.
 * Not from a callback of its own loop. On a loop of the application what has to be closed is closed
 * when that loop runs next, so run it before it is closed. NULL is allowed; always returns NULL. */
WEIR_API weir_client *weir_client_free(weir_client *client);

/* One line about the last failure of a function that was given this client, "" if there was none.
 * Valid until the next such function. */
WEIR_API const char *weir_client_error(const weir_client *client);

/* The URL as it was given. Valid until the client is freed. */
WEIR_API const char *weir_client_url(const weir_client *client);

/* What the application said about itself, in answer to weir_client_get_values or to the question
 * that keepalive asks; -1 where it said nothing. */
WEIR_API weir_web_values weir_client_values(const weir_client *client);

/* Runs the client's own loop, and so its callbacks, until no request on it is in progress and every
 * aborted one has been drained, at most timeout (WEIR_CLIENT_NO_LIMIT: for ever). 0; TIMEOUT;
 * CANCELLED after weir_client_stop; STATE on a loop that is not the client's own, and from
 * callbacks. */
WEIR_API int weir_client_run(weir_client *client, uint32_t timeout);

/* Has weir_client_run return soon, or at once when it is called next. Any thread. */
WEIR_API void weir_client_stop(weir_client *client);

/* ---- Asking about the application ------------------------------------------------------------ */

typedef enum weir_ping_result {
    WEIR_PING_ANSWERED = 0, /* it speaks FastCGI: an answer to GET_VALUES, or UNKNOWN_TYPE */
    WEIR_PING_BUSY = 1,     /* accepted, or waiting for a place in the backlog, and not answered in
                               time: all workers are busy, or something else hangs there */
    WEIR_PING_REFUSED = 2,  /* nobody there: refused, no such socket, unreachable, unknown host */
    WEIR_PING_CLOSED = 3,   /* accepted and closed without an answer: alive, though it does not know
                               GET_VALUES, or does not want us (FCGI_WEB_SERVER_ADDRS) */
    WEIR_PING_BROKEN = 4,   /* what it answered is no FastCGI */
    WEIR_PING_FAILED = 5,   /* it could not be tried: out of memory, unusable URL */
} weir_ping_result;

typedef struct weir_ping {
    weir_ping_result result;
    int error;           /* 0, or what went wrong */
    uint64_t connect_ns; /* until the connection stood; 0: it never did */
    uint64_t answer_ns;  /* until the answer came, or until it was given up */
} weir_ping;

/* Asks the application for its values, on a new connection, and waits at most timeout for
 * everything. Blocking; the client's own loop. Fills in *ret_ping, of which ping_size is the
 * sizeof. Returns ret_ping->error; weir_client_error says more. */
WEIR_API int weir_client_ping(weir_client *client, uint32_t timeout, weir_ping *ret_ping,
                              size_t ping_size);

/* Asks for values by name (FastCGI 4.1), on a new connection: fn is called for each pair of the
 * answer, from inside this call. names: count of them; NULL and 0: FCGI_MAX_CONNS, FCGI_MAX_REQS
 * and FCGI_MPXS_CONNS. An empty GET_VALUES follows, without which libfcgi does not answer.
 * Blocking; the client's own loop; at most timeout. 0 (an answer without any of the names is one);
 * UNKNOWN_TYPE, the application does not know the question; CLOSED, it closed the connection
 * instead of answering; TIMEOUT, it accepted and did not answer; CONNECT, ADDRESS, LIMIT (more than
 * a record of names), PARAMS (the answer's pairs are malformed; those before have been given),
 * another protocol error, NOMEM, STATE. */
typedef void weir_value_fn(weir_str name, weir_str value, void *arg);
WEIR_API int weir_client_get_values(weir_client *client, const char *const *names, size_t count,
                                    uint32_t timeout, weir_value_fn *fn, void *arg);

/* ---- A request: what is asked --------------------------------------------------------------- */

/* A request that is not started. It must be freed before its client, or goes with it. NULL when
 * memory is out. */
WEIR_API weir_client_request *weir_client_request_new(weir_client *client, weir_role role);

/* Frees a request. One that is in progress is aborted: ABORT_REQUEST; its connection is drained to
 * END_REQUEST within abort_timeout if it is to be kept (while the loop runs), else closed. No
 * callback is called any more. Also from callbacks. NULL is allowed; always returns NULL. */
WEIR_API weir_client_request *weir_client_request_free(weir_client_request *r);

/* One line: what was tried with this request and what failed; "" if nothing did. Valid until the
 * next function that is given the request. */
WEIR_API const char *weir_client_request_error(const weir_client_request *r);

/* Adds a parameter behind those there are. Both are binary and copied; names may repeat. LIMIT when
 * the pair is larger than a record can be (65528 bytes), or all together than params_max (the error
 * line names the parameter); STATE after the start, NOMEM. */
WEIR_API int weir_client_param(weir_client_request *r, weir_str name, weir_str value);

/* Adds a header of the client as the parameter HTTP_NAME, Content-Type as CONTENT_TYPE. A name that
 * was there already gets the values joined, with ", ", for Cookie with "; "; Host and Content-Type
 * are replaced. HEADER for names that cannot be told apart once they are parameters (only letters,
 * digits and '-' can), for names that must never become one (Proxy, Redirect-Status, Expect,
 * Content-Length, and those of one connection like Transfer-Encoding) and for values with control
 * bytes. LIMIT, STATE, NOMEM. */
WEIR_API int weir_client_header(weir_client_request *r, weir_str name, weir_str value);

/* The facts for weir_client_request_http. Set size; NULL elsewhere is the default. */
typedef struct weir_client_http {
    size_t size;
    const char *root;            /* DOCUMENT_ROOT, for applications of scripts (php-fpm): the script
                                    is found by the path, and SCRIPT_FILENAME is root + script */
    const char *split;           /* with root: what the name of a script ends with; default ".php".
                                    SCRIPT_NAME is the path up to the first segment that ends so,
                                    PATH_INFO the rest */
    const char *index;           /* with root: the script of a folder; default "index.php" */
    const char *script_filename; /* SCRIPT_FILENAME as it is; without root, SCRIPT_NAME is then the
                                    whole path unless script_name is given */
    const char *script_name;     /* where the application is mounted: PATH_INFO is what follows.
                                    Default without root: "" */
    const char *server_protocol; /* default "HTTP/1.1" */
    const char *server_addr, *server_port; /* default: absent; the URL's port or its scheme's */
    const char *remote_addr, *remote_port; /* default: "127.0.0.1"; absent */
    const char *server_software;           /* default "weir/VERSION" */
} weir_client_http;

/* Adds the parameters of RFC 3875 4.1, and those that web servers send beyond, from a method and a
 * URL: http://HOST[:PORT]/PATH[?QUERY], https://..., or /PATH[?QUERY] with the host "localhost".
 *
 *     GATEWAY_INTERFACE SERVER_SOFTWARE SERVER_PROTOCOL SERVER_NAME SERVER_PORT SERVER_ADDR
 *     REMOTE_ADDR REMOTE_PORT REQUEST_SCHEME HTTPS=on (https only) REQUEST_METHOD REQUEST_URI (raw)
 *     DOCUMENT_URI (decoded) QUERY_STRING SCRIPT_NAME PATH_INFO HTTP_HOST
 *     with a script: DOCUMENT_ROOT SCRIPT_FILENAME PATH_TRANSLATED (with PATH_INFO and root)
 *     REDIRECT_STATUS=200
 *
 * For an Authorizer without SCRIPT_NAME, PATH_INFO and PATH_TRANSLATED (FastCGI 6.3). The path is
 * decoded once and its dots removed. CONTENT_LENGTH is added when the request starts: from the
 * body, true or absent. ADDRESS for a URL that is none, or whose path cannot be decoded safely;
 * INVALID for a method that is no token, a script_name that the path does not begin with, or a path
 * without a script under root; LIMIT, STATE, NOMEM. */
WEIR_API int weir_client_request_http(weir_client_request *r, const char *method, const char *url,
                                      const weir_client_http *http);

/* ---- A request: its body -------------------------------------------------------------------- */

/* The body as bytes, which must stay valid until the request is over. STATE after the start. */
WEIR_API int weir_client_body(weir_client_request *r, weir_str body);

/* Fills out with at most room bytes of the body and returns how many; 0 at its end; AGAIN when
 * there are none now (call weir_client_continue when there are; for the callback form); any other
 * error ends the request with it, and the application is told by ABORT_REQUEST. */
typedef int weir_source_fn(weir_client_request *r, void *out, size_t room, void *arg);

/* The body from a function, which is asked only when there is room: at most 128 KiB are ever
 * unsent. length: how long it is, then CONTENT_LENGTH; -1: not known, then there is none (unless
 * it is added by name, true or not), which applications of plain CGI like php-fpm read as no body.
 * A body that turns out longer or shorter than length ends the request with CONTENT_LENGTH or
 * SHORT_BODY, and is never passed off as complete. STATE after the start. */
WEIR_API int weir_client_body_source(weir_client_request *r, int64_t length, weir_source_fn *fn,
                                     void *arg);
WEIR_API void weir_client_continue(weir_client_request *r);

/* The body by weir_client_write, of this length, or -1. STATE after the start. */
WEIR_API int weir_client_body_written(weir_client_request *r, int64_t length);

/* Writes 1 to 2^30 bytes of it, which are copied, and returns how many were taken. Blocking form:
 * waits for room; takes less than all only when so much of the answer has come that it must be read
 * first, AGAIN when it then takes nothing. Callback form: all, or AGAIN when too much is unsent,
 * and writable will be called. What an application does not read any more is dropped: its answer
 * can be read all the same. STATE before the start and after the end; CONTENT_LENGTH when it is
 * more than the length, INVALID, or what ended the request. */
WEIR_API int weir_client_write(weir_client_request *r, const void *data, size_t len);

/* Callback form: whether weir_client_write would answer AGAIN: not connected yet, or too much
 * unsent. If so, writable will be called. Lets the source of the body be stopped before it has
 * more. */
WEIR_API bool weir_client_full(weir_client_request *r);

/* Ends the body. SHORT_BODY when it is less than the length: the request is aborted, and done is
 * told the same; STATE, or what ended the request. */
WEIR_API int weir_client_write_end(weir_client_request *r);

/* For a Filter: the file, after the body; FCGI_DATA_LENGTH and FCGI_DATA_LAST_MOD (mtime, seconds
 * since 1970; -1: left out) are added at the start. Otherwise as weir_client_body and
 * weir_client_body_source; the length must be known. INVALID for other roles. */
WEIR_API int weir_client_data(weir_client_request *r, weir_str data, int64_t mtime);
WEIR_API int weir_client_data_source(weir_client_request *r, int64_t length, int64_t mtime,
                                     weir_source_fn *fn, void *arg);

/* ---- A request: how it is made -------------------------------------------------------------- */

/* The flag KEEP_CONN: 1 or 0; default -1: as keepalive says. With 1 the connection is kept only if
 * keepalive allows. STATE after the start. */
WEIR_API int weir_client_keep_conn(weir_client_request *r, int keep);

/* Takes a new connection even if one is idle. STATE after the start. */
WEIR_API int weir_client_fresh(weir_client_request *r);

/* The answer's STDOUT as it comes, without reading a header: then there is no head, status and
 * headers, and body is STDOUT. STATE after the start. */
WEIR_API int weir_client_raw_output(weir_client_request *r);

/* For a testing tool: puts bytes on the request's connection as they are, behind what was sent so
 * far, not seen by observe. The connection is not used again. STATE unless the request runs on a
 * connection; NOMEM. */
WEIR_API int weir_client_send_raw(weir_client_request *r, weir_str bytes);

/* A pointer of the caller's own. */
WEIR_API void weir_client_set_user(weir_client_request *r, void *user);
WEIR_API void *weir_client_user(const weir_client_request *r);

/* ---- Running -------------------------------------------------------------------------------- */

/* Set size; each may be NULL. Any of them may free the request. */
typedef struct weir_client_callbacks {
    size_t size;
    /* A 1xx block; weir_client_status and weir_client_field tell it. */
    void (*interim)(weir_client_request *r, void *arg);
    /* The response head is there; likewise. */
    void (*head)(weir_client_request *r, void *arg);
    /* Part of the body, or of STDOUT. data is valid during the call. */
    void (*body)(weir_client_request *r, weir_str data, void *arg);
    /* Part of STDERR. Without it the text is kept for weir_client_errors. */
    void (*error_output)(weir_client_request *r, weir_str data, void *arg);
    /* Writing makes sense again after AGAIN. */
    void (*writable)(weir_client_request *r, void *arg);
    /* The last call: 0 when the answer is complete, else why it is not; see weir_client_result. */
    void (*done)(weir_client_request *r, int error, void *arg);
} weir_client_callbacks;

/* Starts the request; once. callbacks NULL: the blocking form. They are called from the loop, never
 * from inside this function. STATE: it was started before, or the blocking form on a loop that is
 * not the client's own. ADDRESS, INVALID: the client is not usable. CONTENT_LENGTH: a parameter
 * CONTENT_LENGTH was added that is not the length of the body. NOMEM. After an error the request
 * can only be freed. */
WEIR_API int weir_client_start(weir_client_request *r, const weir_client_callbacks *callbacks,
                               void *arg);

/* Stops and restarts output. While it is stopped the application is too, once the buffers between
 * are full, and no timeout but the total one runs. A call in progress has to take all of its data.
 */
WEIR_API void weir_client_pause(weir_client_request *r);
WEIR_API void weir_client_resume(weir_client_request *r);

/* Ends the request as weir_client_request_free does, but keeps the object; done is not called. Its
 * result is CANCELLED. Nothing happens to one that is over. */
WEIR_API void weir_client_abort(weir_client_request *r);

/* Asks the application to stop (ABORT_REQUEST) and waits for its answer: no more output is given,
 * done is called with CANCELLED when END_REQUEST has come (weir_client_app_status tells then), or
 * when it has not come within abort_timeout. A request that has no connection yet ends at once.
 * Nothing happens to one that is over or was cancelled before. NOMEM: the connection is closed. */
WEIR_API int weir_client_cancel(weir_client_request *r);

/* Blocking form: waits for the head of the answer (a body that comes from bytes or a function is
 * sent meanwhile). 0, or the error that ended the request. Raw output has no head: waits for the
 * first byte. */
WEIR_API int weir_client_wait_head(weir_client_request *r);

/* Blocking form: reads up to room bytes of the body (or of raw output), waiting for at least one.
 * How many; 0 when the answer is complete; an error: what was read so far is not the whole answer.
 */
WEIR_API int weir_client_read(weir_client_request *r, void *out, size_t room);

/* Blocking form: waits until the request is over, dropping what was not read. As
 * weir_client_result. */
WEIR_API int weir_client_finish(weir_client_request *r);

/* ---- The answer ----------------------------------------------------------------------------- */

/* AGAIN while the request is not over. 0: END_REQUEST with REQUEST_COMPLETE has come, behind a
 * well-formed head and a body as long as its Content-Length. Else what ended it:
 *     ADDRESS        the host name could not be resolved
 *     CONNECT        no connection; surely not processed
 *     HANDSHAKE, CERTIFICATE   no TLS, or not with whom the URL names; likewise
 *     OVERLOADED, CANT_MPX, UNKNOWN_ROLE   the application refused; surely not processed
 *     CLOSED         the connection was closed before any byte of the answer
 *     TRUNCATED      and after one, but before END_REQUEST
 *     TIMEOUT        weir_client_request_error tells which
 *     RESPONSE       the response header is malformed, too large, or missing
 *     CONTENT_LENGTH the body is longer or shorter than the answer's Content-Length
 *     VERSION_FIELD, RECORD_TYPE, RECORD_ID, RECORD_LENGTH, STREAM_ORDER, PROTOCOL   no FastCGI
 *     SHORT_BODY, or an error of the source   the request's own body
 *     LIMIT          a parameter is too long
 *     CANCELLED, NOMEM
 * A request is sent a second time only when a kept connection turns out to have been closed before
 * any byte of the answer came, and then only GET, HEAD, OPTIONS, PUT and DELETE without a body. */
WEIR_API int weir_client_result(const weir_client_request *r);

/* The status, 100..599; 0 before the head. Without a Status field 200, with a Location 302
 * (RFC 3875 6.2). */
WEIR_API int weir_client_status(const weir_client_request *r);

/* The text after the number in Status, "" if there was none. */
WEIR_API const char *weir_client_reason(const weir_client_request *r);

/* The value of a response field, the first of that name, whatever its case; NULL if there is none.
 * Status and the fields of one connection (Connection, Transfer-Encoding, ...) are not seen. Valid
 * until the next head, or until the request is freed. */
WEIR_API const char *weir_client_field(const weir_client_request *r, const char *name);

/* All of them in order, as weir_param_at. Both strings are followed by a NUL. */
WEIR_API bool weir_client_field_at(const weir_client_request *r, size_t index, weir_str *ret_name,
                                   weir_str *ret_value);

/* Whether the answer is a local redirect (RFC 3875 6.2.2): a Location that starts with '/', and no
 * Status. It is not followed; the caller, who knows what the path means, asks again. */
WEIR_API bool weir_client_is_local_redirect(const weir_client_request *r);

/* The header block as it came, with its line ends. After the head. */
WEIR_API weir_str weir_client_head(const weir_client_request *r);

/* STDERR as far as it was kept (errors_max); followed by a NUL. Valid until the next function that
 * is given the request, or runs its loop. */
WEIR_API weir_str weir_client_errors(const weir_client_request *r);

/* Of END_REQUEST: what a CGI program would have passed to exit(), and the protocol status; 0 and -1
 * before it has come. */
WEIR_API uint32_t weir_client_app_status(const weir_client_request *r);
WEIR_API int weir_client_protocol_status(const weir_client_request *r);

/* Counts and times of a request. Times are nanoseconds from weir_client_start; 0: not reached. */
typedef struct weir_client_stats {
    uint64_t connect_start_ns; /* the address is known: connecting, or taking a kept connection */
    uint64_t connect_end_ns;
    uint64_t sent_ns;       /* the last byte of the request was queued to the connection */
    uint64_t first_byte_ns; /* of STDOUT */
    uint64_t end_ns;        /* the request was over */
    uint64_t stdin_bytes, data_bytes, stdout_bytes, stderr_bytes; /* contents */
    uint64_t body_bytes;                                          /* STDOUT without the head */
    uint64_t params_bytes;                                        /* all parameters, encoded */
    uint64_t params;                                              /* how many */
    /* With count_records: on the wire, for this request. */
    uint64_t bytes_sent, bytes_received;
    uint64_t records_sent[12], records_received[12]; /* by weir_record_type; 0: unknown types */
    uint16_t request_id;
    bool reused;  /* ran on a connection that had served others before */
    bool retried; /* was sent a second time */
} weir_client_stats;

/* Fills in the first stats_size (the sizeof) bytes of *ret_stats. */
WEIR_API void weir_client_stats_get(const weir_client_request *r, weir_client_stats *ret_stats,
                                    size_t stats_size);

/* Enough room for any address. */
enum { WEIR_CLIENT_ADDRESS = 112 };

/* The two ends of the connection that the request runs on: out becomes the numeric address without
 * brackets, or the path of a UNIX socket ("@NAME": an abstract one; "": it has no name), with a
 * NUL; *ret_port the port, 0 for UNIX sockets. Each is a system call. From the first callback on,
 * or the end of weir_client_wait_head, until the request is over; in done it is too late. STATE at
 * other times, LIMIT if room is less than needed, SYSTEM when the connection is already gone; out
 * and *ret_port are then not changed. */
WEIR_API int weir_client_local_address(const weir_client_request *r, char *out, size_t room,
                                       uint16_t *ret_port);
WEIR_API int weir_client_remote_address(const weir_client_request *r, char *out, size_t room,
                                        uint16_t *ret_port);

#ifdef __cplusplus
}
#endif
#endif
