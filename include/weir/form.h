/* SPDX-License-Identifier: MIT
 *
 * weir/form.h: what a browser sends along: the query string, cookies, and forms.
 *
 *     const char *page = weir_query_get(x, "page");           ?page=2
 *     const char *session = weir_cookie(x, "session");        Cookie: session=...
 *     weir_form_get(form, "title"), weir_form_file(form, "photo")
 *
 * All of it is chosen by the client. Names and values are bytes: of the right length, but in
 * whatever encoding the client used (UTF-8 from pages in UTF-8). Every string is followed by a NUL
 * and lives as long as the exchange, if nothing else is said. A value that itself holds a NUL (%00)
 * is never shown cut short: functions that return a C string return NULL for it.
 *
 * The functions that take an exchange belong to its handler's thread: the loop, or the worker. */
#ifndef WEIR_FORM_H
#define WEIR_FORM_H

#include <weir/exchange.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Query string ---------------------------------------------------------------------------- */

/* The first value of a name in the query string, decoded as forms are (URL standard of
 * WHATWG, 5.1): pairs between '&', '+' is a space, %HH a byte, and an escape that is none stands
 * for itself. ';' separates nothing. "" for "?name" and "?name=". NULL when there is no such name,
 * its value holds a NUL, or memory is out. Names are compared decoded, byte by byte. */
WEIR_API const char *weir_query_get(weir_exchange *x, const char *name);

/* All pairs in their order, repeated names too: number index (from 0) and true, or false when there
 * are no more. */
WEIR_API bool weir_query_at(weir_exchange *x, size_t index, weir_str *ret_name,
                            weir_str *ret_value);

/* ---- Cookies --------------------------------------------------------------------------------- */

/* The value of the first cookie of that name, whose case matters; NULL when the client sent none,
 * or memory is out. Nothing is decoded; quotes around the value are taken off. When two cookies
 * have the same name, browsers send that with the longer Path first (RFC 6265 5.4). */
WEIR_API const char *weir_cookie(weir_exchange *x, const char *name);

/* All cookies, as weir_query_at. */
WEIR_API bool weir_cookie_at(weir_exchange *x, size_t index, weir_str *ret_name,
                             weir_str *ret_value);

typedef enum weir_same_site {
    WEIR_SAME_SITE_UNSET = 0, /* browsers then take Lax, or something near it */
    WEIR_SAME_SITE_LAX,
    WEIR_SAME_SITE_STRICT,
    WEIR_SAME_SITE_NONE, /* needs secure */
} weir_same_site;

/* Set size to sizeof(weir_cookie_options) and what you want; what is 0 is not sent. */
typedef struct weir_cookie_options {
    size_t size;
    const char *path;   /* starts with '/'; default: the folder of the request's path */
    const char *domain; /* also for the hosts below it; default: this host alone */
    int64_t max_age;    /* seconds that the cookie lives; 0: until the browser ends; -1: it is
                           deleted, given the same path and domain that it was set with */
    int64_t expires;    /* seconds since 1970; browsers heed max_age first */
    weir_same_site same_site;
    bool secure;      /* only over HTTPS */
    bool http_only;   /* not for scripts */
    bool partitioned; /* one for each site that embeds this one; needs secure */
} weir_cookie_options;

/* Adds a Set-Cookie field to the response, each a line of its own; options may be NULL. name is a
 * token, value of RFC 6265's cookie-octets: letters, digits and punctuation but '"', ',', ';' and
 * '\'; encode others yourself. HEADER for what may not stand there; LIMIT for name and value of
 * more than 4096 bytes, path or domain of more than 1024, or at 100 fields; INVALID for what
 * browsers would drop: no secure with SameSite=None, Partitioned or a name that begins with
 * __Secure- or
 * __Host-, and for the latter also a domain or a path that is not "/"; STATE after the head was
 * sent; NOMEM. */
WEIR_API int weir_set_cookie(weir_exchange *x, const char *name, const char *value,
                             const weir_cookie_options *options);

/* ---- Forms: limits --------------------------------------------------------------------------- */

