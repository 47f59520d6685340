/* SPDX-License-Identifier: MIT
 *
 * http/response.c: see response.h. */
#include "http/response.h"

#include <weir/error.h>

static char *put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--, value /= 10)
        out[i] = (char)('0' + value % 10);
    return out + digits;
}

static char *put_text(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

/* X(status, phrase): the IANA registry. */
#define STATUS_MAP(X)                         \
    X(100, "Continue")                        \
    X(101, "Switching Protocols")             \
    X(102, "Processing")                      \
    X(103, "Early Hints")                     \
    X(200, "OK")                              \
    X(201, "Created")                         \
    X(202, "Accepted")                        \
    X(203, "Non-Authoritative Information")   \
    X(204, "No Content")                      \
    X(205, "Reset Content")                   \
    X(206, "Partial Content")                 \
    X(207, "Multi-Status")                    \
    X(208, "Already Reported")                \
    X(226, "IM Used")                         \
    X(300, "Multiple Choices")                \
    X(301, "Moved Permanently")               \
    X(302, "Found")                           \
    X(303, "See Other")                       \
    X(304, "Not Modified")                    \
    X(305, "Use Proxy")                       \
    X(307, "Temporary Redirect")              \
    X(308, "Permanent Redirect")              \
    X(400, "Bad Request")                     \
    X(401, "Unauthorized")                    \
    X(402, "Payment Required")                \
    X(403, "Forbidden")                       \
    X(404, "Not Found")                       \
    X(405, "Method Not Allowed")              \
    X(406, "Not Acceptable")                  \
    X(407, "Proxy Authentication Required")   \
    X(408, "Request Timeout")                 \
    X(409, "Conflict")                        \
    X(410, "Gone")                            \
    X(411, "Length Required")                 \
    X(412, "Precondition Failed")             \
    X(413, "Content Too Large")               \
    X(414, "URI Too Long")                    \
    X(415, "Unsupported Media Type")          \
    X(416, "Range Not Satisfiable")           \
    X(417, "Expectation Failed")              \
    X(421, "Misdirected Request")             \
    X(422, "Unprocessable Content")           \
    X(423, "Locked")                          \
    X(424, "Failed Dependency")               \
    X(425, "Too Early")                       \
    X(426, "Upgrade Required")                \
    X(428, "Precondition Required")           \
    X(429, "Too Many Requests")               \
    X(431, "Request Header Fields Too Large") \
    X(451, "Unavailable For Legal Reasons")   \
    X(500, "Internal Server Error")           \
    X(501, "Not Implemented")                 \
    X(502, "Bad Gateway")                     \
    X(503, "Service Unavailable")             \
    X(504, "Gateway Timeout")                 \
    X(505, "HTTP Version Not Supported")      \
    X(506, "Variant Also Negotiates")         \
    X(507, "Insufficient Storage")            \
    X(508, "Loop Detected")                   \
    X(511, "Network Authentication Required")

weir_str http_reason_phrase(unsigned status)
{
    switch (status) {
#define CASE(status, phrase) \
    case (status):           \
        return WEIR_STR(phrase);
        STATUS_MAP(CASE)
#undef CASE
    default:
        return WEIR_STR("");
    }
}

/* Queues a + between + b + CRLF. */
static int write_line(struct outq *q, weir_str a, weir_str between, weir_str b)
{
    size_t n = a.len + between.len + b.len + 2;
    char *out = outq_reserve(q, n);

    if (!out)
        return WEIR_ERROR_NOMEM;
    out = put_text(out, a.ptr, a.len);
    out = put_text(out, between.ptr, between.len);
    if (b.len > 0)
        out = put_text(out, b.ptr, b.len);
    put_text(out, "\r\n", 2);
    outq_commit(q, n);
    return 0;
}

int http1_write_status(struct outq *q, unsigned status, weir_str reason)
{
    char line[] = "HTTP/1.1 000";

    put_digits(line + 9, (int)status, 3);
    if (reason.len == 0)
        reason = http_reason_phrase(status);
    /* The space stays when there is no phrase (RFC 9112 4). */
    return write_line(q, str(line, 12), WEIR_STR(" "), reason);
}

int http1_write_field(struct outq *q, weir_str name, weir_str value)
{
    return write_line(q, name, WEIR_STR(": "), value);
}

int http1_write_chunk_size(struct outq *q, uint64_t n)
{
    char reversed[16], *out = outq_reserve(q, sizeof reversed + 2);
    size_t digits = 0;

    if (!out)
        return WEIR_ERROR_NOMEM;
    do
        reversed[digits++] = "0123456789abcdef"[n & 15];
    while ((n >>= 4) != 0);
    for (size_t i = 0; i < digits; i++)
        out[i] = reversed[digits - 1 - i];
    put_text(out + digits, "\r\n", 2);
    outq_commit(q, digits + 2);
    return 0;
}

bool http_has_body(unsigned status, bool is_head)
{
    return !is_head && status >= 200 && status != 204 && status != 304;
}
