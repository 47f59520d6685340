/* SPDX-License-Identifier: MIT
 *
 * support/failmalloc.c: see failmalloc.h. */
#include "support/failmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static unsigned long count, fail_at;
static bool fail_forever, failed;

void failmalloc_reset(void)
{
    count = fail_at = 0;
    fail_forever = failed = false;
}

unsigned long failmalloc_count(void)
{
    return count;
}

void failmalloc_fail(unsigned long n, bool forever)
{
    failmalloc_reset();
    fail_at = n;
    fail_forever = forever;
}

bool failmalloc_failed(void)
{
    return failed;
}

static bool fails(void)
{
    count++;
    if (fail_at == 0 || (fail_forever ? count < fail_at : count != fail_at))
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t number, size_t size)
{
    return fails() ? NULL : __real_calloc(number, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

unsigned long failmalloc_each(int (*attempt)(void *arg), void *arg, int want_error)
{
    for (unsigned long n = 1;; n++) {
        bool any = false;
        for (int forever = 0; forever <= 1; forever++) {
            failmalloc_fail(n, forever);
            int rc = attempt(arg);
            bool hit = failed;
            failmalloc_reset();
            if (rc != (hit ? want_error : 0))
                fail_msg("allocation %lu %s, and the attempt returned %d", n,
                         hit ? "failed" : "succeeded", rc);
            any |= hit;
        }
        if (!any) {
            assert_true(n > 1);
            return n - 1;
        }
    }
}
