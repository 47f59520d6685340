/* SPDX-License-Identifier: MIT
 *
 * exchange/gather.c: forms read as a whole: fields in the exchange's arena, files there or in
 * spools, everything counted before it is kept. */
#include <limits.h>
#include <stdlib.h>

#include "exchange/form.h"

enum { READ_SIZE = 64 * 1024 };

struct weir_form {
    struct form_reader reader;
    weir_form_fn *fn; /* on a loop */
    void *arg;
    weir_form_part **parts;
    size_t count, room;
    uint64_t memory;    /* taken so far */
    struct buf current; /* the value that arrives */
    struct exchange_cleanup cleanup;
};

static struct weir_form *form_of(struct form_reader *r)
{
    return (struct weir_form *)r;
}

static void clean_up(struct exchange_cleanup *cleanup)
{
    struct weir_form *form = container_of(cleanup, struct weir_form, cleanup);

    for (size_t i = 0; i < form->count; i++)
        if (form->parts[i]->spool)
            spool_done(form->parts[i]->spool);
    buf_done(&form->current);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static uint64_t memory_left(const struct weir_form *form)
{
    return form->reader.options.memory - form->memory;
}

static int out_of_memory(struct weir_form *form)
{
    return form_reader_fail(&form->reader, WEIR_ERROR_LIMIT,
                            "the form takes more than %llu bytes of memory "
                            "(weir_form_options.memory)",
                            (unsigned long long)form->reader.options.memory);
}

/* Counts n bytes, and what rounding may add to them. */
static int charge(struct weir_form *form, uint64_t n)
{
    if (memory_left(form) < 16 || n > memory_left(form) - 16)
        return out_of_memory(form);
    form->memory += n + 16;
    return 0;
}

/* Copies a string with its NUL; one that is absent stays so. */
static int copy(struct weir_form *form, weir_str *text)
{
    if (!text->ptr)
        return 0;
    int rc = charge(form, text->len);
    if (rc != 0)
        return rc;
    text->ptr = arena_copy(form->reader.x->arena, text->ptr, text->len);
    return text->ptr ? 0 : WEIR_ERROR_NOMEM;
}

static int add_part(struct weir_form *form, weir_form_part *part)
{
    if (form->count == form->room) {
        size_t room = form->room ? 2 * form->room : 16;
        int rc = charge(form, room * sizeof *form->parts);
        if (rc != 0)
            return rc;
        weir_form_part **parts = arena_alloc(form->reader.x->arena, room * sizeof *parts);
        if (!parts)
            return WEIR_ERROR_NOMEM;
        if (form->count)
            memcpy(parts, form->parts, form->count * sizeof *parts);
        form->parts = parts;
        form->room = room;
    }
    form->parts[form->count++] = part;
    return 0;
}

/* ---- What arrives ---------------------------------------------------------------------------- */

static int new_spool(struct weir_form *form, weir_form_part *part)
{
    struct arena *arena = form->reader.x->arena;
    int rc = charge(form, sizeof *part->spool);

    if (rc != 0)
        return rc;
    struct spool *spool = arena_alloc(arena, sizeof *spool);
    if (!spool)
        return WEIR_ERROR_NOMEM;
    uint64_t left = memory_left(form);
    spool_init(spool, arena->pool, left < SPOOL_MEMORY ? (size_t)left : SPOOL_MEMORY);
    part->spool = spool;
    return 0;
}

static int gather_part(struct form_reader *r)
{
    struct weir_form *form = form_of(r);
    weir_form_part *part;
    int rc = charge(form, sizeof *part);

    if (r->part.is_file && r->options.keep == WEIR_FORM_FILES_REFUSE)
        return form_reader_fail(r, WEIR_ERROR_LIMIT, "no files are taken (weir_form_options.keep)");
    if (rc != 0)
        return rc;
    part = arena_alloc(r->x->arena, sizeof *part);
    if (!part)
        return WEIR_ERROR_NOMEM;
    *part = r->part;
    if ((rc = copy(form, &part->head.name)) != 0 || (rc = copy(form, &part->head.filename)) != 0 ||
        (rc = copy(form, &part->head.type)) != 0 || (rc = copy(form, &part->head.header)) != 0)
        return rc;
    if (part->is_file && r->options.keep == WEIR_FORM_FILES_SPOOL)
        rc = new_spool(form, part);
    else
        part->in_memory = true;
    return rc ? rc : add_part(form, part);
}

static int gather_data(struct form_reader *r, weir_str data)
{
    struct weir_form *form = form_of(r);
    weir_form_part *part = form->parts[form->count - 1];
    int rc;

    if (part->in_memory) {
        if (data.len > memory_left(form) || form->current.len > memory_left(form) - data.len)
            return out_of_memory(form);
        return buf_append(&form->current, data.ptr, data.len);
    }
    rc = spool_write(part->spool, data);
    if (rc == WEIR_ERROR_SYSTEM)
        return form_reader_fail(r, rc, "a temporary file could not be written");
    return rc;
}

static int gather_part_end(struct form_reader *r)
{
    struct weir_form *form = form_of(r);
    weir_form_part *part = form->parts[form->count - 1];

    part->size = r->part.size;
    if (!part->in_memory) {
        form->memory += part->spool->memory.len;
        return 0;
    }
    part->data = WEIR_STR("");
    if (form->current.len > 0) {
        part->data = str(form->current.ptr, form->current.len);
        buf_consume(&form->current, form->current.len);
    }
    int rc = copy(form, &part->data);
    if (form->current.size > POOL_64K)
        buf_trim(&form->current);
    return rc;
}

static void gather_end(struct form_reader *r, int state)
{
    struct weir_form *form = form_of(r);

    buf_done(&form->current);
    form->fn(r->x, state == 1 ? form : NULL, state, form->arg);
}

static int form_new(weir_exchange *x, const weir_form_options *options, struct weir_form **ret_form)
{
    static const struct form_ops ops = {gather_part, gather_data, gather_part_end, gather_end};
    struct form_reader *r;
    int rc = form_reader_new(x, options, &ops, sizeof(struct weir_form), &r);

    if (rc != 0)
        return rc;
    struct weir_form *form = form_of(r);
    buf_init(&form->current, x->arena->pool, SIZE_MAX / 4);
    form->cleanup.run = clean_up;
    exchange_at_end(x, &form->cleanup);
    *ret_form = form;
    return 0;
}

int weir_gather_form(weir_exchange *x, const weir_form_options *options, weir_form_fn *fn,
                     void *arg)
{
    struct weir_form *form;

    if (!fn)
        return WEIR_ERROR_INVALID;
    if (x->blocking)
        return WEIR_ERROR_STATE;
    int rc = form_new(x, options, &form);
    if (rc != 0)
        return rc;
    form->fn = fn;
    form->arg = arg;
    form_reader_start(&form->reader);
    return 0;
}

/* ---- On a worker ----------------------------------------------------------------------------- */

static int read_all(struct weir_form *form, char *buffer)
{
    struct form_reader *r = &form->reader;
    int rc = 0;

    while (rc == 0) {
        int n = weir_read(r->x, buffer, READ_SIZE);
        if (n < 0)
            return n;
        weir_str data = {buffer, (size_t)n};
        rc = form_reader_feed(r, &data, n == 0);
    }
    return rc < 0 ? rc : 0;
}

int weir_read_form(weir_exchange *x, const weir_form_options *options, weir_form **ret_form)
{
    struct weir_form *form;
    size_t size;

    if (!ret_form)
        return WEIR_ERROR_INVALID;
    if (!x->blocking)
        return WEIR_ERROR_STATE;
    int rc = form_new(x, options, &form);
    if (rc != 0)
        return rc;
    char *buffer = pool_get(x->arena->pool, READ_SIZE, &size);
    if (!buffer)
        return WEIR_ERROR_NOMEM;
    rc = read_all(form, buffer);
    pool_put(x->arena->pool, buffer, size);
    buf_done(&form->current);
    if (rc == 0)
        *ret_form = form;
    return rc;
}

/* ---- A form that was read -------------------------------------------------------------------- */

static weir_form_part *find(const weir_form *form, const char *name, bool is_file)
{
    weir_str wanted = str_of(name);

    for (size_t i = 0; i < form->count; i++)
        if (form->parts[i]->is_file == is_file && str_eq(form->parts[i]->head.name, wanted))
            return form->parts[i];
    return NULL;
}

const char *weir_form_get(const weir_form *form, const char *name)
{
    const weir_form_part *part = find(form, name, false);

    return part && strlen(part->data.ptr) == part->data.len ? part->data.ptr : NULL;
}

weir_form_part *weir_form_file(weir_form *form, const char *name)
{
    return find(form, name, true);
}

weir_form_part *weir_form_at(weir_form *form, size_t index)
{
    return index < form->count ? form->parts[index] : NULL;
}

weir_str weir_form_part_data(const weir_form_part *part)
{
    if (part->in_memory)
        return part->data;
    if (!part->spool || part->spool->fd >= 0)
        return str(NULL, 0);
    return part->spool->len ? str(part->spool->memory.ptr, part->spool->memory.len) : WEIR_STR("");
}

int weir_form_part_read(const weir_form_part *part, uint64_t offset, void *out, size_t room)
{
    if (room > INT_MAX / 2)
        room = INT_MAX / 2;
    if (offset >= part->size)
        return 0;
    if (part->spool)
        return (int)spool_read(part->spool, offset, out, room);
    if (!part->in_memory)
        return 0;

    size_t left = part->data.len - (size_t)offset;
    size_t n = left < room ? left : room;
    memcpy(out, part->data.ptr + offset, n);
    return (int)n;
}

int weir_form_part_fd(weir_form_part *part)
{
    if (!part->spool)
        return WEIR_ERROR_STATE;
    int rc = spool_to_file(part->spool);
    return rc ? rc : part->spool->fd;
}
