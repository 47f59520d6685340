/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/output.c: where a response goes: the file or stdout, the headers before it, and what
 * --output-dir, --no-clobber, --continue-at and their kin make of that. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http/response.h"
#include "tools/fcurl/transfer.h"

/* ---- The file's name ------------------------------------------------------------------------- */

/* As it is in the URL, encoded: so there is no slash in it. */
static const char *remote_name(const struct transfer *t)
{
    return strrchr(t->url.path, '/') + 1;
}

static bool make_folders(struct transfer *t, char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int rc = mkdir(path, 0750);
        *slash = '/';
        if (rc != 0 && errno != EEXIST) {
            transfer_fail(t, EXIT_WRITE, "Failed to create directory for %s: %s", path,
                          strerror(errno));
            return false;
        }
    }
    return true;
}

/* A name in the folder of --output-dir; with --no-clobber one that does not exist. */
static bool set_name(struct transfer *t, const char *name)
{
    const struct config *c = t->config;
    struct text path = {NULL, 0, 0};

    if (c->output_dir)
        text_printf(&path, "%s/", c->output_dir);
    text_puts(&path, name);
    if (c->create_dirs && !make_folders(t, path.ptr)) {
        text_done(&path);
        return false;
    }
    size_t len = path.len;
    for (int i = 1; c->no_clobber && access(path.ptr, F_OK) == 0 && i < 100; i++) {
        path.len = len;
        text_printf(&path, ".%d", i);
    }
    free(t->output.name);
    t->output.name = text_take(&path);
    return true;
}

bool output_prepare(struct transfer *t)
{
    const struct config *c = t->config;
    bool remote = t->remote_name || (c->remote_name_all && !t->output_name);
    struct stat st;
    bool good = true;

    if (remote) {
        const char *name = remote_name(t);
        if (*name == '\0' && !c->remote_header_name) {
            transfer_fail(t, EXIT_WRITE, "Remote file name has no length!");
            good = false;
        } else {
            good = set_name(t, *name ? name : "fcurl_response");
        }
    } else if (t->output_name && strcmp(t->output_name, "-") != 0) {
        good = set_name(t, t->output_name);
    } else {
        t->output.is_stdout = true;
        t->output.file = stdout;
    }
    if (good && c->continue_at && !t->upload) {
        if (strcmp(c->continue_at, "-") != 0)
            t->output.resume_from = strtoull(c->continue_at, NULL, 10);
        else if (t->output.name && stat(t->output.name, &st) == 0)
            t->output.resume_from = (uint64_t)st.st_size;
        t->output.append = true;
    }
    return good;
}

/* ---- Opening and writing --------------------------------------------------------------------- */

static bool write_failed(struct transfer *t)
{
    transfer_fail(t, EXIT_WRITE, "Failure writing output to %s: %s",
                  t->output.name ? t->output.name : "destination", strerror(errno));
    return false;
}

static bool open_file(struct transfer *t)
{
    struct output *o = &t->output;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (o->append ? O_APPEND : O_TRUNC);

    if (o->file)
        return true;
    if (o->never_overwrite || t->config->no_clobber)
        flags |= o->append ? 0 : O_EXCL;
    int fd = open(o->name, flags, 0666);
    o->file = fd >= 0 ? fdopen(fd, o->append ? "a" : "w") : NULL;
    if (!o->file)
        return write_failed(t);
    o->created = true;
    return true;
}

static bool write_bytes(struct transfer *t, const char *bytes, size_t len)
{
    struct output *o = &t->output;

    if (len == 0)
        return true;
    if (!open_file(t) || fwrite(bytes, 1, len, o->file) != len)
        return t->exit_code ? false : write_failed(t);
    if ((t->config->no_buffer || (o->is_stdout && isatty(STDOUT_FILENO))) && fflush(o->file) != 0)
        return write_failed(t);
    return true;
}

static bool refuse_terminal(struct transfer *t, const char *bytes, size_t len)
{
    if (t->output.written > 0 || !t->output.is_stdout || t->output_name || !isatty(STDOUT_FILENO) ||
        !memchr(bytes, '\0', len < 2000 ? len : 2000))
        return false;
    run_warn(t->run,
             "Binary output can mess up your terminal. Use \"--output -\" to tell fcurl to "
             "output it to your terminal anyway, or consider \"--output <FILE>\" to save to "
             "a file.");
    transfer_fail(t, EXIT_WRITE, "Failure writing output to destination");
    return true;
}

bool output_body(struct transfer *t, const char *bytes, size_t len)
{
    const struct config *c = t->config;

    if (c->max_filesize && t->output.written + len > c->max_filesize) {
        transfer_fail(t, EXIT_TOO_LARGE, "Exceeded the maximum allowed file size (%llu)",
                      (unsigned long long)c->max_filesize);
        return false;
    }
    if (refuse_terminal(t, bytes, len) || !write_bytes(t, bytes, len))
        return false;
    t->output.written += len;
    return true;
}

/* ---- Headers --------------------------------------------------------------------------------- */

/* Names of headers in bold on a terminal. */
static bool write_styled(struct transfer *t, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    struct text styled = {NULL, 0, 0};

    if (!t->run->global->styled_output || !colon || !t->output.is_stdout || !isatty(STDOUT_FILENO))
        return write_bytes(t, line, len);
    text_printf(&styled, "\033[1m%.*s\033[0m", (int)(colon - line), line);
    text_add(&styled, colon, (size_t)(line + len - colon));
    bool good = write_bytes(t, styled.ptr, styled.len);
    text_done(&styled);
    return good;
}

