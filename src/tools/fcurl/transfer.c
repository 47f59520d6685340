/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/transfer.c: the life of one transfer.
 *
 *     start -> attempt -> (callbacks of the client) -> over -> redirect or retry: attempt again
 *                                                          \-> done
 *
 * Whatever ends an attempt, transfer_fail included, only notes it and wakes end_attempt, which runs
 * from the loop: nothing is freed under a callback. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/fcurl/transfer.h"

enum { TICK_MS = 50 };

static void start_attempt(struct transfer *t);
static void on_tick(uv_timer_t *timer);

double transfer_seconds(const struct transfer *t)
{
    return (double)(uv_hrtime() - t->started_ns) / 1e9;
}

/* While there is a connection. */
static void note_addresses(struct transfer *t)
{
    if (!t->request || !t->config->write_out)
        return;
    (void)weir_client_local_address(t->request, t->local.host, sizeof t->local.host,
                                    &t->local.port);
    (void)weir_client_remote_address(t->request, t->remote.host, sizeof t->remote.host,
                                     &t->remote.port);
}

/* ---- Ending ---------------------------------------------------------------------------------- */

static void note_stats(struct transfer *t)
{
    double base = (double)(t->attempt_ns - t->started_ns) / 1e9;
    weir_client_stats *s = &t->stats;

    t->times.total = transfer_seconds(t);
    if (!t->request)
        return;
    weir_client_stats_get(t->request, s, sizeof *s);
    t->app_status = weir_client_app_status(t->request);
    t->protocol_status = weir_client_protocol_status(t->request);
    t->times.namelookup = s->connect_start_ns ? base + (double)s->connect_start_ns / 1e9 : 0;
    t->times.connect = s->connect_end_ns ? base + (double)s->connect_end_ns / 1e9 : 0;
    t->times.pretransfer = t->times.connect;
    t->times.params = t->times.connect;
    t->times.starttransfer = s->first_byte_ns ? base + (double)s->first_byte_ns / 1e9 : 0;
    t->times.end_request =
        s->end_ns && t->protocol_status >= 0 ? base + (double)s->end_ns / 1e9 : 0;
}

static void stop_input(struct transfer *t)
{
    if (t->input_open && !uv_is_closing((uv_handle_t *)&t->input))
        (void)uv_poll_stop(&t->input);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct transfer *t = handle->data;

    if (--t->handles_closing == 0)
        run_transfer_done(t);
}

static void close_handle(struct transfer *t, uv_handle_t *handle)
{
    t->handles_closing++;
    handle->data = t;
    uv_close(handle, on_handle_closed);
}

/* For good. */
static void finish(struct transfer *t)
{
    struct run *run = t->run;

    if (t->exit_code && t->error && (!run->global->silent || run->global->show_error))
        fprintf(run->err, "fcurl: (%d) %s\n", t->exit_code, t->error);
    output_close(t);
    if (t->config->write_out)
        writeout_print(t, t->config->write_out);
    t->request = weir_client_request_free(t->request);
    close_handle(t, (uv_handle_t *)&t->timer);
    close_handle(t, (uv_handle_t *)&t->tick);
    close_handle(t, (uv_handle_t *)&t->wake);
    if (t->input_open)
        close_handle(t, (uv_handle_t *)&t->input);
}

static void on_again(uv_timer_t *timer)
{
    start_attempt(timer->data);
}

/* The failures that only FastCGI has, and those that were asked for. */
static void judge(struct transfer *t)
{
    const struct config *c = t->config;

    if (t->exit_code)
        return;
    if (c->fail_with_body && t->status >= 400)
        transfer_fail(t, EXIT_HTTP_ERROR, "The requested URL returned error: %d", t->status);
    else if (c->fail_app_status && t->app_status != 0)
        transfer_fail(t, EXIT_APP_STATUS, "The application ended with appStatus %u", t->app_status);
    else if (c->stderr_fail && t->stderr_seen)
        transfer_fail(t, EXIT_STDERR, "The application wrote to its standard error");
}