/* What becomes of files in a form that is read as a whole. */
typedef enum weir_form_files {
    WEIR_FORM_FILES_SPOOL = 0, /* in memory up to 64 KiB each, else in a temporary file without a
                                  name below TMPDIR or /tmp */
    WEIR_FORM_FILES_MEMORY,    /* in memory, within memory */
    WEIR_FORM_FILES_REFUSE,    /* LIMIT */
} weir_form_files;

/* Set size to sizeof(weir_form_options) and what you want to change; 0 elsewhere means the default,
 * UINT32_MAX or UINT64_MAX as good as no limit where no maximum is named. Whatever is sent, no more
 * is kept than these say; over a limit the form is refused, never cut. A part is a file when it has
 * a filename that is not empty; browsers send an empty one for a file input where nothing was
 * chosen, which counts as a field. */
typedef struct weir_form_options {
    size_t size;
    uint64_t body_size;     /* bytes of the whole body; default 64 MiB. Beyond: TOO_BIG */
    uint64_t field_size;    /* bytes of a field's value; default 65536 */
    uint64_t file_size;     /* bytes of a file; default 32 MiB */
    uint64_t memory;        /* bytes that a form read as a whole may take in memory: names, values,
                               headers, what is kept of each part, files in memory; default 1 MiB.
                               While a value arrives it may take twice its length more */
    uint32_t fields;        /* default 1000 */
    uint32_t files;         /* default 20 */
    uint32_t header_size;   /* bytes of a part's header, or of a name in a urlencoded form; default
                               8192, at most 2^20, more is INVALID */
    uint32_t header_fields; /* fields in a part's header; default 16 */
    weir_form_files keep;   /* of a form read as a whole */
} weir_form_options;

/* What was wrong with the form of this exchange, in English, without a full stop: "a field is
 * larger than 65536 bytes (weir_form_options.field_size)". "" if nothing was. */
WEIR_API const char *weir_form_error(weir_exchange *x);

/* Answers for a form that could not be read, with error and weir_form_error as text: 415 for
 * MEDIA_TYPE, 413 for TOO_BIG and LIMIT, 408 for TIMEOUT, 400 for FORM, SHORT_BODY and PROTOCOL,
 * 500 for others; after CANCELLED nothing can be answered. Ends the exchange. */
WEIR_API void weir_form_refuse(weir_exchange *x, int error);

/* ---- Forms: read as a whole ------------------------------------------------------------------ */

/* A form lives as long as its exchange, with its temporary files. */
typedef struct weir_form weir_form;

/* A field or file of a form. */
typedef struct weir_form_part weir_form_part;

/* state: 1, form is complete; else an error as of weir_read_form, and form is NULL. */
typedef void weir_form_fn(weir_exchange *x, weir_form *form, int state, void *arg);

/* For handlers on the loop: reads the body as a form and calls fn once, later. options may be NULL.
 * 0; an error when it is clear already that there is no form to be read, and then fn is not called:
 * MEDIA_TYPE, TOO_BIG (by Content-Length), FORM (no boundary), NOMEM, INVALID, STATE (on a worker,
 * or when somebody else reads the body). Files on disk are written from the loop: fine for what the
 * page cache takes, else use workers. */
WEIR_API int weir_gather_form(weir_exchange *x, const weir_form_options *options, weir_form_fn *fn,
                              void *arg);

/* For worker handlers: the same, waiting for it. options may be NULL. 0 and *ret_form, or
 *     MEDIA_TYPE  Content-Type is neither application/x-www-form-urlencoded nor multipart/form-data
 *     FORM        it is malformed (RFC 7578, RFC 2046, strictly)
 *     LIMIT       it is over a limit; TOO_BIG, over body_size
 *     SHORT_BODY  the body ended before its length, or before the closing boundary
 *     CANCELLED, TIMEOUT, TOO_BIG, PROTOCOL   as weir_read
 *     SYSTEM      a temporary file could not be made or written
 *     NOMEM, INVALID; STATE on a loop, or when the form was read before.
 * The rest of a refused body is dropped when the exchange ends. */
WEIR_API int weir_read_form(weir_exchange *x, const weir_form_options *options,
                            weir_form **ret_form);

/* The value of the first field of that name; NULL when there is none, or it holds a NUL. */
WEIR_API const char *weir_form_get(const weir_form *form, const char *name);

