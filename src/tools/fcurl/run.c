/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/run.c: which transfers the command line asks for, and when each of them runs. They
 * are made one by one, since http://h/[1-1000000] is a million of them. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "net/tls.h"
#include "tools/fcurl/glob.h"
#include "tools/fcurl/transfer.h"

struct run_client {
    struct run_client *next;
    const struct config *config;
    char *url;
    weir_client *client;
    struct tracer *tracer;
};

/* ---- Messages and files ---------------------------------------------------------------------- */

void run_warn(struct run *run, const char *format, ...)
{
    va_list args;

    if (run->global->silent)
        return;
    fputs("Warning: ", run->err);
    va_start(args, format);
    vfprintf(run->err, format, args);
    va_end(args);
    fputc('\n', run->err);
}

FILE *run_open(struct run *run, const char *path)
{
    bool before = false;

    if (strcmp(path, "-") == 0)
        return stdout;
    for (size_t i = 0; i < run->opened.count; i++)
        before = before || strcmp(run->opened.at[i], path) == 0;
    if (!before)
        strings_add(&run->opened, path);
    return fopen(path, before ? "ae" : "we");
}

static void say_error(struct run *run, int code, const char *line)
{
    if (!run->global->silent || run->global->show_error)
        fprintf(run->err, "fcurl: (%d) %s\n", code, line);
}

/* ---- Clients --------------------------------------------------------------------------------- */

uint32_t run_milliseconds(double seconds)
{
    double ms = ceil(seconds * 1000);

    return ms < 1 ? 1 : ms < WEIR_CLIENT_NO_LIMIT ? (uint32_t)ms : WEIR_CLIENT_NO_LIMIT;
}

weir_client_options run_client_options(struct run *run, const struct config *c)
{
    return (weir_client_options){
        .size = sizeof(weir_client_options),
        .uv = &run->loop,
        .keepalive = c->keep_conn ? 64 : WEIR_KEEPALIVE_NONE,
        .connect_timeout = c->connect_timeout > 0 ? run_milliseconds(c->connect_timeout) : 300000,
        .first_byte_timeout = WEIR_CLIENT_NO_LIMIT,
        .idle_timeout = WEIR_CLIENT_NO_LIMIT,
        .send_timeout = WEIR_CLIENT_NO_LIMIT,
        .params_max = 64 << 20,
        .head_max = 1 << 20,
        .fields_max = 1000,
        .tls_ca = c->cacert,
        .tls_cert = c->cert,
        .tls_key = c->key,
        .tls_no_verify = c->insecure,
        .count_records = c->write_out != NULL || c->records,
        .record_max = c->split_params ? 1 : 0,
        .padding = !c->has_padding   ? 0
                   : c->padding == 0 ? -1
                                     : (int32_t)c->padding,
    };
}

static bool is_usable(const char *url, const weir_client_options *options)
{
    weir_client *client = weir_client_new(url, options);
    bool usable = client && !*weir_client_error(client);

    (void)weir_client_free(client);
    return usable;
}

/* What it was that made a client unusable: found out by leaving that away. */
int run_client_fault(const char *url, weir_client_options options)
{
    if (!tls_library() && strncmp(url, "fcgis:", 6) == 0)
        return EXIT_UNSUPPORTED;
    options.tls_cert = options.tls_key = NULL;
    if (is_usable(url, &options))
        return EXIT_TLS_CERT;
    options.tls_ca = NULL;
    return is_usable(url, &options) ? EXIT_TLS_CA : EXIT_URL;
}

static struct run_client *find_client(struct run *run, const struct transfer *t)
{
    struct run_client *rc = run->clients;

    while (rc && (rc->config != t->config || strcmp(rc->url, t->server) != 0))
        rc = rc->next;
    return rc;
}

weir_client *run_client(struct transfer *t)
{
    struct run *run = t->run;
    struct run_client *rc;

    if (!t->server)
        t->server = request_server(t);
    if (!t->server)
        return NULL;
    rc = find_client(run, t);
    if (rc)
        return rc->client;
    weir_client_options options = run_client_options(run, t->config);
    struct tracer *tracer = tracer_new(run, t->config);
    if (tracer) {
        options.observe = tracer_record;
        options.observe_arg = tracer;
    }
    weir_client *client = weir_client_new(t->server, &options);
    if (!client || *weir_client_error(client)) {
        transfer_fail(t, client ? run_client_fault(t->server, options) : EXIT_NO_MEMORY, "%s",
                      client ? weir_client_error(client) : "Out of memory");
        (void)weir_client_free(client);
        tracer_free(tracer);
        return NULL;
    }
    rc = must_alloc(sizeof *rc);
    *rc = (struct run_client){run->clients, t->config, must_copy(t->server), client, tracer};
    run->clients = rc;
    return client;
}