static void on_attempt_over(uv_timer_t *timer)
{
    struct transfer *t = timer->data;
    double delay;

    (void)uv_timer_stop(&t->wake);
    (void)uv_timer_stop(&t->tick);
    stop_input(t);
    t->is_over = true;
    note_stats(t);
    if (t->in_progress)
        progress_show(t->run, true);
    t->in_progress = false;
    judge(t);
    if (follow_next(t, &delay)) {
        t->request = weir_client_request_free(t->request);
        free(t->error);
        t->error = NULL;
        t->exit_code = 0;
        if (delay > 0) {
            (void)uv_timer_stop(&t->timer);
            t->restarts_clock = true;
        }
        (void)uv_timer_start(&t->wake, on_again, (uint64_t)(delay * 1000), 0);
        return;
    }
    if (t->exit_code == 0)
        (void)output_finish(t);
    finish(t);
}

static void end_attempt(struct transfer *t)
{
    if (!t->is_over && !t->is_ending) {
        t->is_ending = true;
        (void)uv_timer_start(&t->wake, on_attempt_over, 0, 0);
    }
}

/* The first one is what happened. */
__attribute__((format(printf, 3, 0))) static void note(struct transfer *t, int exit_code,
                                                       const char *format, va_list args)
{
    char line[2048];

    if (t->exit_code)
        return;
    vsnprintf(line, sizeof line, format, args);
    t->exit_code = exit_code;
    t->error = must_copy(line);
}

void transfer_note(struct transfer *t, int exit_code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(t, exit_code, format, args);
    va_end(args);
}

void transfer_fail(struct transfer *t, int exit_code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    note(t, exit_code, format, args);
    va_end(args);
    if (!t->is_started)
        return;
    note_addresses(t);
    if (t->request && !t->is_over)
        weir_client_abort(t->request);
    end_attempt(t);
}

/* ---- What ended it, in curl's numbers -------------------------------------------------------- */

int transfer_exit_code(int error)
{
    static const struct {
        int error, exit_code;
    } codes[] = {
        {WEIR_ERROR_ADDRESS, EXIT_RESOLVE},
        {WEIR_ERROR_CONNECT, EXIT_CONNECT},
        {WEIR_ERROR_TIMEOUT, EXIT_TIMEOUT},
        {WEIR_ERROR_OVERLOADED, EXIT_OVERLOADED},
        {WEIR_ERROR_CANT_MPX, EXIT_CANT_MPX},
        {WEIR_ERROR_UNKNOWN_ROLE, EXIT_UNKNOWN_ROLE},
        {WEIR_ERROR_CLOSED, EXIT_NOTHING},
        {WEIR_ERROR_TRUNCATED, EXIT_PARTIAL},
        {WEIR_ERROR_CONTENT_LENGTH, EXIT_PARTIAL},
        {WEIR_ERROR_RESPONSE, EXIT_WEIRD},
        {WEIR_ERROR_VERSION_FIELD, EXIT_WEIRD},
        {WEIR_ERROR_RECORD_TYPE, EXIT_WEIRD},
        {WEIR_ERROR_HANDSHAKE, EXIT_TLS_CONNECT},
        {WEIR_ERROR_CERTIFICATE, EXIT_TLS_PEER},
        {WEIR_ERROR_RECORD_ID, EXIT_WEIRD},
        {WEIR_ERROR_RECORD_LENGTH, EXIT_WEIRD},
        {WEIR_ERROR_STREAM_ORDER, EXIT_WEIRD},
        {WEIR_ERROR_PROTOCOL, EXIT_WEIRD},
        {WEIR_ERROR_SHORT_BODY, EXIT_READ},
        {WEIR_ERROR_NOMEM, EXIT_NO_MEMORY},
        {WEIR_ERROR_LIMIT, EXIT_USAGE},
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].error == error)
            return codes[i].exit_code;
    return EXIT_RECEIVE;
}

bool transfer_is_late(double passed, double limit)
{
    return passed >= limit - fmin(0.01, limit / 10);
}

static void report(struct transfer *t, int error)
{
    double passed = (double)(uv_hrtime() - t->attempt_ns) / 1e9, limit = t->config->connect_timeout;

    if (error == WEIR_ERROR_CONNECT && limit > 0 && transfer_is_late(passed, limit))
        transfer_fail(t, EXIT_TIMEOUT, "Connection timed out after %.0f milliseconds: %s",
                      passed * 1000, weir_client_request_error(t->request));
    /* With TLS 1.3 a server may complain about our certificate after the handshake. */
    if (error == WEIR_ERROR_PROTOCOL && strncmp(t->server, "fcgis:", 6) == 0)
        transfer_fail(t, EXIT_RECEIVE, "%s", weir_client_request_error(t->request));
    transfer_fail(t, transfer_exit_code(error), "%s", weir_client_request_error(t->request));
}

