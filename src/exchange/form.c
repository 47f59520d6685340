/* SPDX-License-Identifier: MIT
 *
 * exchange/form.c: forms as they arrive: which kind, within which limits, and what is said about
 * those that are refused. */
#include "exchange/form.h"

#include <stdarg.h>
#include <stdio.h>

enum { HEADER_SIZE_MAX = 1 << 20 };

/* ---- Errors ---------------------------------------------------------------------------------- */

int form_reader_fail(struct form_reader *r, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->error, sizeof r->error, format, args);
    va_end(args);
    return error;
}

static int over_limit(struct form_reader *r)
{
    const weir_form_options *o = &r->options;
    const struct {
        const char *what;
        uint64_t limit;
        const char *unit, *option;
    } limits[] = {
        [HTTP_FORM_BODY_SIZE] = {"the form is larger than", o->body_size, "bytes", "body_size"},
        [HTTP_FORM_FIELDS] = {"there are more than", o->fields, "fields", "fields"},
        [HTTP_FORM_FILES] = {"there are more than", o->files, "files", "files"},
        [HTTP_FORM_FIELD_SIZE] = {"a field is larger than", o->field_size, "bytes", "field_size"},
        [HTTP_FORM_FILE_SIZE] = {"a file is larger than", o->file_size, "bytes", "file_size"},
        [HTTP_FORM_HEADER_SIZE] = {"a name or part header is larger than", o->header_size, "bytes",
                                   "header_size"},
        [HTTP_FORM_HEADER_FIELDS] = {"a part header has more than", o->header_fields, "fields",
                                     "header_fields"},
    };
    enum http_form_limit i = r->parser.limit;

    return form_reader_fail(r, r->parser.error, "%s %llu %s (weir_form_options.%s)", limits[i].what,
                            (unsigned long long)limits[i].limit, limits[i].unit, limits[i].option);
}

static int refused(struct form_reader *r)
{
    if (r->parser.limit != HTTP_FORM_NO_LIMIT)
        return over_limit(r);
    if (r->parser.reason)
        return form_reader_fail(r, r->parser.error, "%s: %s", weir_error_text(r->parser.error),
                                r->parser.reason);
    return r->parser.error;
}

const char *weir_form_error(weir_exchange *x)
{
    return x->form ? x->form->error : "";
}

static int status_of(int error)
{
    switch (error) {
    case WEIR_ERROR_MEDIA_TYPE:
        return 415;
    case WEIR_ERROR_LIMIT:
    case WEIR_ERROR_TOO_BIG:
        return 413;
    case WEIR_ERROR_TIMEOUT:
        return 408;
    case WEIR_ERROR_FORM:
    case WEIR_ERROR_SHORT_BODY:
    case WEIR_ERROR_PROTOCOL:
        return 400;
    default:
        return 500;
    }
}

void weir_form_refuse(weir_exchange *x, int error)
{
    const char *said = weir_form_error(x);
    char text[256];

    snprintf(text, sizeof text, "%s\n", *said ? said : weir_error_text(error));
    weir_respond(x, status_of(error), "text/plain", text);
}

/* ---- The reader ------------------------------------------------------------------------------ */

static int take_options(weir_form_options *own, const weir_form_options *given)
{
    memset(own, 0, sizeof *own);
    if (given && given->size < sizeof given->size)
        return WEIR_ERROR_INVALID;
    if (given)
        memcpy(own, given, given->size < sizeof *own ? given->size : sizeof *own);

#define DEFAULT(member, value) \
    if (!own->member)          \
    own->member = (value)
    DEFAULT(body_size, 64 << 20);
    DEFAULT(field_size, 65536);
    DEFAULT(file_size, 32 << 20);
    DEFAULT(memory, 1 << 20);
    DEFAULT(fields, 1000);
    DEFAULT(files, 20);
    DEFAULT(header_size, 8192);
    DEFAULT(header_fields, 16);
#undef DEFAULT
    if (own->header_size > HEADER_SIZE_MAX || own->keep > WEIR_FORM_FILES_REFUSE)
        return WEIR_ERROR_INVALID;
    return 0;
}

static void clean_up(struct exchange_cleanup *cleanup)
{
    struct form_reader *r = container_of(cleanup, struct form_reader, cleanup);

    http_form_done(&r->parser);
}

/* Whether the head of the request alone says that there is no form to be read. */
static int look_at_head(struct form_reader *r)
{
    const weir_form_options *o = &r->options;
    struct http_form_limits limits = {
        .body_size = o->body_size,
        .field_size = o->field_size,
        .file_size = o->file_size,
        .fields = o->fields,
        .files = o->files,
        .header_size = o->header_size,
        .header_fields = o->header_fields,
    };
    const char *type = weir_header(r->x, "Content-Type");
    int64_t length = r->x->content_length;
    int rc = http_form_init(&r->parser, r->x->arena->pool, &limits, str_of(type));

    if (rc == 0 && length > 0 && (uint64_t)length > o->body_size) {
        r->parser.limit = HTTP_FORM_BODY_SIZE;
        rc = WEIR_ERROR_TOO_BIG;
    }
    r->parser.error = rc;
    return rc ? refused(r) : 0;
}