static bool put_line(struct transfer *t, const struct text *line)
{
    t->header_size += line->len;
    trace_head_line(t, line->ptr, line->len);
    if (t->output.headers && fwrite(line->ptr, 1, line->len, t->output.headers) != line->len) {
        transfer_fail(t, EXIT_WRITE, "Failure writing headers to %s", t->config->dump_header);
        return false;
    }
    return !(t->config->include || t->head) || write_styled(t, line->ptr, line->len);
}

/* The name in Content-Disposition (RFC 6266), without any folder; NULL: none. */
static char *disposition_name(const char *field)
{
    const char *p = strcasestr(field, "filename=");
    struct text name = {NULL, 0, 0};

    if (!p)
        return NULL;
    p += strlen("filename=");
    if (*p == '"') {
        for (p++; *p && *p != '"'; p++) {
            if (*p == '\\' && p[1])
                p++;
            text_putc(&name, *p);
        }
    } else {
        text_add(&name, p, strcspn(p, "; \t"));
    }
    char *full = text_take(&name);
    const char *base = full + strlen(full);
    while (base > full && base[-1] != '/' && base[-1] != '\\')
        base--;
    char *plain = must_copy(base);
    free(full);
    if (*plain == '\0' || strcmp(plain, ".") == 0 || strcmp(plain, "..") == 0) {
        free(plain);
        return NULL;
    }
    return plain;
}

static bool take_disposition(struct transfer *t, const char *value)
{
    char *name = t->config->remote_header_name && t->output.name && !t->output.file
                     ? disposition_name(value)
                     : NULL;
    bool good = !name || set_name(t, name);

    if (name && good)
        t->output.never_overwrite = true;
    free(name);
    return good;
}

static bool save_etag(struct transfer *t, weir_str value)
{
    FILE *file = run_open(t->run, t->config->etag_save);
    bool good = file && fprintf(file, "%.*s\n", (int)value.len, value.ptr) > 0;

    if (file && file != stdout)
        good = fclose(file) == 0 && good;
    if (!good)
        transfer_fail(t, EXIT_WRITE, "Failed to write the ETag to %s", t->config->etag_save);
    return good;
}

static bool take_field(struct transfer *t, weir_str name, weir_str value)
{
    if (strcasecmp(name.ptr, "set-cookie") == 0 && t->run->cookies.on)
        (void)cookies_receive(&t->run->cookies, &t->url, value.ptr);
    if (strcasecmp(name.ptr, "content-disposition") == 0)
        return take_disposition(t, value.ptr);
    if (strcasecmp(name.ptr, "etag") == 0 && t->config->etag_save && t->status < 300)
        return save_etag(t, value);
    return true;
}

bool output_head(struct transfer *t)
{
    struct text line = {NULL, 0, 0};
    weir_str name, value;
    const char *reason = weir_client_reason(t->request);
    bool good = true;

    if (t->config->dump_header && !t->output.headers) {
        t->output.headers = run_open(t->run, t->config->dump_header);
        if (!t->output.headers) {
            transfer_fail(t, EXIT_WRITE, "Failed to open %s: %s", t->config->dump_header,
                          strerror(errno));
            return false;
        }
    }
    weir_str phrase = http_reason_phrase((unsigned)t->status);
    if (*reason)
        text_printf(&line, "HTTP/1.1 %d %s\r\n", t->status, reason);
    else
        text_printf(&line, "HTTP/1.1 %d %.*s\r\n", t->status, (int)phrase.len, phrase.ptr);
    /* What decides about the file's name must be known before the first byte is written. */
    for (size_t i = 0; good && weir_client_field_at(t->request, i, &name, &value); i++)
        good = take_field(t, name, value);
    good = good && put_line(t, &line);
    for (size_t i = 0; good && weir_client_field_at(t->request, i, &name, &value); i++) {
        line.len = 0;
        text_printf(&line, "%s: %s\r\n", name.ptr, value.ptr);
        good = put_line(t, &line);
        t->field_count++;
    }
    line.len = 0;
    text_puts(&line, "\r\n");
    good = good && put_line(t, &line);
    text_done(&line);
    return good;
}

/* ---- The end --------------------------------------------------------------------------------- */

static void set_remote_time(struct transfer *t)
{
    const char *field = t->request ? weir_client_field(t->request, "Last-Modified") : NULL;
    int64_t when = field ? cookies_parse_date(field) : -1;
    struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};

    if (when >= 0 && t->output.name && utimensat(AT_FDCWD, t->output.name, times, 0) != 0)
        run_warn(t->run, "Failed to set the time of %s: %s", t->output.name, strerror(errno));
}

bool output_finish(struct transfer *t)
{
    struct output *o = &t->output;

    if (t->config->dry_run)
        return true;
    /* An empty response is an empty file, but 304 means that the file there is has it all. */
    if (!o->is_stdout && !o->file && t->status != 304 && !t->is_unmodified && !open_file(t))
        return false;
    if (o->file && fflush(o->file) != 0)
        return write_failed(t);
    if (t->config->remote_time && o->file)
        set_remote_time(t);
    return true;
}

void output_restart(struct transfer *t)
{
    struct output *o = &t->output;

    if (o->file && !o->is_stdout) {
        fflush(o->file);
        if (ftruncate(fileno(o->file), (off_t)o->resume_from) == 0)
            rewind(o->file);
    }
    o->written = 0;
    t->header_size = 0;
    t->field_count = 0;
}

void output_close(struct transfer *t)
{
    struct output *o = &t->output;

    if (o->file && !o->is_stdout)
        fclose(o->file);
    else if (o->file)
        fflush(o->file);
    if (o->headers && o->headers != stdout)
        fclose(o->headers);
    o->file = o->headers = NULL;
    if (t->exit_code && t->config->remove_on_error && o->created && o->name && unlink(o->name) == 0)
        run_warn(t->run, "Removed output file: %s", o->name);
}