/* ---- Callbacks: the response ----------------------------------------------------------------- */

static struct transfer *transfer_of(void *arg)
{
    return arg;
}

static void on_interim(weir_client_request *r, void *arg)
{
    struct transfer *t = transfer_of(arg);

    t->status = weir_client_status(r);
    (void)output_head(t);
}

static void note_location(struct transfer *t)
{
    const char *location = weir_client_field(t->request, "Location");
    struct url url;

    free(t->redirect_to);
    t->redirect_to = NULL;
    if (!location || t->status < 201 || t->status > 399)
        return;
    if (url_resolve(&url, &t->url, location) == NULL) {
        t->redirect_to = url_format(&url);
        url_done(&url);
    } else {
        t->redirect_to = must_copy(location);
    }
}

static void note_retry_after(struct transfer *t)
{
    const char *field = weir_client_field(t->request, "Retry-After");
    int64_t date;

    t->retry_after = 0;
    if (!field || option_parse_seconds(field, &t->retry_after))
        return;
    date = cookies_parse_date(field);
    if (date > 0)
        t->retry_after = fmax(0, (double)(date - (int64_t)time(NULL)));
}

static bool check_resume(struct transfer *t)
{
    if (t->output.resume_from == 0 || t->upload || t->status == 206 || t->ignores_body)
        return true;
    if (t->status == 416) { /* nothing is missing */
        t->ignores_body = true;
        return true;
    }
    if (t->status >= 400)
        return true;
    transfer_fail(t, EXIT_RANGE,
                  "HTTP server does not seem to support byte ranges. Cannot resume.");
    return false;
}

/* A server that does not know conditions sends everything: what --time-cond does not want is then
 * dropped here. */
static void check_time_condition(struct transfer *t)
{
    const char *field = weir_client_field(t->request, "Last-Modified");
    int64_t modified = field ? cookies_parse_date(field) : -1;
    bool wants_older = t->config->time_condition && t->config->time_condition[0] == '-';

    if (t->condition_time < 0 || modified < 0 || t->status >= 300)
        return;
    if (wants_older ? modified < t->condition_time : modified > t->condition_time)
        return;
    trace_info(t, "The requested document is not %s enough", wants_older ? "old" : "new");
    t->is_unmodified = t->ignores_body = true;
}

static bool check_size(struct transfer *t)
{
    const char *field = weir_client_field(t->request, "Content-Length");
    uint64_t max = t->config->max_filesize;

    t->content_length = field ? strtoll(field, NULL, 10) : -1;
    if (max == 0 || t->content_length < 0 || (uint64_t)t->content_length <= max || t->ignores_body)
        return true;
    transfer_fail(t, EXIT_TOO_LARGE, "Maximum file size exceeded");
    return false;
}

static bool open_decoder(struct transfer *t)
{
    const char *coding = weir_client_field(t->request, "Content-Encoding");

    if (!t->config->compressed || !coding || t->head)
        return true;
    if (decoder_new(&t->decoder, coding))
        return true;
    transfer_fail(t, EXIT_ENCODING,
                  "Unrecognized content encoding type. fcurl understands %s "
                  "content encodings.",
                  decoder_codings);
    return false;
}

static void on_head(weir_client_request *r, void *arg)
{
    struct transfer *t = transfer_of(arg);

    t->head_done = true;
    note_addresses(t);
    t->status = weir_client_status(r);
    note_location(t);
    note_retry_after(t);
    t->ignores_body = t->head || follow_wanted(t);
    if (t->config->fail && t->status >= 400) {
        (void)output_head(t);
        transfer_fail(t, EXIT_HTTP_ERROR, "The requested URL returned error: %d", t->status);
        return;
    }
    check_time_condition(t);
    (void)(output_head(t) && check_resume(t) && check_size(t) && open_decoder(t));
}

/* How many bytes may have passed by now with --limit-rate. */
static uint64_t allowed_bytes(const struct transfer *t)
{
    double seconds = (double)(uv_hrtime() - t->attempt_ns) / 1e9;
    double bytes = (seconds + 0.1) * (double)t->config->limit_rate + 1;

    return bytes < 1e19 ? (uint64_t)bytes : UINT64_MAX;
}