int form_reader_new(weir_exchange *x, const weir_form_options *options, const struct form_ops *ops,
                    size_t size, struct form_reader **ret_reader)
{
    if ((x->form && !x->form->ended) || x->body.fn)
        return WEIR_ERROR_STATE;

    struct form_reader *r = arena_zalloc(x->arena, size);
    if (!r)
        return WEIR_ERROR_NOMEM;
    r->x = x;
    r->ops = ops;
    r->ended = true;
    r->cleanup.run = clean_up;
    x->form = r;
    int rc = take_options(&r->options, options);
    if (rc == 0)
        rc = look_at_head(r);
    if (rc != 0)
        return rc;
    r->ended = false;
    exchange_at_end(x, &r->cleanup);
    *ret_reader = r;
    return 0;
}

/* Whether the handler has, in the last call, made it so that there must be no next one. */
static bool must_stop(const struct form_reader *r)
{
    const weir_exchange *x = r->x;

    return !x->blocking && (x->finished || x->body.paused);
}

static int on_event(struct form_reader *r, enum http_form_event event, weir_str data)
{
    switch (event) {
    case HTTP_FORM_PART:
        r->part = (struct weir_form_part){.head = r->parser.part, .is_file = r->parser.is_file};
        return r->ops->part(r);
    case HTTP_FORM_DATA:
        r->part.size = r->parser.part_size;
        return r->ops->data(r, data);
    case HTTP_FORM_PART_END:
        return r->ops->part_end(r);
    case HTTP_FORM_REFUSED:
        return refused(r);
    case HTTP_FORM_DONE:
        return 1;
    default:
        return 0;
    }
}

int form_reader_feed(struct form_reader *r, weir_str *data, bool last)
{
    enum http_form_event event;
    weir_str piece;
    int rc;

    do {
        event = http_form_next(&r->parser, data, last, &piece);
        rc = on_event(r, event, piece);
    } while (rc == 0 && event != HTTP_FORM_MORE && !must_stop(r));
    if (rc != 0)
        http_form_done(&r->parser);
    return rc;
}

/* ---- On a loop ------------------------------------------------------------------------------- */

static void on_body(weir_exchange *x, weir_str data, int state, void *arg)
{
    struct form_reader *r = arg;
    int rc;

    if (r->ended)
        return; /* refused, and the handler has not answered yet: the rest is dropped */
    rc = state < 0 ? state : form_reader_feed(r, &data, state == 1);
    if (rc != 0) {
        r->ended = true;
        http_form_done(&r->parser);
        r->ops->end(r, rc);
    } else if (x->finished) {
        r->ended = true;
    } else if (data.len > 0 || state == 1) { /* paused */
        exchange_give_back(x, data.len);
    }
}

void form_reader_start(struct form_reader *r)
{
    weir_on_body(r->x, on_body, r);
}

/* ---- Streamed to the handler ----------------------------------------------------------------- */

struct streamed {
    struct form_reader reader;
    weir_form_callbacks callbacks;
    void *arg;
};

static int stream_part(struct form_reader *r)
{
    struct streamed *s = (struct streamed *)r;

    if (s->callbacks.part)
        s->callbacks.part(r->x, &r->part, s->arg);
    return 0;
}

static int stream_data(struct form_reader *r, weir_str data)
{
    struct streamed *s = (struct streamed *)r;

    if (s->callbacks.data)
        s->callbacks.data(r->x, &r->part, data, s->arg);
    return 0;
}

static int stream_part_end(struct form_reader *r)
{
    struct streamed *s = (struct streamed *)r;

    if (s->callbacks.part_end)
        s->callbacks.part_end(r->x, &r->part, s->arg);
    return 0;
}

static void stream_end(struct form_reader *r, int state)
{
    struct streamed *s = (struct streamed *)r;

    s->callbacks.end(r->x, state, s->arg);
}

int weir_on_form(weir_exchange *x, const weir_form_options *options,
                 const weir_form_callbacks *callbacks, void *arg)
{
    static const struct form_ops ops = {stream_part, stream_data, stream_part_end, stream_end};
    struct form_reader *r;

    if (!callbacks || callbacks->size < sizeof *callbacks || !callbacks->end)
        return WEIR_ERROR_INVALID;
    if (x->blocking)
        return WEIR_ERROR_STATE;
    int rc = form_reader_new(x, options, &ops, sizeof(struct streamed), &r);
    if (rc != 0)
        return rc;

    struct streamed *s = (struct streamed *)r;
    s->callbacks = *callbacks;
    s->arg = arg;
    form_reader_start(r);
    return 0;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

weir_str weir_form_part_name(const weir_form_part *part)
{
    return part->head.name;
}

weir_str weir_form_part_filename(const weir_form_part *part)
{
    return part->head.filename;
}

bool weir_form_part_is_file(const weir_form_part *part)
{
    return part->is_file;
}

weir_str weir_form_part_type(const weir_form_part *part)
{
    return part->head.type;
}

bool weir_form_part_header_at(const weir_form_part *part, size_t index, weir_str *ret_name,
                              weir_str *ret_value)
{
    weir_str header = part->head.header, name, value;

    for (; http_part_field_next(&header, &name, &value); index--) {
        if (index > 0)
            continue;
        *ret_name = name;
        *ret_value = value;
        return true;
    }
    return false;
}

uint64_t weir_form_part_size(const weir_form_part *part)
{
    return part->size;
}

size_t weir_form_basename(weir_str filename, char *out, size_t room)
{
    return http_form_basename(filename, out, room);
}
