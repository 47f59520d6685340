/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/transfer.h: one URL being fetched.
 *
 *     run      -> transfer     one URL of the command line, from its first try to its last
 *                   -> attempt  one FastCGI request: a redirect or a retry is another one
 *
 *     transfer.c   the life of a transfer and its attempts
 *     request.c    the parameters of an attempt
 *     follow.c     redirects and retries: what comes after an attempt
 *     output.c     where headers and body go; decode.c content codings
 *     trace.c      --verbose, --trace, --records; pcap.c --pcap; progress.c; writeout.c
 *     run.c        which transfers there are, one after the other or in parallel
 *     health.c     --ping, --status, --get-values */
#ifndef FCURL_TRANSFER_H
#define FCURL_TRANSFER_H

#include <stdio.h>
#include <uv.h>
#include <weir/client.h>

#include "tools/fcurl/body.h"
#include "tools/fcurl/cookies.h"
#include "tools/fcurl/exit.h"
#include "tools/fcurl/option.h"

struct run;
struct decoder;

/* Where the response goes. */
struct output {
    FILE *file; /* NULL: nothing was written yet, or it goes nowhere */
    char *name; /* of the file; NULL: stdout */
    bool is_stdout;
    bool append;  /* --continue-at */
    bool created; /* by us: --remove-on-error may remove it */
    bool never_overwrite;
    FILE *headers;    /* --dump-header */
    uint64_t written; /* body bytes, decoded */
    uint64_t resume_from;
};

/* Seconds since the start of the transfer, of its last attempt. */
struct times {
    double namelookup, connect, pretransfer, params, starttransfer, end_request, total, redirect;
};

/* One end of a connection, as weir_client_local_address tells it. */
struct address {
    char host[WEIR_CLIENT_ADDRESS];
    uint16_t port;
};

struct transfer {
    struct transfer *next; /* in the run's list */
    struct run *run;
    struct config *config;
    unsigned number;   /* 0 for the first of the run */
    char *url_text;    /* as the globbing made it */
    char *output_name; /* -o, #1 replaced */
    char *upload;      /* -T */
    bool remote_name;

    /* What is asked for now. */
    struct url url;
    char *method;
    struct body *body, *data; /* data: of a Filter */
    int64_t condition_time;   /* of --time-cond; -1: none */
    bool head;                /* no body is expected */
    bool keeps_method;        /* -X */
    char *server;             /* where it is; a redirect does not change that */
    bool is_first_site;       /* not redirected to another one */
    char *first_site;         /* scheme://host:port */
    bool is_prepared;         /* there is something that could be tried again */
    unsigned redirects, retries;
    char *redirect_to; /* where a Location leads, for -w and -L */
    char *referer;     /* of --referer URL;auto */

    /* The attempt. */
    weir_client *client;
    weir_client_request *request;
    struct strings sent; /* the parameters, NAME=VALUE, as they are sent */
    size_t sent_size;
    bool is_ending; /* on_attempt_over will run */
    bool is_over;   /* it has run */
    bool head_done, is_paused, ignores_body, stderr_seen, at_line_start;
    bool is_unmodified; /* --time-cond: the response is not what was wanted */
    bool aborting;      /* --abort-after: waiting for END_REQUEST */
    int status;
    int64_t content_length; /* of the response, -1: not known */
    uint64_t header_size, received, uploaded;
    uint64_t stderr_size;
    unsigned field_count;
    struct decoder *decoder;
    struct output output;
    int exit_code;
    char *error; /* the line for stderr */
    double retry_after;

    /* Time. */
    uint64_t started_ns, attempt_ns, first_ns; /* of uv_hrtime; first: of the first try */
    struct times times;
    uv_timer_t timer; /* --max-time */
    uv_timer_t tick;  /* progress, --limit-rate, --speed-limit, --abort-after */
    uv_timer_t wake;  /* the attempt is over, or the next one is due */
    uv_poll_t input;  /* standard input has something to send */
    bool input_open;
    bool source_waits;   /* --limit-rate holds the body back */
    bool restarts_clock; /* a retry has its --max-time to itself */
    unsigned handles_closing;
    uint64_t slow_since_ns, slow_bytes; /* --speed-limit */
    weir_client_stats stats;
    struct address local, remote; /* of the connection; empty: there was none */
    weir_web_values values;
    uint32_t app_status;
    int protocol_status;
    bool is_started, in_progress;
};

/* Makes a transfer that is not started. The strings are handed over. One that is only a bag for a
 * probe (health.c) is never started. */
struct transfer *transfer_new(struct run *run, struct config *config, char *url, char *output,
                              char *upload, bool remote_name);
void transfer_free(struct transfer *t);

/* Starts it on the run's loop; run_transfer_done is called once it has ended for good, from the
 * loop, also when it could not be started at all. */
void transfer_start(struct transfer *t);