static void abort_if_due(struct transfer *t)
{
    const struct config *c = t->config;
    double passed = (double)(uv_hrtime() - t->attempt_ns) / 1e9;

    if (t->aborting || !((c->abort_after_seconds >= 0 && passed >= c->abort_after_seconds) ||
                         (c->has_abort_after_bytes && t->received >= c->abort_after_bytes)))
        return;
    t->aborting = true;
    trace_info(t, "Sending FCGI_ABORT_REQUEST");
    weir_client_cancel(t->request);
}

static void on_body(weir_client_request *r, weir_str data, void *arg)
{
    struct transfer *t = transfer_of(arg);
    bool good;

    t->received += data.len;
    if (t->exit_code || t->ignores_body)
        return;
    good = t->decoder ? decoder_feed(t->decoder, t, data.ptr, data.len, output_body)
                      : output_body(t, data.ptr, data.len);
    if (!good) {
        transfer_fail(t, EXIT_ENCODING, "The response's content coding is broken");
        return;
    }
    if (t->config->limit_rate && t->received > allowed_bytes(t) && !t->is_paused) {
        t->is_paused = true;
        weir_client_pause(r);
    }
    abort_if_due(t);
}

/* ---- Callbacks: STDERR, the end ---------------------------------------------------------------
 */

static void put_marked(struct transfer *t, FILE *out, weir_str data)
{
    for (size_t i = 0; i < data.len; i++) {
        if (t->at_line_start)
            fputs("[stderr] ", out);
        t->at_line_start = data.ptr[i] == '\n';
        fputc(data.ptr[i], out);
    }
}

static void on_error_output(weir_client_request *r, weir_str data, void *arg)
{
    struct transfer *t = transfer_of(arg);
    const struct config *c = t->config;
    FILE *out = t->run->err;

    (void)r;
    t->stderr_seen = true;
    t->stderr_size += data.len;
    if (c->fcgi_stderr)
        out = run_open(t->run, c->fcgi_stderr);
    else if (t->run->global->silent && !c->stderr_mark)
        return;
    if (!out) {
        transfer_fail(t, EXIT_WRITE, "Failed to open %s: %s", c->fcgi_stderr, strerror(errno));
        return;
    }
    if (c->stderr_mark)
        put_marked(t, out, data);
    else
        fwrite(data.ptr, 1, data.len, out);
    if (out != t->run->err && out != stdout)
        fclose(out);
}

static void on_done(weir_client_request *r, int error, void *arg)
{
    static const char *const statuses[] = {"REQUEST_COMPLETE", "CANT_MPX_CONN", "OVERLOADED",
                                           "UNKNOWN_ROLE"};
    struct transfer *t = transfer_of(arg);
    int status = weir_client_protocol_status(r);

    if (status >= 0)
        trace_info(t, "END_REQUEST: appStatus %u, %s", weir_client_app_status(r),
                   statuses[status & 3]);
    if (error == WEIR_ERROR_CANCELLED && t->aborting)
        error = 0;
    if (error != 0)
        report(t, error);
    else if (t->decoder && !decoder_is_complete(t->decoder) && !t->aborting)
        transfer_fail(t, EXIT_ENCODING, "The compressed response broke off");
    end_attempt(t);
}

/* ---- The body that is sent ------------------------------------------------------------------- */

static void on_input_ready(uv_poll_t *poll, int status, int events)
{
    struct transfer *t = poll->data;

    (void)status;
    (void)events;
    (void)uv_poll_stop(poll);
    if (t->request && !t->is_ending)
        weir_client_continue(t->request);
}

static int wait_for_input(struct transfer *t)
{
    if (!t->input_open) {
        int fd = body_fd(t->body), flags = fcntl(fd, F_GETFL);
        if (uv_poll_init(&t->run->loop, &t->input, fd) != 0) {
            transfer_fail(t, EXIT_READ, "Failed to wait for what is to be sent");
            return WEIR_ERROR_SYSTEM;
        }
        /* It is shared with other programs, a terminal with our own output too: it must not stay
         * non-blocking. */
        (void)fcntl(fd, F_SETFL, flags);
        t->input.data = t;
        t->input_open = true;
    }
    (void)uv_poll_start(&t->input, UV_READABLE, on_input_ready);
    return WEIR_ERROR_AGAIN;
}

