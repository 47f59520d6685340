/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/table.h: short ways to write a row of an option group; only for options_*.c. */
#ifndef FCURL_TABLE_H
#define FCURL_TABLE_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/fcurl/option.h"

#define OF_CONFIG(member) .offset = offsetof(struct config, member)
#define OF_GLOBAL(member) .offset = offsetof(struct global, member), .is_global = true

#define GROUP(title, table)                           \
    {                                                 \
        title, table, sizeof(table) / sizeof *(table) \
    }

static inline bool refuse_option(struct option_call *call, const char *why)
{
    call->error = must_copy(why);
    return false;
}

/* The file that the value names cannot be read: errno says why. */
static inline bool refuse_unreadable(struct option_call *call)
{
    call->global->cannot_read = true;
    return refuse_option(call, strerror(errno));
}

#endif
