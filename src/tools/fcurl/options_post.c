/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_post.c: what is sent as the body. Files named with @ are read at once, but
 * for those of --form and --upload-file, which are sent as they are read. */
#include <errno.h>

#include "tools/fcurl/table.h"

/* Several pieces of data become one, joined with & (--json: with nothing). */
static void add_data(struct config *config, const char *bytes, size_t len, bool joined)
{
    if (config->has_data && joined)
        text_putc(&config->data, '&');
    text_add(&config->data, bytes, len);
    config->has_data = true;
}

static bool read_file(struct option_call *call, const char *path, struct text *ret_file)
{
    struct text why = {NULL, 0, 0};

    if (text_read_file(ret_file, path))
        return true;
    call->global->cannot_read = true;
    text_printf(&why, "cannot read '%s': %s", path, strerror(errno));
    call->error = text_take(&why);
    text_done(ret_file);
    return false;
}

static bool set_with_file(struct option_call *call, bool strip, bool joined)
{
    struct text file = {NULL, 0, 0};

    if (call->value[0] != '@') {
        add_data(call->config, call->value, strlen(call->value), joined);
        return true;
    }
    if (!read_file(call, call->value + 1, &file))
        return false;
    if (strip)
        text_strip_line_ends(&file);
    add_data(call->config, file.ptr, file.len, joined);
    text_done(&file);
    return true;
}

static bool set_data(struct option_call *call)
{
    return set_with_file(call, true, true);
}

static bool set_data_binary(struct option_call *call)
{
    return set_with_file(call, false, true);
}

/* After --status and --get-values it only says how their answer is shown. */
static bool is_json_flag(const struct config *config)
{
    return config->probe == PROBE_STATUS || config->probe == PROBE_VALUES;
}

static bool set_json(struct option_call *call)
{
    if (!call->value) {
        call->config->json_output = true;
        return true;
    }
    call->config->json = true;
    return set_with_file(call, false, false);
}

static bool set_data_raw(struct option_call *call)
{
    add_data(call->config, call->value, strlen(call->value), true);
    return true;
}

/* content, =content, name=content, @file, name@file */
static bool set_data_urlencode(struct option_call *call)
{
    const char *value = call->value;
    size_t name = strcspn(value, "=@");
    struct text encoded = {NULL, 0, 0}, file = {NULL, 0, 0};
    const char *content = value;
    size_t len = strlen(value);

    if (value[name] != '\0') {
        text_add(&encoded, value, name);
        if (name > 0)
            text_putc(&encoded, '=');
        content = value + name + 1;
        len -= name + 1;
    }
    if (value[name] == '@') {
        if (!read_file(call, content, &file)) {
            text_done(&encoded);
            return false;
        }
        content = file.ptr;
        len = file.len;
    }
    text_add_form_escaped(&encoded, content, len);
    add_data(call->config, encoded.ptr ? encoded.ptr : "", encoded.len, true);
    text_done(&encoded);
    text_done(&file);
    return true;
}

static bool add_form(struct option_call *call, bool literal)
{
    struct form_part **last = &call->config->form;

    if (!strchr(call->value, '='))
        return refuse_option(call, "expected NAME=CONTENT");
    while (*last)
        last = &(*last)->next;
    *last = must_alloc(sizeof **last);
    (*last)->spec = must_copy(call->value);
    (*last)->literal = literal;
    return true;
}

static bool set_form(struct option_call *call)
{
    return add_form(call, false);
}

static bool set_form_string(struct option_call *call)
{
    return add_form(call, true);
}

static bool set_upload_file(struct option_call *call)
{
    struct target *t = config_target_without_upload(call->config);

    t->upload = must_copy(call->value);
    t->has_upload = true;
    return true;
}