static void free_clients(struct run *run)
{
    while (run->clients) {
        struct run_client *rc = run->clients;
        run->clients = rc->next;
        (void)weir_client_free(rc->client);
        tracer_free(rc->tracer);
        free(rc->url);
        free(rc);
    }
}

/* ---- The next transfer ----------------------------------------------------------------------- */

static void glob_drop(struct glob **glob)
{
    if (*glob)
        glob_done(*glob);
    free(*glob);
    *glob = NULL;
}

/* A pattern taken apart; NULL after a message. */
static struct glob *glob_make(struct run *run, const char *pattern, bool off)
{
    struct glob *glob = must_alloc(sizeof *glob);
    char *why = NULL;

    if (glob_init(glob, pattern, off, &why))
        return glob;
    say_error(run, EXIT_URL, why);
    free(why);
    free(glob);
    run->exit_code = EXIT_URL;
    run->stopping = true;
    return NULL;
}

static void next_target(struct run *run)
{
    glob_drop(&run->urls);
    glob_drop(&run->uploads);
    free(run->upload);
    run->upload = NULL;
    if (run->target)
        run->target = run->target->next;
    while (!run->target && run->config) {
        run->config = run->config->next;
        run->target = run->config ? run->config->targets : NULL;
    }
}

/* The patterns of the current target are opened when it is begun. False: nothing to be had of it.
 */
static bool open_target(struct run *run)
{
    struct target *target = run->target;
    bool off = run->config->globoff;

    if (run->urls)
        return true;
    if (!target->has_url)
        return false;
    run->urls = glob_make(run, target->url, off);
    if (!run->urls)
        return false;
    if (target->upload) {
        run->uploads = glob_make(run, target->upload, off);
        if (!run->uploads)
            return false;
        run->upload = glob_next(run->uploads);
    }
    return true;
}

/* For each file to upload all URLs, as curl has it. */
static struct transfer *next_transfer(struct run *run)
{
    while (run->target && !run->stopping) {
        struct target *target = run->target;
        char *url = open_target(run) ? glob_next(run->urls) : NULL;
        if (!url && run->uploads && (free(run->upload), run->upload = glob_next(run->uploads))) {
            run->urls->next = 0;
            continue;
        }
        if (!url) {
            next_target(run);
            continue;
        }
        char *output = target->output ? run->config->globoff ? must_copy(target->output)
                                                             : glob_name(run->urls, target->output)
                                      : NULL;
        struct transfer *t = transfer_new(run, run->config, url, output, must_copy(run->upload),
                                          target->remote_name);
        t->number = run->started;
        return t;
    }
    return NULL;
}

/* ---- When ------------------------------------------------------------------------------------ */

static void start_more(struct run *run);

static void on_next(uv_timer_t *timer)
{
    start_more(timer->data);
}

static void start_one(struct run *run, struct transfer *t)
{
    t->next = run->transfers;
    run->transfers = t;
    run->running++;
    run->started++;
    run->last_start_ns = uv_hrtime();
    transfer_start(t);
}

/* --rate: how long the next serial transfer has to wait, in ms. */
static uint64_t rate_wait(const struct run *run)
{
    double interval = run->global->rate_interval;
    double passed = (double)(uv_hrtime() - run->last_start_ns) / 1e9;

    if (interval <= 0 || run->started == 0 || run->global->parallel || passed >= interval)
        return 0;
    return (uint64_t)((interval - passed) * 1000) + 1;
}

static void start_more(struct run *run)
{
    const struct global *g = run->global;
    uint64_t most = g->parallel ? g->parallel_max : 1;

    while (run->running < most && !run->stopping) {
        uint64_t wait = rate_wait(run);
        if (wait > 0) {
            (void)uv_timer_start(&run->next, on_next, wait, 0);
            return;
        }
        struct transfer *t = next_transfer(run);
        if (!t)
            break;
        start_one(run, t);
    }
    if (run->running == 0) /* kept connections alone do not keep us here */
        uv_stop(&run->loop);
}

static bool is_fatal(int exit_code)
{
    return exit_code == EXIT_NO_MEMORY || exit_code == EXIT_USAGE;
}

