/* SPDX-License-Identifier: MIT
 *
 * weir/error.h: one table of everything that can go wrong.
 *
 * Functions that can fail return 0 (or a count) on success and one of these negative values on
 * failure. The numbers are part of the ABI: they are never reused or renumbered. */
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <weir/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(number, name, text) */
#define WEIR_ERROR_MAP(X)                                                         \
    X(-1, NOMEM, "out of memory")                                                 \
    X(-2, INVALID, "invalid argument")                                            \
    X(-3, STATE, "not possible in this state")                                    \
    X(-4, LIMIT, "a configured limit is exceeded")                                \
    X(-5, AGAIN, "would block")                                                   \
    X(-6, CANCELLED, "the request was cancelled")                                 \
    X(-7, CLOSED, "the connection is closed")                                     \
    X(-8, SHORT_BODY, "the body ended before its declared length")                \
    X(-9, TIMEOUT, "a deadline passed")                                           \
    X(-10, ADDRESS, "not a usable address")                                       \
    X(-11, SYSTEM, "a system call failed")                                        \
    X(-12, PROTOCOL, "the peer broke the protocol")                               \
    X(-13, VERSION_FIELD, "FastCGI version field is not 1")                       \
    X(-14, RECORD_TYPE, "FastCGI record type is not allowed here")                \
    X(-15, RECORD_ID, "FastCGI request id is not allowed here")                   \
    X(-16, RECORD_LENGTH, "FastCGI record has the wrong length for its type")     \
    X(-17, ID_IN_USE, "FastCGI BEGIN_REQUEST for an id that is in use")           \
    X(-18, STREAM_ORDER, "FastCGI stream records out of order")                   \
    X(-19, PARAMS, "malformed FastCGI name-value pairs")                          \
    X(-20, TRUNCATED, "the response ended before END_REQUEST")                    \
    X(-21, OVERLOADED, "the application answered OVERLOADED")                     \
    X(-22, CANT_MPX, "the application answered CANT_MPX_CONN")                    \
    X(-23, UNKNOWN_ROLE, "the application answered UNKNOWN_ROLE")                 \
    X(-24, RESPONSE, "the application's response header is malformed")            \
    X(-25, CONNECT, "connecting failed")                                          \
    X(-26, TOO_BIG, "the body is larger than allowed")                            \
    X(-27, HEADER, "a header field name or value is not valid")                   \
    X(-28, CONTENT_LENGTH, "the body does not match the declared Content-Length") \
    X(-29, CERTIFICATE, "a certificate, its key or its issuer is not acceptable") \
    X(-30, HANDSHAKE, "the TLS handshake failed")                                 \
    X(-31, UNKNOWN_TYPE, "the application answered UNKNOWN_TYPE")                 \
    X(-32, MEDIA_TYPE, "the body is of a media type that is not supported")       \
    X(-33, FORM, "the form is malformed")                                         \
    X(-34, UNSUPPORTED, "the other side of this connection does not take that")

typedef enum weir_error {
    WEIR_OK = 0,
#define WEIR_ERROR_ENUM(number, name, text) WEIR_ERROR_##name = (number),
    WEIR_ERROR_MAP(WEIR_ERROR_ENUM)
#undef WEIR_ERROR_ENUM
} weir_error;

/* The name of an error without its prefix, "NOMEM" for WEIR_ERROR_NOMEM; "OK" for 0 and any
 * positive value, "UNKNOWN" for a number that is not in the table. Static storage. Any thread. */
WEIR_API const char *weir_error_name(int error);

/* One line of English for a person, without a full stop. Static storage. Any thread. */
WEIR_API const char *weir_error_text(int error);

#ifdef __cplusplus
}
#endif
#endif
