/* SPDX-License-Identifier: MIT
 *
 * weir/wire.h: FastCGI 1.0 without I/O: bytes in, events out; replies in, bytes out.
 *
 * Two kinds of session, one for each end of a connection:
 *
 *     web server                                      application
 *     weir_web_session   -- BEGIN PARAMS STDIN -->    weir_app_session
 *                        <-- STDOUT STDERR END --
 *
 * Neither touches a socket, a clock, a thread, a global or a log. The caller reads bytes from
 * wherever they come, pulls events out of them, and sends what the session has queued:
 *
 *     while (len > 0 && (rc = weir_app_session_next(s, bytes, len, &used, &event)) > 0) {
 *         bytes += used, len -= used;
 *         ... act on the event: its slices point into bytes ...
 *     }
 *     n = weir_app_session_output(s, iov, 16);  sent = writev(fd, iov, n);
 *     weir_app_session_sent(s, sent);
 *
 * A session and its requests belong to one thread at a time. Everything is bounded by the options
 * given at birth; nothing is allocated for a length that has not arrived. Numbers like "req. 45"
 * are those of docs/fastcgi.md. */
#ifndef WEIR_WIRE_H
#define WEIR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <weir/error.h>
#include <weir/role.h>
#include <weir/str.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Records and pairs (FastCGI 3.3, 3.4, 8) ------------------------------------------------ */

enum {
    WEIR_RECORD_HEADER_SIZE = 8,
    WEIR_RECORD_CONTENT_MAX = 65535,
    WEIR_RECORD_VERSION = 1,
};

typedef enum weir_record_type {
    WEIR_BEGIN_REQUEST = 1,
    WEIR_ABORT_REQUEST = 2,
    WEIR_END_REQUEST = 3,
    WEIR_PARAMS = 4,
    WEIR_STDIN = 5,
    WEIR_STDOUT = 6,
    WEIR_STDERR = 7,
    WEIR_DATA = 8,
    WEIR_GET_VALUES = 9,
    WEIR_GET_VALUES_RESULT = 10,
    WEIR_UNKNOWN_TYPE = 11,
} weir_record_type;

typedef enum weir_protocol_status {
    WEIR_REQUEST_COMPLETE = 0,
    WEIR_CANT_MPX_CONN = 1,
    WEIR_OVERLOADED = 2,
    WEIR_UNKNOWN_ROLE = 3,
} weir_protocol_status;

enum { WEIR_FLAG_KEEP_CONN = 1 };

typedef struct weir_record {
    uint8_t type; /* weir_record_type, or any other number a peer sent */
    uint16_t id;  /* 0 for management records */
    uint16_t content_length;
    uint8_t padding_length;
} weir_record;

/* Writes the eight header bytes of record at out. */
WEIR_API void weir_record_encode(const weir_record *record, uint8_t out[8]);

/* Reads eight header bytes. 0, or WEIR_ERROR_VERSION_FIELD (nothing is written to *ret_record). */
WEIR_API int weir_record_decode(const uint8_t in[8], weir_record *ret_record);

/* Bytes that a pair takes when encoded (name and value are binary, either may be empty): lengths up
 * to 127 in one byte, longer ones in four. */
WEIR_API size_t weir_pair_size(size_t name_len, size_t value_len);

/* Encodes the pair at out if it fits into room; returns the bytes written, 0 if it does not fit or
 * a length is over 2^31-1 (then out is untouched). */
WEIR_API size_t weir_pair_encode(uint8_t *out, size_t room, weir_str name, weir_str value);

/* Takes the first pair off the front of *bytes: 1 and the pair as slices of it, 0 when *bytes is
 * empty, WEIR_ERROR_PARAMS when it ends inside a pair (*bytes and *ret_pair are untouched). Accepts
 * four-byte lengths for any value (req. 56). */
WEIR_API int weir_pair_decode(weir_str *bytes, weir_pair *ret_pair);

/* ---- Application session: the backend's end ------------------------------------------------- */

typedef struct weir_app_session weir_app_session;
typedef struct weir_app_request weir_app_request;

/* Set size to sizeof(weir_app_options) and what you want to change; 0 elsewhere means the default.
 */
typedef struct weir_app_options {
    size_t size;
    uint32_t max_requests; /* concurrent requests on this connection, 1..65535; default 100. More
                              are answered OVERLOADED, or CANT_MPX_CONN when it is 1. Advertised as
                              FCGI_MAX_REQS unless max_requests_total is set, and
                              FCGI_MPXS_CONNS = max_requests > 1 */
    uint32_t max_requests_total; /* FCGI_MAX_REQS to advertise; default max_requests */
    uint32_t max_connections;    /* FCGI_MAX_CONNS to advertise; default: not advertised */
    uint32_t params_max;         /* bytes of PARAMS a request may send; default 65536 */
    uint32_t params_count_max;   /* pairs a request may send; default 512 */
} weir_app_options;

