/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_output.c: where the response goes, and what counts as failure. */
#include <errno.h>

#include "tools/fcurl/table.h"

static bool set_output(struct option_call *call)
{
    struct target *t;

    if (call->value[0] == '\0')
        return refuse_option(call, "the file's name is empty");
    t = config_target_without_output(call->config);
    t->output = must_copy(call->value);
    t->has_output = true;
    return true;
}

static bool set_remote_name(struct option_call *call)
{
    struct target *t = config_target_without_output(call->config);

    t->remote_name = call->on;
    t->has_output = true;
    return true;
}

/* "@FILE" reads the format from a file; its line ends are not part of it. */
static bool set_write_out(struct option_call *call)
{
    struct text file = {NULL, 0, 0};

    free(call->config->write_out);
    call->config->write_out = NULL;
    if (call->value[0] != '@') {
        call->config->write_out = must_copy(call->value);
        return true;
    }
    if (!text_read_file(&file, call->value + 1)) {
        text_done(&file);
        return refuse_unreadable(call);
    }
    text_strip_line_ends(&file);
    call->config->write_out = text_take(&file);
    return true;
}

static bool set_no_buffer(struct option_call *call)
{
    call->config->no_buffer = !call->on;
    return true;
}

/* Of these two the last one counts. */
static bool set_fail(struct option_call *call)
{
    call->config->fail = call->on;
    call->config->fail_with_body = false;
    return true;
}

static bool set_fail_with_body(struct option_call *call)
{
    call->config->fail_with_body = call->on;
    call->config->fail = false;
    return true;
}

static bool set_no_clobber(struct option_call *call)
{
    call->config->no_clobber = !call->on;
    return true;
}

static const struct option table[] = {
    {.name = "output",
     .letter = 'o',
     .kind = OPTION_CALL,
     .set = set_output,
     .value = "file",
     .categories = CATEGORY_IMPORTANT | CATEGORY_OUTPUT,
     .help = "Write to file instead of stdout",
     .man = "Writes the body to the file. `#1`, `#2` stand for what the URL's first and second "
            "braces or brackets were replaced with. `-` is stdout. The first one belongs to the "
            "first URL, the second to the second."},
    {.name = "remote-name",
     .letter = 'O',
     .kind = OPTION_CALL,
     .set = set_remote_name,
     .categories = CATEGORY_IMPORTANT | CATEGORY_OUTPUT,
     .help = "Write output to a file named as the remote file",
     .man = "Writes the body to a file named like the last part of the URL's path, in the current "
            "folder or --output-dir."},
    {.name = "remote-name-all",
     .kind = OPTION_FLAG,
     OF_CONFIG(remote_name_all),
     .categories = CATEGORY_OUTPUT,
     .help = "Use the remote file name for all URLs",
     .man = "As if --remote-name were given for each URL that has no --output."},
    {.name = "remote-header-name",
     .letter = 'J',
     .kind = OPTION_FLAG,
     OF_CONFIG(remote_header_name),
     .categories = CATEGORY_OUTPUT,
     .help = "Use the header-provided filename",
     .man = "With --remote-name, the name in the response's Content-Disposition is used, without "
            "any folder in it. An existing file is not overwritten."},
    {.name = "remote-time",
     .letter = 'R',
     .kind = OPTION_FLAG,
     OF_CONFIG(remote_time),
     .categories = CATEGORY_OUTPUT,
     .help = "Set the remote file's time on the local output",
     .man = "Gives the output file the time of the response's Last-Modified."},
    {.name = "output-dir",
     .kind = OPTION_STRING,
     OF_CONFIG(output_dir),
     .value = "dir",
     .categories = CATEGORY_OUTPUT,
     .help = "Directory to save files in",
     .man = "Where --output and --remote-name put their files."},
    {.name = "create-dirs",
     .kind = OPTION_FLAG,
     OF_CONFIG(create_dirs),
     .categories = CATEGORY_OUTPUT,
     .help = "Create necessary local directory hierarchy",
     .man = "Makes the folders of --output and --output-dir that do not exist."},
    {.name = "clobber",
     .kind = OPTION_CALL,
     .set = set_no_clobber,
     .categories = CATEGORY_OUTPUT,
     .help = "Overwrite files that exist (--no-clobber: do not)",
     .man = "`--no-clobber` never overwrites an existing file: a number is appended to the name."},
    {.name = "remove-on-error",
     .kind = OPTION_FLAG,
     OF_CONFIG(remove_on_error),
     .categories = CATEGORY_OUTPUT,
     .help = "Remove output file on errors",
     .man = "Removes the output file if the transfer fails."},
    {.name = "buffer",
     .letter = 'N',
     .letter_is_off = true,
     .kind = OPTION_CALL,
     .set = set_no_buffer,
     .categories = CATEGORY_OUTPUT,
     .help = "Disable buffering of the output stream",
     .man = "`--no-buffer` (-N) writes everything as soon as it comes."},
    {.name = "include",
     .letter = 'i',
     .kind = OPTION_FLAG,
     OF_CONFIG(include),
     .categories = CATEGORY_IMPORTANT | CATEGORY_VERBOSE | CATEGORY_OUTPUT,
     .help = "Include protocol response headers in the output",
     .man = "Writes the response's header before the body. The first line is what an HTTP/1.1 "
            "client would see: `HTTP/1.1`, status and reason."},
    {.name = "dump-header",
     .letter = 'D',
     .kind = OPTION_STRING,
     OF_CONFIG(dump_header),
     .value = "filename",
     .categories = CATEGORY_HTTP | CATEGORY_OUTPUT,
     .help = "Write the received headers to <filename>",
     .man = "Writes the response's header to the file; `-` is stdout."},
    {.name = "max-filesize",
     .kind = OPTION_BYTES,
     OF_CONFIG(max_filesize),
     .value = "bytes",
     .categories = CATEGORY_CONNECTION | CATEGORY_OUTPUT,
     .help = "Maximum file size to download",
     .man = "Exit code 63 if the body is larger: before it is read if Content-Length says so."},
    {.name = "fail",
     .letter = 'f',
     .kind = OPTION_CALL,
     .set = set_fail,
     .categories = CATEGORY_IMPORTANT | CATEGORY_HTTP,
     .help = "Fail fast with no output on HTTP errors",
     .man = "With a status of 400 or above fcurl writes no body and ends with exit code 22."},
    {.name = "fail-with-body",
     .kind = OPTION_CALL,
     .set = set_fail_with_body,
     .categories = CATEGORY_HTTP | CATEGORY_OUTPUT,
     .help = "Fail on HTTP errors but save the body",
     .man = "With a status of 400 or above the exit code is 22; the body is written all the "
            "same."},
    {.name = "write-out",
     .letter = 'w',
     .kind = OPTION_CALL,
     .set = set_write_out,
     .value = "format",
     .categories = CATEGORY_VERBOSE,
     .help = "Use output FORMAT after completion",
     .man = "Printed to stdout when a transfer has ended; see WRITE-OUT for the variables. "
            "`@FILE` reads the format from a file."},
};

const struct option_group options_output = GROUP("Output", table);