void run_transfer_done(struct transfer *t)
{
    struct run *run = t->run;
    struct transfer **at = &run->transfers;

    while (*at && *at != t)
        at = &(*at)->next;
    if (*at)
        *at = t->next;
    run->running--;
    run->done_count++;
    run->done_in += t->received;
    run->done_out += t->uploaded;
    if (!run->global->parallel || t->exit_code)
        run->exit_code = t->exit_code;
    if (t->exit_code && (run->global->fail_early || is_fatal(t->exit_code)))
        run->stopping = true;
    transfer_free(t);
    (void)uv_timer_start(&run->next, on_next, 0, 0);
}

/* ---- All ------------------------------------------------------------------------------------- */

static bool open_trace(struct run *run)
{
    const struct global *g = run->global;
    const char *path = g->trace ? g->trace : g->trace_ascii;

    run->err = stderr;
    if (g->stderr_file) {
        run->err = strcmp(g->stderr_file, "-") == 0 ? stdout : fopen(g->stderr_file, "we");
        if (!run->err) {
            run->err = stderr;
            run_warn(run, "Failed to open %s: %s", g->stderr_file, strerror(errno));
        }
    }
    if (!path)
        return true;
    run->trace = strcmp(path, "%") == 0 ? run->err : run_open(run, path);
    run->trace_hex = g->trace != NULL;
    if (run->trace)
        return true;
    fprintf(run->err, "fcurl: Failed to open %s: %s\n", path, strerror(errno));
    return false;
}

static void load_cookies(struct run *run)
{
    for (struct config *c = run->global->configs; c; c = c->next) {
        run->cookies.on = run->cookies.on || c->cookies_on;
        for (size_t i = 0; i < c->cookies.count; i++)
            if (!strchr(c->cookies.at[i], '=') && *c->cookies.at[i])
                cookies_load(&run->cookies, c->cookies.at[i], c->junk_session_cookies);
    }
}

static void save_cookies(struct run *run)
{
    for (struct config *c = run->global->configs; c; c = c->next)
        if (c->cookie_jar && !cookies_save(&run->cookies, c->cookie_jar))
            run_warn(run, "failed to save cookies in %s: %s", c->cookie_jar, strerror(errno));
}

static bool has_url(const struct global *g)
{
    for (struct config *c = g->configs; c; c = c->next)
        for (struct target *target = c->targets; target; target = target->next)
            if (target->has_url)
                return true;
    return false;
}

/* Probes are made first, in the order of their groups; a group with one has no transfers. */
static void run_probes(struct run *run)
{
    for (struct config *c = run->global->configs; c; c = c->next)
        for (struct target *target = c->targets; target && c->probe; target = target->next)
            if (target->has_url && !run->stopping) {
                run->exit_code = health_run(run, c, target->url);
                run->stopping = run->exit_code && run->global->fail_early;
                target->has_url = false;
            }
}

int run_all(struct global *global)
{
    struct run run = {.global = global};

    if (!has_url(global)) {
        fputs("fcurl: no URL specified!\nfcurl: try 'fcurl --help' or 'fcurl --manual' for more "
              "information\n",
              stderr);
        return EXIT_USAGE;
    }
    if (global->parallel_max == 0 || global->parallel_max > 300)
        global->parallel_max = 50;
    if (!open_trace(&run))
        return EXIT_USAGE;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)uv_loop_init(&run.loop);
    (void)uv_timer_init(&run.loop, &run.next);
    run.next.data = &run;
    load_cookies(&run);
    run_probes(&run);
    run.config = global->configs;
    run.target = run.config->targets;
    if (!run.target)
        next_target(&run);
    run.meter_begun_ns = uv_hrtime();
    start_more(&run);
    (void)uv_run(&run.loop, UV_RUN_DEFAULT);

    if (global->parallel)
        progress_show(&run, true);
    save_cookies(&run);
    while (run.target)
        next_target(&run);
    free_clients(&run);
    uv_close((uv_handle_t *)&run.next, NULL);
    (void)uv_run(&run.loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&run.loop);
    cookies_done(&run.cookies);
    strings_done(&run.opened);
    pcap_close_all(&run);
    if (run.trace && run.trace != stdout && run.trace != run.err)
        fclose(run.trace);
    if (run.err != stderr && run.err != stdout)
        fclose(run.err);
    if (fflush(stdout) != 0 && run.exit_code == 0)
        run.exit_code = EXIT_WRITE;
    return run.exit_code;
}