typedef enum weir_app_event_type {
    WEIR_APP_BEGIN = 1, /* PARAMS are complete: request is new, its parameters can be read */
    WEIR_APP_STDIN,     /* data: bytes of the body, never more in all than CONTENT_LENGTH */
    WEIR_APP_STDIN_END, /* the body is over. error: 0 if complete, WEIR_ERROR_SHORT_BODY if fewer
                           bytes came than CONTENT_LENGTH said; excess tells of bytes cut off */
    WEIR_APP_DATA,      /* data: bytes of the Filter's file */
    WEIR_APP_DATA_END,  /* error as for STDIN_END, against FCGI_DATA_LENGTH */
    WEIR_APP_ABORT,     /* the web server gave up (req. 92): answer with weir_app_end soon */
    WEIR_APP_REFUSED,   /* a request was refused and answered by the session: error says why
                           (PARAMS, LIMIT, OVERLOADED, CANT_MPX, UNKNOWN_ROLE); request is NULL */
} weir_app_event_type;

typedef struct weir_app_event {
    weir_app_event_type type;
    weir_app_request *request;
    weir_str data;
    int error;
    bool excess;
} weir_app_event;

/* A session for one connection; options may be NULL. NULL when memory is out. */
WEIR_API weir_app_session *weir_app_session_new(const weir_app_options *options);

/* Frees the session and all its requests. NULL is allowed; always returns NULL. */
WEIR_API weir_app_session *weir_app_session_free(weir_app_session *session);

/* Looks at len received bytes until there is an event. Returns 1 and *ret_event; 0 when all is used
 * up; or an error after which the connection must be closed (its bytes can no longer be trusted:
 * VERSION_FIELD, RECORD_ID, RECORD_LENGTH, ID_IN_USE, STREAM_ORDER, NOMEM). *ret_used is how many
 * bytes of the front it took in either case; feed the rest again. Slices of the event point into
 * bytes. Each call may queue output (answers to GET_VALUES, refusals): do not feed more while
 * weir_app_session_pending is over what you are ready to hold. */
WEIR_API int weir_app_session_next(weir_app_session *session, const void *bytes, size_t len,
                                   size_t *ret_used, weir_app_event *ret_event);

/* Puts the last n bytes of the STDIN or DATA event just returned back: the caller has no room for
 * them now, keeps them, and will feed them again first. n <= the length of that event's data. */
WEIR_API void weir_app_session_unread(weir_app_session *session, size_t n);

/* Output that waits to be sent: fills at most max pieces and returns how many; the bytes stay
 * queued until weir_app_session_sent has counted them. */
WEIR_API int weir_app_session_output(const weir_app_session *session, struct iovec *iov, int max);
WEIR_API void weir_app_session_sent(weir_app_session *session, size_t n);
WEIR_API size_t weir_app_session_pending(const weir_app_session *session);

/* True once a request without KEEP_CONN has ended and no other runs: send what is pending, then
 * close (req. 82). Input is ignored from then on. */
WEIR_API bool weir_app_session_wants_close(const weir_app_session *session);

/* Requests that have begun and not ended. */
WEIR_API uint32_t weir_app_session_active(const weir_app_session *session);

/* What BEGIN_REQUEST said: the role, the id, and whether the connection is to be kept (req. 79 to
 * 82). */
WEIR_API weir_role weir_app_request_role(const weir_app_request *request);
WEIR_API uint16_t weir_app_request_id(const weir_app_request *request);
WEIR_API bool weir_app_request_keep_conn(const weir_app_request *request);

/* All parameters in the order they came; values are followed by a NUL that is not counted. They
 * live until the request ends. */
WEIR_API const weir_pair *weir_app_request_params(const weir_app_request *request,
                                                  size_t *ret_count);

/* CONTENT_LENGTH; -1 when it is absent, empty or "-1": the body then ends where STDIN ends. */
WEIR_API int64_t weir_app_request_content_length(const weir_app_request *request);

/* A pointer of the caller's own. */
WEIR_API void weir_app_request_set_user(weir_app_request *request, void *user);
WEIR_API void *weir_app_request_user(const weir_app_request *request);

/* Queues output of the request. weir_app_stdout takes a list of pieces and copies them into as few
 * records as will hold them. 0; WEIR_ERROR_STATE before all inputs that precede the last one have
 * ended (req. 106, 110, 123); WEIR_ERROR_NOMEM (close the connection). */
WEIR_API int weir_app_stdout(weir_app_request *request, const weir_str *pieces, size_t count);
WEIR_API int weir_app_stderr(weir_app_request *request, weir_str text);

/* Ends the request: the end of STDERR if any was sent, the end of STDOUT, END_REQUEST. The request
 * is gone after this call, whatever it returns; records that still come for its id are skipped.
 * 0 or WEIR_ERROR_NOMEM (close the connection). */
WEIR_API int weir_app_end(weir_app_request *request, uint32_t app_status,
                          weir_protocol_status protocol_status);

/* ---- Web-server session: the proxy's and the tools' end ------------------------------------- */

typedef struct weir_web_session weir_web_session;
typedef struct weir_web_request weir_web_request;

