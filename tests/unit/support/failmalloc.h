/* SPDX-License-Identifier: MIT
 *
 * support/failmalloc.h: counts the allocations of the code under test and makes chosen ones fail.
 *
 * The test links with failmalloc_dep (support/meson.build), which passes --wrap=malloc,calloc,
 * realloc to the linker: calls from the test and from the static core come here, those of shared
 * libraries (libc, cmocka) do not. One thread only. To see that an out-of-memory is survived at
 * every place:
 *
 *     static int attempt(void *arg) { ...; return rc; }     cleans up after itself, also on failure
 *     failmalloc_each(attempt, NULL, WEIR_ERROR_NOMEM);
 *
 * To see that the steady state does not allocate:
 *
 *     failmalloc_reset();
 *     ...
 *     assert_int_equal(failmalloc_count(), 0);
 *
 * Run under AddressSanitizer the first also proves that a failure leaks nothing. */
#ifndef SUPPORT_FAILMALLOC_H
#define SUPPORT_FAILMALLOC_H

#include <stdbool.h>

/* Counts from zero and lets everything succeed. */
void failmalloc_reset(void);

/* Allocations tried since the last reset, failed ones included; a realloc is one. */
unsigned long failmalloc_count(void);

/* After a reset: the n-th allocation (1 is the first) fails, and if forever is set all later ones
 * too, as when memory is really out. */
void failmalloc_fail(unsigned long n, bool forever);

/* Whether an allocation was made to fail since the last reset. */
bool failmalloc_failed(void);

/* Calls attempt for n = 1, 2, ... with the n-th allocation failing, once alone and once with all
 * later ones, until no allocation is left to fail. Asserts that attempt returns want_error whenever
 * one failed and 0 otherwise, and that at least one allocation was seen. Returns how many there
 * are. */
unsigned long failmalloc_each(int (*attempt)(void *arg), void *arg, int want_error);

#endif
