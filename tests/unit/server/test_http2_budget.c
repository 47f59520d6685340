/* SPDX-License-Identifier: MIT
 *
 * The budget of what a peer may do too much of, by a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/http2_budget.h"

static unsigned spend_all(struct http2_budget *b, uint64_t now)
{
    unsigned n = 0;

    while (http2_budget_spend(b, now))
        n++;
    return n;
}

static void test_burst_and_time(void **state)
{
    struct http2_budget b;

    (void)state;
    http2_budget_init(&b, 200, 5000);
    assert_int_equal(spend_all(&b, 5000), 200);
    assert_int_equal(spend_all(&b, 5049), 0); /* 20 a second: the first after 50 ms */
    assert_int_equal(spend_all(&b, 5050), 1);
    assert_int_equal(spend_all(&b, 6050), 20);
    assert_int_equal(spend_all(&b, 1u << 30), 200); /* never more than full */
}

static void test_earning(void **state)
{
    struct http2_budget b;

    (void)state;
    http2_budget_init(&b, 10, 0);
    http2_budget_earn(&b, 5);
    assert_int_equal(spend_all(&b, 0), 10);
    http2_budget_earn(&b, 3);
    assert_int_equal(spend_all(&b, 0), 3);
    http2_budget_earn(&b, UINT32_MAX);
    assert_int_equal(spend_all(&b, 0), 10);
}

static void test_earning_in_parts(void **state)
{
    struct http2_budget b;

    (void)state;
    http2_budget_init(&b, 10, 0);
    assert_int_equal(spend_all(&b, 0), 10);
    for (int i = 0; i < 127; i++)
        http2_budget_earn_part(&b, 1, 128);
    assert_int_equal(spend_all(&b, 0), 0);
    http2_budget_earn_part(&b, 3 * 128 + 3, 128); /* fractions are cut off, not rounded up */
    assert_int_equal(spend_all(&b, 0), 4);
}

static void test_largest(void **state)
{
    struct http2_budget b;

    (void)state;
    http2_budget_init(&b, UINT32_MAX, 0);
    http2_budget_earn(&b, UINT32_MAX);
    assert_true(http2_budget_spend(&b, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_and_time),
        cmocka_unit_test(test_earning),
        cmocka_unit_test(test_earning_in_parts),
        cmocka_unit_test(test_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