static const struct option table[] = {
    {.name = "data",
     .letter = 'd',
     .kind = OPTION_CALL,
     .set = set_data,
     .value = "data",
     .categories = CATEGORY_IMPORTANT | CATEGORY_HTTP | CATEGORY_POST | CATEGORY_UPLOAD,
     .help = "HTTP POST data",
     .man = "Sends the data as the body of a POST request, as `application/x-www-form-urlencoded` "
            "unless --header says otherwise. `@FILE` sends a file (`@-`: standard input) without "
            "its line ends. Given several times the pieces are joined with `&`."},
    {.name = "data-ascii",
     .kind = OPTION_CALL,
     .set = set_data,
     .value = "data",
     .categories = CATEGORY_HTTP | CATEGORY_POST | CATEGORY_UPLOAD,
     .help = "HTTP POST ASCII data",
     .man = "Another name for --data."},
    {.name = "data-raw",
     .kind = OPTION_CALL,
     .set = set_data_raw,
     .value = "data",
     .categories = CATEGORY_HTTP | CATEGORY_POST | CATEGORY_UPLOAD,
     .help = "HTTP POST data, '@' allowed",
     .man = "As --data, but a leading `@` has no meaning."},
    {.name = "data-binary",
     .kind = OPTION_CALL,
     .set = set_data_binary,
     .value = "data",
     .categories = CATEGORY_HTTP | CATEGORY_POST | CATEGORY_UPLOAD,
     .help = "HTTP POST binary data",
     .man = "As --data, but a file is sent byte for byte."},
    {.name = "data-urlencode",
     .kind = OPTION_CALL,
     .set = set_data_urlencode,
     .value = "data",
     .categories = CATEGORY_HTTP | CATEGORY_POST | CATEGORY_UPLOAD,
     .help = "HTTP POST data URL encoded",
     .man = "As --data with percent-encoding: `CONTENT`, `=CONTENT`, `NAME=CONTENT`, `@FILE` or "
            "`NAME@FILE`; the name is taken as it is."},
    {.name = "json",
     .kind = OPTION_CALL,
     .set = set_json,
     .value = "data",
     .is_flag = is_json_flag,
     .categories = CATEGORY_HTTP | CATEGORY_POST | CATEGORY_UPLOAD,
     .help = "HTTP POST JSON",
     .man = "As --data-binary with `Content-Type: application/json` and `Accept: "
            "application/json`; several pieces are joined with nothing between them.\n\n"
            "After --status or --get-values it takes no data and means that their answer is shown "
            "as JSON."},
    {.name = "form",
     .letter = 'F',
     .kind = OPTION_CALL,
     .set = set_form,
     .value = "name=content",
     .categories = CATEGORY_HTTP | CATEGORY_UPLOAD,
     .help = "Specify multipart MIME data",
     .man = "Sends a `multipart/form-data` body. `NAME=@FILE` uploads a file, `NAME=<FILE` takes a "
            "field's text from one; several files can follow with commas, each becomes a part of "
            "that name (RFC 7578 4.3). `;type=TYPE`, "
            "`;filename=NAME`, `;headers=@FILE` or `;headers=\"X: y\"` and `;encoder=NAME` "
            "(binary, 8bit, 7bit, base64, quoted-printable) say more. Names with commas or "
            "semicolons go in double quotes. Files are read while they are sent."},
    {.name = "form-string",
     .kind = OPTION_CALL,
     .set = set_form_string,
     .value = "name=string",
     .categories = CATEGORY_HTTP | CATEGORY_UPLOAD,
     .help = "Specify multipart MIME data",
     .man = "As --form, but `@`, `<` and `;` in the value have no meaning."},
    {.name = "form-escape",
     .kind = OPTION_FLAG,
     OF_CONFIG(form_escape),
     .categories = CATEGORY_HTTP | CATEGORY_UPLOAD,
     .help = "Escape form field and file names using backslash",
     .man = "Writes double quotes in names of --form with a backslash instead of `%22`."},
    {.name = "upload-file",
     .letter = 'T',
     .kind = OPTION_CALL,
     .set = set_upload_file,
     .value = "file",
     .categories = CATEGORY_IMPORTANT | CATEGORY_UPLOAD,
     .help = "Transfer local FILE to destination",
     .man = "Sends the file as the body of a PUT request. If the URL ends in a slash, the file's "
            "name is appended. `-` sends standard input as it comes; its length is not known, so "
            "there is no `CONTENT_LENGTH`: php-fpm cannot take that, libweir can. `.` is "
            "the same as `-`."},
};

const struct option_group options_post = GROUP("What is sent", table);