static int body_source(weir_client_request *r, void *out, size_t room, void *arg)
{
    struct transfer *t = transfer_of(arg);

    (void)r;
    if (t->config->limit_rate && t->uploaded > allowed_bytes(t)) {
        t->source_waits = true;
        return WEIR_ERROR_AGAIN;
    }
    ssize_t n = body_read(t->body, out, room < INT32_MAX ? room : INT32_MAX);
    if (n == BODY_WAIT)
        return wait_for_input(t);
    if (n < 0) {
        transfer_fail(t, EXIT_READ, "Failed to read what is to be sent: %s", strerror(errno));
        return WEIR_ERROR_SYSTEM;
    }
    t->uploaded += (uint64_t)n;
    return (int)n;
}

/* The file of a Filter. */
static int data_source(weir_client_request *r, void *out, size_t room, void *arg)
{
    struct transfer *t = transfer_of(arg);

    (void)r;
    ssize_t n = body_read(t->data, out, room < INT32_MAX ? room : INT32_MAX);
    if (n >= 0)
        return (int)n;
    transfer_fail(t, EXIT_READ, "Failed to read %s: %s", t->config->data_stream, strerror(errno));
    return WEIR_ERROR_SYSTEM;
}

static bool set_data_stream(struct transfer *t)
{
    const char *path = t->config->data_stream;
    struct stat st;

    if (!path)
        return true;
    if (t->config->role != ROLE_FILTER) {
        transfer_fail(t, EXIT_USAGE, "--data-stream is for a Filter: --role filter");
        return false;
    }
    t->data = body_of_file(path, 0);
    if (!t->data || stat(path, &st) != 0 || body_length(t->data) < 0) {
        transfer_fail(t, EXIT_READ, "Can't open '%s'!", path);
        return false;
    }
    int rc = weir_client_data_source(t->request, body_length(t->data), st.st_mtime, data_source, t);
    if (rc != 0)
        transfer_fail(t, transfer_exit_code(rc), "%s", weir_client_request_error(t->request));
    return rc == 0;
}

/* ---- The clock ------------------------------------------------------------------------------- */

static void on_max_time(uv_timer_t *timer)
{
    struct transfer *t = timer->data;

    if (t->content_length > 0)
        transfer_fail(t, EXIT_TIMEOUT,
                      "Operation timed out after %.0f milliseconds with %llu out of %lld bytes "
                      "received",
                      transfer_seconds(t) * 1000, (unsigned long long)t->received,
                      (long long)t->content_length);
    else
        transfer_fail(t, EXIT_TIMEOUT,
                      "Operation timed out after %.0f milliseconds with %llu bytes received",
                      transfer_seconds(t) * 1000, (unsigned long long)t->received);
}

/* The loop's time is whole milliseconds, and of its last turn: never early is one more. */
static void start_clock(struct transfer *t)
{
    if (t->config->max_time <= 0)
        return;
    uv_update_time(&t->run->loop);
    (void)uv_timer_start(&t->timer, on_max_time, (uint64_t)ceil(t->config->max_time * 1000) + 1, 0);
}

