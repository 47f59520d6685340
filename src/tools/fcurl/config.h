/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/config.h: what the command line says, before anything is done.
 *
 *     struct global                 options that hold for the whole run
 *       -> struct config            one group of URLs and what to do with each; --next begins
 * another
 *            -> struct target       one URL, with its own -o, -O or -T
 *
 * Everything is filled in by the option table (option.h) and only read afterwards. */
#ifndef FCURL_CONFIG_H
#define FCURL_CONFIG_H

#include <stdint.h>

#include "tools/fcurl/text.h"

/* As in curl, -o, -O and -T belong to the first URL that has none yet, whatever the order. */
struct target {
    struct target *next;
    char *url;
    char *output; /* -o; may hold #1, #2 of the globbing */
    char *upload; /* -T; "-" and "." are standard input */
    bool has_url, has_output, has_upload;
    bool remote_name; /* -O */
};

struct form_part { /* one -F or --form-string, still as it was typed */
    struct form_part *next;
    char *spec;
    bool literal; /* --form-string: no @, <, ; */
};

enum role_option { ROLE_RESPONDER = 1, ROLE_AUTHORIZER, ROLE_FILTER };
enum probe { PROBE_NONE, PROBE_PING, PROBE_STATUS, PROBE_VALUES };

struct config {
    struct config *next;
    struct global *global;
    struct target *targets;

    /* FastCGI */
    char *to;              /* --to: where the server is */
    char *unix_socket;     /* short for --to fcgi+unix:PATH */
    char *abstract_socket; /* short for --to fcgi+unix:@NAME */
    char *root, *script;   /* SCRIPT_FILENAME, SCRIPT_NAME */
    char *index;           /* what a folder means, default index.php */
    struct strings split;  /* where PATH_INFO begins: after these, default .php */
    struct strings params; /* NAME=VALUE, NAME= removes */
    enum role_option role;
    char *data_stream; /* file for FCGI_DATA */
    bool keep_conn;
    bool records;      /* show each record */
    char *fcgi_stderr; /* file, or one of the two below */
    bool stderr_mark, stderr_fail;
    char *pcap;
    bool split_params; /* every byte of the parameters in a record of its own */
    uint64_t padding;  /* bytes after each record sent, 0..255 */
    bool has_padding;
    double abort_after_seconds; /* negative: not set */
    uint64_t abort_after_bytes;
    bool has_abort_after_bytes;
    bool dry_run;
    bool fail_app_status;

    /* Health */
    enum probe probe;
    bool json_output;       /* --status and --get-values as JSON */
    struct strings fail_if; /* conditions on the figures of --status */

    /* HTTP */
    char *method;
    struct strings headers; /* as typed; @file already replaced by its lines */
    char *user_agent, *referer, *user, *range, *request_target, *time_condition;
    char *etag_compare, *etag_save;
    bool auto_referer; /* -e "...;auto" */
    struct strings cookies;
    char *cookie_jar;
    bool cookies_on, junk_session_cookies;
    bool location, location_trusted, post301, post302, post303;
    int64_t max_redirs; /* -1: no limit */
    bool compressed, path_as_is;
    struct strings url_query;
    char *continue_at; /* "-" or an offset */
    bool globoff;

    /* What is sent */
    struct text data; /* -d and its kin, joined with & */
    bool has_data, json;
    bool get, head;
    struct form_part *form;
    bool form_escape;

    /* Output */
    bool include, remote_name_all, remote_header_name, remote_time;
    char *dump_header, *output_dir, *write_out;
    bool create_dirs, remove_on_error, no_clobber, no_buffer;
    bool fail, fail_with_body;
    uint64_t max_filesize; /* 0: no limit */

    /* Connection */
    double max_time, connect_timeout; /* seconds, 0: not set */
    struct strings resolve, connect_to;
    bool ipv4, ipv6;
    uint64_t limit_rate; /* bytes a second, 0: no limit */
    uint64_t speed_limit, speed_time;
    uint64_t retry;
    double retry_delay, retry_max_time;
    bool retry_connrefused, retry_all_errors;

    /* TLS to the FastCGI server */
    bool insecure;
    char *cacert, *cert, *key;
};

struct global {
    struct config *configs, *current;
    bool silent, show_error, verbose;
    bool no_progress_meter, progress_bar;
    char *trace, *trace_ascii;
    bool trace_time;
    bool parallel, parallel_immediate;
    uint64_t parallel_max;
    double rate_interval; /* seconds between the starts of two serial transfers */
    char *stderr_file;
    bool fail_early;
    bool disable_config; /* -q */
    bool styled_output;
    bool cannot_read; /* why the command line was refused: a file it names */
};

/* Begins a new group with the defaults (--next). */
struct config *config_add(struct global *global);

/* The first target of the group that lacks a URL, an output, or an upload: made if there is none.
 */
struct target *config_target_without_url(struct config *config);
struct target *config_target_without_output(struct config *config);
struct target *config_target_without_upload(struct config *config);

void global_init(struct global *global);
void global_done(struct global *global);

#endif
