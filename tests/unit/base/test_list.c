/* SPDX-License-Identifier: MIT
 *
 * The linked list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
    int number;
    struct list link;
};

/* The numbers in the list, as decimal digits, read forwards; backwards must agree. */
static long numbers(const struct list *head)
{
    long forwards = 0, backwards = 0, place = 1;

    for (struct list *l = head->next; l != head; l = l->next)
        forwards = forwards * 10 + container_of(l, struct item, link)->number;
    for (struct list *l = head->prev; l != head; l = l->prev, place *= 10)
        backwards += place * container_of(l, struct item, link)->number;
    assert_int_equal(forwards, backwards);
    return forwards;
}

static void test_insert_remove(void **state)
{
    struct item a = {.number = 1}, b = {.number = 2}, c = {.number = 3};
    struct list head;

    list_init(&head);
    assert_true(list_empty(&head));
    list_insert(&head, &a.link);
    list_insert(&head, &c.link);
    list_insert(&c.link, &b.link);
    assert_false(list_empty(&head));
    assert_int_equal(numbers(&head), 123);

    list_remove(&b.link);
    assert_int_equal(numbers(&head), 13);
    list_remove(&b.link); /* harmless */
    assert_int_equal(numbers(&head), 13);
    assert_true(list_empty(&b.link));

    list_remove(&a.link);
    list_remove(&c.link);
    assert_true(list_empty(&head));
}

static void test_take(void **state)
{
    struct item a = {.number = 1}, b = {.number = 2};
    struct list from, to;

    list_init(&from);
    list_take(&to, &from);
    assert_true(list_empty(&to));

    list_insert(&from, &a.link);
    list_insert(&from, &b.link);
    list_take(&to, &from);
    assert_true(list_empty(&from));
    assert_int_equal(numbers(&to), 12);
    list_remove(&a.link);
    assert_int_equal(numbers(&to), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert_remove),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
