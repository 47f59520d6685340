/* SPDX-License-Identifier: MIT
 *
 * exchange/log.c: weir_log, a handler's line for the error log of whoever keeps one. */
#include <stdarg.h>
#include <stdio.h>

#include "exchange/blocking.h"
#include "exchange/exchange.h"

enum { LOG_MAX = 1000 };

int exchange_log(weir_exchange *x, weir_str line)
{
    if (x->cancelled)
        return WEIR_ERROR_CANCELLED;
    return exchange_congested(x) ? WEIR_ERROR_AGAIN : x->carrier->log(x, line);
}

int weir_log(weir_exchange *x, const char *format, ...)
{
    char line[LOG_MAX + 2];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(line, LOG_MAX + 1, format, args);
    va_end(args);
    if (n < 0)
        return WEIR_ERROR_INVALID;
    if (x->finished || (x->blocking && x->blocking->ended))
        return WEIR_ERROR_STATE;
    size_t len = (size_t)n < LOG_MAX ? (size_t)n : LOG_MAX;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';

    if (!x->carrier->log) {
        line[len] = '\0';
        if (x->loop->log)
            x->loop->log(x->loop, line);
        return 0;
    }
    line[len++] = '\n';
    return x->blocking ? blocking_log(x, str(line, len)) : exchange_log(x, str(line, len));
}