typedef enum weir_web_event_type {
    WEIR_WEB_STDOUT = 1, /* data */
    WEIR_WEB_STDOUT_END,
    WEIR_WEB_STDERR,  /* data */
    WEIR_WEB_END,     /* app_status, protocol_status; the request is gone when the next call to
                         the session is made */
    WEIR_WEB_VALUES,  /* the answer to GET_VALUES is complete: weir_web_session_values */
    WEIR_WEB_UNKNOWN, /* record_type: the application does not know this management type */
} weir_web_event_type;

typedef struct weir_web_event {
    weir_web_event_type type;
    weir_web_request *request; /* NULL for VALUES and UNKNOWN */
    void *user;                /* of the request */
    weir_str data;
    uint32_t app_status;
    uint8_t protocol_status;
    uint8_t record_type;
} weir_web_event;

/* What an application said about itself; -1 where it said nothing. */
typedef struct weir_web_values {
    int64_t max_conns, max_reqs, mpxs_conns;
} weir_web_values;

/* A session for one connection; NULL when memory is out. weir_web_session_free frees it with all
 * its requests; NULL is allowed, and always returned. */
WEIR_API weir_web_session *weir_web_session_new(void);
WEIR_API weir_web_session *weir_web_session_free(weir_web_session *session);

/* As weir_app_session_next. Errors: VERSION_FIELD, RECORD_TYPE, RECORD_ID (a record for an id that
 * was never begun), RECORD_LENGTH, STREAM_ORDER (STDOUT after its end). Records for a request that
 * has ended or was aborted are skipped, never delivered. */
WEIR_API int weir_web_session_next(weir_web_session *session, const void *bytes, size_t len,
                                   size_t *ret_used, weir_web_event *ret_event);

/* Puts the last n bytes of the STDOUT event just returned back, as weir_app_session_unread. */
WEIR_API void weir_web_session_unread(weir_web_session *session, size_t n);

/* Output that waits to be sent, as weir_app_session_output, _sent and _pending. */
WEIR_API int weir_web_session_output(const weir_web_session *session, struct iovec *iov, int max);
WEIR_API void weir_web_session_sent(weir_web_session *session, size_t n);
WEIR_API size_t weir_web_session_pending(const weir_web_session *session);

/* Whether a next request may be sent on the connection: nothing is active, everything was sent,
 * the last byte received was the end of a record, every request so far asked to keep the
 * connection and had its input sent to the end. */
WEIR_API bool weir_web_session_reusable(const weir_web_session *session);

/* Requests that were begun and have not ended (aborted ones included). */
WEIR_API uint32_t weir_web_session_active(const weir_web_session *session);

/* Asks for FCGI_MAX_CONNS, FCGI_MAX_REQS and FCGI_MPXS_CONNS. 0 or WEIR_ERROR_NOMEM. */
WEIR_API int weir_web_session_get_values(weir_web_session *session);
WEIR_API weir_web_values weir_web_session_values(const weir_web_session *session);

/* Begins a request: BEGIN_REQUEST is queued. Ids count up through all 65535 before one is used
 * again (req. 38 to 40). flags: WEIR_FLAG_KEEP_CONN or 0. Then call, in this order,
 * weir_web_param for each parameter, weir_web_params_end, weir_web_stdin (Responder and Filter; any
 * number of times), weir_web_stdin_end, and for a Filter weir_web_data and weir_web_data_end.
 * Nothing else may be queued on the session from weir_web_begin to weir_web_params_end. NULL when
 * memory is out or all ids are in use. */
WEIR_API weir_web_request *weir_web_begin(weir_web_session *session, weir_role role, int flags,
                                          void *user);

/* Adds a parameter. Pairs are never split over records, and a record's content and padding together
 * stay within 65535 bytes (php-fpm insists on both). 0; WEIR_ERROR_LIMIT when the pair alone is
 * larger than a record (nothing was written); WEIR_ERROR_NOMEM. */
WEIR_API int weir_web_param(weir_web_request *request, weir_str name, weir_str value);
WEIR_API int weir_web_params_end(weir_web_request *request);

/* Queues body bytes (copied). 0, WEIR_ERROR_STATE after the end or after an abort, or
 * WEIR_ERROR_NOMEM. */
WEIR_API int weir_web_stdin(weir_web_request *request, weir_str data);
WEIR_API int weir_web_stdin_end(weir_web_request *request);
WEIR_API int weir_web_data(weir_web_request *request, weir_str data);
WEIR_API int weir_web_data_end(weir_web_request *request);

/* Queues ABORT_REQUEST. No STDOUT or STDERR of the request is delivered any more; WEIR_WEB_END is,
 * when the application has answered. Calling it again does nothing. 0 or WEIR_ERROR_NOMEM. */
WEIR_API int weir_web_abort(weir_web_request *request);

/* The id that the request has on the wire; the pointer of the caller's own that its events carry,
 * in place of the one given to weir_web_begin. Both until the request has ended. */
WEIR_API uint16_t weir_web_request_id(const weir_web_request *request);
WEIR_API void weir_web_request_set_user(weir_web_request *request, void *user);

#ifdef __cplusplus
}
#endif
#endif