/* Ends the attempt with this code; the line is made as by printf. */
void transfer_fail(struct transfer *t, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes a failure, unless there was one before, and does nothing else. */
void transfer_note(struct transfer *t, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The exit code for an error of libweir's client. */
int transfer_exit_code(int error);

/* Whether what failed after so many seconds has used up its limit: the loop's clock, by which the
 * client measures, may be some milliseconds behind. */
bool transfer_is_late(double passed, double limit);

/* Seconds since the transfer was started. */
double transfer_seconds(const struct transfer *t);

/* ---- request.c ------------------------------------------------------------------------------- */

/* Method and body as the options want them. False: transfer_fail was called. */
bool request_prepare(struct transfer *t);

/* The parameters, into t->sent; with a request, also into that. False: transfer_fail was called. */
bool request_params(struct transfer *t);

/* Where the FastCGI server is, for the client. To be freed. NULL: transfer_fail was called. */
char *request_server(struct transfer *t);

/* ---- follow.c -------------------------------------------------------------------------------- */

/* Called with the response head: whether it is a redirect that will be followed. */
bool follow_wanted(const struct transfer *t);

/* After an attempt: prepares the next one and returns true, if there is to be one; *ret_delay is
 * seconds until then. */
bool follow_next(struct transfer *t, double *ret_delay);

/* ---- output.c -------------------------------------------------------------------------------- */

/* Decides on the file's name. False: transfer_fail was called. */
bool output_prepare(struct transfer *t);

/* A header block, interim or final. False: transfer_fail was called. */
bool output_head(struct transfer *t);
bool output_body(struct transfer *t, const char *bytes, size_t len);

/* The end of the response. False: transfer_fail was called. */
bool output_finish(struct transfer *t);

/* Drops what was written, for another try. */
void output_restart(struct transfer *t);
void output_close(struct transfer *t);

/* ---- decode.c -------------------------------------------------------------------------------- */

typedef bool decoder_sink(struct transfer *t, const char *bytes, size_t len);

/* For the value of Content-Encoding. False: a coding that is not known. */
bool decoder_new(struct decoder **ret_decoder, const char *coding);
void decoder_free(struct decoder *decoder);

/* False: the data is broken, or sink returned false (then t->exit_code is set). */
bool decoder_feed(struct decoder *decoder, struct transfer *t, const char *bytes, size_t len,
                  decoder_sink *sink);
bool decoder_is_complete(const struct decoder *decoder);

/* The codings this fcurl can decode, for Accept-Encoding. */
extern const char decoder_codings[];

/* ---- writeout.c ------------------------------------------------------------------------------ */

void writeout_print(struct transfer *t, const char *format);

/* Whether the format asks for what only GET_VALUES tells. */
bool writeout_needs_values(const char *format);

/* ---- trace.c, pcap.c ------------------------------------------------------------------------- */

/* One line with "* ", for --verbose and --trace. */
void trace_info(struct transfer *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace_params(struct transfer *t);
void trace_head_line(struct transfer *t, const char *line, size_t len);

/* Whether records have to be observed, and what observes them (weir_client_observe_fn; arg is the
 * struct tracer of a client). */
struct tracer;
struct tracer *tracer_new(struct run *run, const struct config *config);
void tracer_free(struct tracer *tracer);
void tracer_record(const weir_client_record *record, void *arg);

struct pcap;
/* The capture in this file, begun by the first who asks. NULL: errno says why. *ret_base tells its
 * connections apart from those of other clients. */
struct pcap *pcap_open(struct run *run, const char *path, uint64_t *ret_base);
void pcap_record(struct pcap *pcap, uint64_t base, const weir_client_record *record);

/* A warning for those that could not be written. */
void pcap_close_all(struct run *run);

/* ---- progress.c ------------------------------------------------------------------------------ */

void progress_show(struct run *run, bool end);

/* ---- health.c -------------------------------------------------------------------------------- */

/* --ping, --status and --get-values of a group: the exit code. */
int health_run(struct run *run, struct config *config, const char *url);

/* What the transfer's server says about itself; -1 where it says nothing. Blocks for a second at
 * most. */
weir_web_values health_values(struct transfer *t);

/* ---- run.c ----------------------------------------------------------------------------------- */

struct run {
    struct global *global;
    uv_loop_t loop;
    struct cookies cookies;
    struct transfer *transfers; /* in progress */
    unsigned running, started;
    int exit_code;
    FILE *err;   /* stderr or --stderr */
    FILE *trace; /* --trace, --trace-ascii */
    bool trace_hex;
    struct strings opened; /* files that were opened before: now they are appended to */

    /* Which transfer comes next. */
    struct config *config;
    struct target *target;
    struct glob *urls, *uploads;
    char *upload;
    bool stopping;
    uv_timer_t next; /* --rate, or the end of one transfer */
    uint64_t last_start_ns;

    /* Clients, one for each server of each group. */
    struct run_client *clients;
    struct pcap *pcaps; /* captures being written, one for each file */

    /* The meter. */
    uint64_t meter_shown_ns, meter_begun_ns;
    bool meter_headed;
    unsigned done_count;
    uint64_t done_in, done_out;
};

int run_all(struct global *global);

/* The client for the transfer's server. NULL: transfer_fail was called. */
weir_client *run_client(struct transfer *t);

/* How the options of a group want the client, and why one made so is not usable: an exit code. */
weir_client_options run_client_options(struct run *run, const struct config *config);
int run_client_fault(const char *url, weir_client_options options);

/* Rounded up, 1 at least. */
uint32_t run_milliseconds(double seconds);

/* For transfer.c: it has ended and may be freed. */
void run_transfer_done(struct transfer *t);

/* Opens a file for writing: "-" is stdout; a file that this run has opened before is appended to.
 */
FILE *run_open(struct run *run, const char *path);

/* A warning on stderr, unless --silent. */
void run_warn(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
