/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/exit.h: every exit code of fcurl: curl's number where curl has one for the same
 * thing, 120 and up for what only FastCGI has. */
#ifndef FCURL_EXIT_H
#define FCURL_EXIT_H

/* X(number, name, text) */
#define EXIT_MAP(X)                                                                     \
    X(0, OK, "No error")                                                                \
    X(1, PROTOCOL, "The URL's scheme is none that fcurl serves")                        \
    X(2, USAGE, "The command line or a config file is wrong, or fcurl could not start") \
    X(3, URL, "The URL is malformed")                                                   \
    X(4, UNSUPPORTED, "This build of fcurl has no TLS")                                 \
    X(6, RESOLVE, "A host name could not be resolved")                                  \
    X(7, CONNECT, "The FastCGI server could not be connected to")                       \
    X(8, WEIRD, "The server does not speak FastCGI, or breaks its rules")               \
    X(18, PARTIAL, "The response broke off before it was complete")                     \
    X(22, HTTP_ERROR, "The status is 400 or above and --fail was given")                \
    X(23, WRITE, "Output could not be written")                                         \
    X(26, READ, "Something to be sent could not be read")                               \
    X(27, NO_MEMORY, "Out of memory")                                                   \
    X(28, TIMEOUT, "A time limit passed")                                               \
    X(33, RANGE, "The server cannot resume or serve the range")                         \
    X(35, TLS_CONNECT, "The TLS handshake failed")                                      \
    X(47, REDIRECTS, "Too many redirects")                                              \
    X(52, NOTHING, "The server closed the connection without an answer")                \
    X(56, RECEIVE, "Exchanging data with the server failed")                            \
    X(58, TLS_CERT, "The client certificate or its key cannot be used")                 \
    X(60, TLS_PEER, "The server's certificate is not to be trusted")                    \
    X(61, ENCODING, "The response's content coding is unknown or its data is broken")   \
    X(63, TOO_LARGE, "The response is larger than --max-filesize")                      \
    X(65, REWIND, "What was sent cannot be read a second time")                         \
    X(77, TLS_CA, "The CA certificates cannot be read")                                 \
    X(120, CANT_MPX, "The server answered CANT_MPX_CONN")                               \
    X(121, OVERLOADED, "The server answered OVERLOADED")                                \
    X(122, UNKNOWN_ROLE, "The server does not know the role")                           \
    X(123, APP_STATUS, "appStatus is not 0 and --fail-app-status was given")            \
    X(124, HEALTH, "A condition of --fail-if holds")                                    \
    X(125, STDERR, "The application wrote to its standard error and --fcgi-stderr fail was given")

enum exit_code {
#define EXIT_ENUM(number, name, text) EXIT_##name = (number),
    EXIT_MAP(EXIT_ENUM)
#undef EXIT_ENUM
};

#endif