/* --speed-limit: the average of the time that it is too slow for. */
static void check_speed(struct transfer *t)
{
    const struct config *c = t->config;
    uint64_t limit = c->speed_limit ? c->speed_limit : 1, now = uv_hrtime();
    uint64_t seconds = c->speed_time ? c->speed_time : 30;
    uint64_t bytes = t->received + t->uploaded;
    double enough = (double)limit * (double)seconds;

    if (!c->speed_limit && !c->speed_time)
        return;
    if (t->slow_since_ns == 0 || (double)(bytes - t->slow_bytes) >= enough) {
        t->slow_since_ns = now;
        t->slow_bytes = bytes;
    } else if ((double)(now - t->slow_since_ns) >= (double)seconds * 1e9) {
        transfer_fail(t, EXIT_TIMEOUT,
                      "Operation too slow. Less than %llu bytes/sec transferred the last %llu "
                      "seconds",
                      (unsigned long long)limit, (unsigned long long)seconds);
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct transfer *t = timer->data;

    progress_show(t->run, false);
    if (!t->request || t->is_ending)
        return;
    abort_if_due(t);
    check_speed(t);
    if (t->is_ending || !t->config->limit_rate)
        return;
    if (t->is_paused && t->received <= allowed_bytes(t)) {
        t->is_paused = false;
        weir_client_resume(t->request);
    }
    if (t->source_waits && t->uploaded <= allowed_bytes(t)) {
        t->source_waits = false;
        weir_client_continue(t->request);
    }
}

/* ---- An attempt ------------------------------------------------------------------------------ */

static void print_params(struct transfer *t)
{
    for (size_t i = 0; i < t->sent.count; i++)
        puts(t->sent.at[i]);
    end_attempt(t);
}

static void reset_attempt(struct transfer *t)
{
    t->is_over = t->is_ending = t->head_done = t->is_paused = t->ignores_body = false;
    t->aborting = t->source_waits = t->is_unmodified = false;
    t->condition_time = -1;
    t->at_line_start = true;
    t->status = 0;
    t->content_length = -1;
    t->received = t->uploaded = 0;
    t->slow_since_ns = t->slow_bytes = 0;
    t->stderr_size = 0;
    t->app_status = 0;
    t->protocol_status = -1;
    t->stats = (weir_client_stats){.request_id = 0};
    decoder_free(t->decoder);
    t->decoder = NULL;
    body_free(t->data);
    t->data = NULL;
    t->attempt_ns = uv_hrtime();
}

static bool make_request(struct transfer *t)
{
    t->client = run_client(t);
    if (!t->client)
        return false;
    if (writeout_needs_values(t->config->write_out))
        t->values = health_values(t);
    t->request = weir_client_request_new(t->client, (weir_role)t->config->role);
    if (!t->request) {
        transfer_fail(t, EXIT_NO_MEMORY, "Out of memory");
        return false;
    }
    if (!request_params(t))
        return false;
    (void)weir_client_keep_conn(t->request, t->config->keep_conn);
    if (t->body)
        (void)weir_client_body_source(t->request, body_length(t->body), body_source, t);
    return set_data_stream(t);
}

static void start_attempt(struct transfer *t)
{
    static const weir_client_callbacks callbacks = {
        .size = sizeof callbacks,
        .interim = on_interim,
        .head = on_head,
        .body = on_body,
        .error_output = on_error_output,
        .done = on_done,
    };

    reset_attempt(t);
    if (t->restarts_clock) {
        t->restarts_clock = false;
        t->started_ns = t->attempt_ns;
        start_clock(t);
    }
    if (t->config->dry_run) {
        if (request_params(t))
            print_params(t);
        return;
    }
    if (!make_request(t))
        return;
    trace_info(t, "Asking %s", weir_client_url(t->client));
    trace_params(t);
    int rc = weir_client_start(t->request, &callbacks, t);
    if (rc != 0) {
        report(t, rc);
        return;
    }
    t->in_progress = true;
    (void)uv_timer_start(&t->tick, on_tick, TICK_MS, TICK_MS);
}

void transfer_start(struct transfer *t)
{
    uv_loop_t *loop = &t->run->loop;
    const char *why;

    t->is_started = true;
    (void)uv_timer_init(loop, &t->timer);
    (void)uv_timer_init(loop, &t->tick);
    (void)uv_timer_init(loop, &t->wake);
    t->timer.data = t->tick.data = t->wake.data = t;
    t->started_ns = t->first_ns = t->attempt_ns = uv_hrtime();
    why = url_parse(&t->url, t->url_text, t->config->path_as_is);
    if (why) {
        transfer_fail(t, strcmp(why, "Unsupported URL scheme") == 0 ? EXIT_PROTOCOL : EXIT_URL,
                      "%s", why);
        return;
    }
    t->first_site = url_site(&t->url);
    t->is_first_site = true;
    if (!request_prepare(t) || !output_prepare(t))
        return;
    t->is_prepared = true;
    start_clock(t);
    start_attempt(t);
}

/* ---- Life ------------------------------------------------------------------------------------ */

struct transfer *transfer_new(struct run *run, struct config *config, char *url, char *output,
                              char *upload, bool remote_name)
{
    struct transfer *t = must_alloc(sizeof *t);

    t->run = run;
    t->config = config;
    t->url_text = url;
    t->output_name = output;
    t->upload = upload;
    t->remote_name = remote_name;
    t->content_length = -1;
    t->protocol_status = -1;
    t->condition_time = -1;
    t->values = (weir_web_values){-1, -1, -1};
    return t;
}

void transfer_free(struct transfer *t)
{
    url_done(&t->url);
    body_free(t->body);
    body_free(t->data);
    decoder_free(t->decoder);
    strings_done(&t->sent);
    free(t->url_text);
    free(t->output_name);
    free(t->upload);
    free(t->method);
    free(t->first_site);
    free(t->server);
    free(t->redirect_to);
    free(t->referer);
    free(t->error);
    free(t->output.name);
    free(t);
}
