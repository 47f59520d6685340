/* SPDX-License-Identifier: MIT
 *
 * server/log.c: lines for the operator. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "server/server.h"

enum { LINE_ROOM = 1024, LIMIT_MS = 1000 };

/* Writes in one piece, so that lines of several threads do not mix. A reader that is gone must not
 * end the process: SIGPIPE is held back on this thread and taken away, unless one was pending. */
static void write_quietly(const char *text, size_t len)
{
    sigset_t pipe_only, before, pending;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t written = write(STDERR_FILENO, text, len);
    if (written < 0 && !sigismember(&pending, SIGPIPE))
        (void)sigtimedwait(&pipe_only, NULL, &(struct timespec){0, 0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Without stderr, as web servers start FastCGI programs, syslog gets the lines (FastCGI 2.2, 7). */
void log_to_stderr(weir_log_level level, const char *line, void *arg)
{
    static const char *const words[] = {"error: ", "warning: ", ""};
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO};
    const weir_server *server = arg;
    char text[LINE_ROOM + 128];

    if (server->no_stderr) {
        syslog(LOG_DAEMON | priorities[level], "%s", line);
        return;
    }
    int len = snprintf(text, sizeof text, "%s: %s%s\n", program_invocation_short_name, words[level],
                       line);
    write_quietly(text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void server_log(const struct weir_server *server, weir_log_level level, const char *format, ...)
{
    char line[LINE_ROOM];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    server->options.log(level, line, server->options.log_arg);
}

void server_log_some(struct server_loop *sl, struct log_limit *limit, weir_log_level level,
                     const char *format, ...)
{
    char line[LINE_ROOM];
    uint64_t now = loop_now(&sl->loop);
    va_list args;

    if (now < limit->next) {
        limit->held++;
        return;
    }
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (limit->held > 0)
        server_log(sl->server, level, "%s (and %u before)", line, limit->held);
    else
        server_log(sl->server, level, "%s", line);
    limit->next = now + LIMIT_MS;
    limit->held = 0;
}
