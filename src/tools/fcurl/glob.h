/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/glob.h: many URLs in one: {one,two}, [1-10], [01-10:2], [a-z]. */
#ifndef FCURL_GLOB_H
#define FCURL_GLOB_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/fcurl/text.h"

struct glob_part;

struct glob {
    struct glob_part *parts;
    size_t count;
    uint64_t total; /* how many URLs it makes */
    uint64_t next;
};

/* Backslash takes the special meaning of what follows it; [::1] and the like stay as they are.
 * off: nothing is special. False: *ret_error says what is wrong and where, to be freed. */
bool glob_init(struct glob *glob, const char *pattern, bool off, char **ret_error);
void glob_done(struct glob *glob);

/* The next URL, to be freed, in curl's order (the last pattern changes fastest); NULL after the
 * last. Then glob_name makes the output name of it. */
char *glob_next(struct glob *glob);

/* name with #1, #2 ... replaced by what the first, second ... pattern is now. To be freed. */
char *glob_name(const struct glob *glob, const char *name);

#endif