/* The first file of that name; NULL when there is none, or none was chosen. */
WEIR_API weir_form_part *weir_form_file(weir_form *form, const char *name);

/* Part number index (from 0) in the order they came, fields and files; NULL when there are no more.
 */
WEIR_API weir_form_part *weir_form_at(weir_form *form, size_t index);

/* ---- Parts ----------------------------------------------------------------------------------- */

/* The name of the field that the part belongs to, as it was sent. Lives as long as the part. */
WEIR_API weir_str weir_form_part_name(const weir_form_part *part);

/* The filename as it was sent; ptr is NULL when there was none. It may be a path, "..", or
 * anything else: weir_form_basename makes it one that can be used. Browsers write '"', CR and LF in
 * names and filenames as %22, %0D and %0A and leave '%' as it is, so that is not undone. */
WEIR_API weir_str weir_form_part_filename(const weir_form_part *part);

/* Whether the filename is there and not empty. */
WEIR_API bool weir_form_part_is_file(const weir_form_part *part);

/* The part's Content-Type as it was sent: the client's guess; ptr is NULL when there was none. */
WEIR_API weir_str weir_form_part_type(const weir_form_part *part);

/* All fields of the part's header as they were sent, not followed by a NUL; as weir_header_at.
 * There are none in a urlencoded form. */
WEIR_API bool weir_form_part_header_at(const weir_form_part *part, size_t index, weir_str *ret_name,
                                       weir_str *ret_value);

/* Bytes of the part; of a streamed one, so far. */
WEIR_API uint64_t weir_form_part_size(const weir_form_part *part);

/* The bytes, of a part that is in memory: any field, and files until weir_form_part_fd; ptr is NULL
 * when they are in a file. Only what is a field, or was kept with WEIR_FORM_FILES_MEMORY, is
 * followed by a NUL. */
WEIR_API weir_str weir_form_part_data(const weir_form_part *part);

/* Reads up to room bytes at offset, wherever they are. Returns how many (at most 2^30), 0 at the
 * end, or SYSTEM. */
WEIR_API int weir_form_part_read(const weir_form_part *part, uint64_t offset, void *out,
                                 size_t room);

/* A descriptor of the temporary file that holds the part, to be read with pread, sent or mapped;
 * one that was in memory is written to a file first. It belongs to the form: dup what shall live
 * longer. SYSTEM when there can be none; STATE for fields, and for files kept with
 * WEIR_FORM_FILES_MEMORY. */
WEIR_API int weir_form_part_fd(weir_form_part *part);

/* What of a filename can be used as a name in a folder of yours: without what comes before the last
 * '/' or '\', without control bytes, without dots at its start, at most 255 bytes and room - 1 (a
 * UTF-8 sequence is not cut). Writes it at out with a NUL; returns its length, 0 when nothing is
 * left (room 0: nothing is written). It may still be the name of a file that exists. Any thread. */
WEIR_API size_t weir_form_basename(weir_str filename, char *out, size_t room);

/* ---- Forms: streamed ------------------------------------------------------------------------- */

/* Functions that are called while a form arrives; all but end may be NULL. part is valid from part
 * to part_end; data during the call. Each may pause the form with weir_pause_body: none is called
 * then until weir_resume_body. Each may end the exchange: none is called then. */
typedef struct weir_form_callbacks {
    size_t size; /* sizeof(weir_form_callbacks) */
    void (*part)(weir_exchange *x, const weir_form_part *part, void *arg);
    void (*data)(weir_exchange *x, const weir_form_part *part, weir_str data, void *arg);
    void (*part_end)(weir_exchange *x, const weir_form_part *part, void *arg);
    /* The last call. state: 1, the form is complete; else an error as of weir_read_form, which may
     * come in the middle of a part. */
    void (*end)(weir_exchange *x, int state, void *arg);
} weir_form_callbacks;

/* For handlers on the loop: reads the body as a form, and keeps none of it. options may be NULL;
 * memory and keep have no effect. Errors as weir_gather_form; then nothing is called. */
WEIR_API int weir_on_form(weir_exchange *x, const weir_form_options *options,
                          const weir_form_callbacks *callbacks, void *arg);

#ifdef __cplusplus
}
#endif
#endif
