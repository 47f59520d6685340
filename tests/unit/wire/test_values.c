/* SPDX-License-Identifier: MIT
 *
 * The scanner for GET_VALUES and its result, and the table of ids. */
#include <stdlib.h>

#include "support.h"
#include "wire/id_table.h"
#include "wire/values.h"

static void scan(struct delivery *delivery, const void *arg, struct text *text)
{
    struct values_scanner scanner;
    weir_str in, name, value;

    memset(&scanner, 0xee, sizeof scanner);
    values_scanner_init(&scanner);
    while (delivery_next(delivery, false, &in)) {
        while (values_scanner_next(&scanner, &in, &name, &value)) {
            text_add_bytes(text, "name", name);
            text_add_bytes(text, "value", value);
        }
        assert_int_equal(in.len, 0);
    }
    text_add(text, "end\n");
}

static void scanner(void **state)
{
    static const struct {
        const char *name, *pairs, *expect;
    } cases[] = {
        {REQ(54, 57) " all forms", "VALUES 0 11:A=1 14:B=2 41:C=3 44:D=4",
         "name=A; value=1; name=B; value=2; name=C; value=3; name=D; value=4; end"},
        {REQ(59) " nothing at all",
         "VALUES 0 = A= =B =", "name=; value=; name=A; value=; name=; value=B; name=; value=; end"},
        {REQ(60) " the longest that are kept",
         "VALUES 0 ABCDEFGHIJKLMNOPQRSTUVWX=12345678901234567890",
         "name=ABCDEFGHIJKLMNOPQRSTUVWX; value=12345678901234567890; end"},
        {REQ(60) " longer ones mean nothing, and the next pair is found",
         "VALUES 0 ABCDEFGHIJKLMNOPQRSTUVWXY=12345678901234567890 A=123456789012345678901 B=1",
         "name=; value=12345678901234567890; name=A; value=; name=B; value=1; end"},
        {REQ(60) " much longer ones", "VALUES 0 hex=800001008000012c fill=556 B=1",
         "name=; value=; name=B; value=1; end"},
        {REQ(g) " cut off in a length", "VALUES 0 A=1 hex=8000", "name=A; value=1; end"},
        {REQ(g) " cut off in a name", "VALUES 0 A=1 hex=0500 ABC", "name=A; value=1; end"},
        {REQ(g) " cut off in a value", "VALUES 0 A=1 hex=0105 ABC", "name=A; value=1; end"},
        {REQ(g, 60) " the longest name there is", "VALUES 0 A=1 hex=ffffffff01 fill=300",
         "name=A; value=1; end"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct text outcome;
        struct bytes record = {NULL, 0, 0};
        script_add(&record, cases[i].pairs);
        deliver_in_every_way(cases[i].name, str(record.ptr + 8, record.len - 8), scan, NULL,
                             &outcome);
        expect_text(cases[i].name, &outcome, cases[i].expect);
        bytes_free(&record);
    }
}

/* ---- Ids ------------------------------------------------------------------------------------- */

static uint32_t state_of_chance = 1;

static uint32_t chance(uint32_t below)
{
    state_of_chance = state_of_chance * 1664525u + 1013904223u;
    return (state_of_chance >> 8) % below;
}

static void check_table(const struct id_table *table, const struct id_entry *entries,
                        const bool *in, uint32_t count)
{
    assert_int_equal(table->count, count);
    for (unsigned id = 0; id <= 65535; id++) {
        struct id_entry *found = id_table_find(table, (uint16_t)id);
        assert_ptr_equal(found, in[id] ? &entries[id] : NULL);
    }
}

static void id_table(void **state)
{
    static struct id_entry entries[65536];
    static bool in[65536];
    struct pool pool;
    struct id_table table;
    uint32_t count = 0;

    pool_init(&pool);
    id_table_init(&table, &pool);
    assert_null(id_table_any(&table));
    assert_null(id_table_find(&table, 0));
    for (unsigned id = 0; id <= 65535; id++)
        entries[id].id = (uint16_t)id;
    /* A few, at random; then all; then ever fewer. */
    for (uint32_t step = 0; step < 400000; step++) {
        uint16_t id = (uint16_t)(step < 1000 ? 16 * chance(8) : chance(65536));
        bool add = step < 1000 ? !in[id] : step < 300000;
        if (add == in[id])
            continue;
        if (add)
            id_table_add(&table, &entries[id]);
        else
            id_table_remove(&table, &entries[id]);
        in[id] = add;
        count += add ? 1 : (uint32_t)-1;
        if (step % 50000 == 0 || step < 100)
            check_table(&table, entries, in, count);
    }
    check_table(&table, entries, in, count);
    for (struct id_entry *any; (any = id_table_any(&table)) != NULL; count--) {
        assert_true(in[any->id]);
        in[any->id] = false;
        id_table_remove(&table, any);
    }
    assert_int_equal(count, 0);
    id_table_done(&table);
    pool_done(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(REQ(54, 57, 59, 60, g), scanner),
        TEST(REQ(36, 41), id_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
