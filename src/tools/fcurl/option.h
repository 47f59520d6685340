/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/option.h: the one table of all options, from which the parser, --help, the manual
 * page and the completions for bash and zsh are made.
 *
 * Options come in groups, each a source file options_TOPIC.c with a table of struct option. Most
 * just fill a member of struct config or struct global; the others have a function. */
#ifndef FCURL_OPTION_H
#define FCURL_OPTION_H

#include <stddef.h>

#include "tools/fcurl/config.h"

enum option_kind {
    OPTION_FLAG,    /* bool; --no-NAME clears it */
    OPTION_STRING,  /* char *; the last one counts */
    OPTION_LIST,    /* struct strings */
    OPTION_NUMBER,  /* uint64_t */
    OPTION_SECONDS, /* double, fractions allowed */
    OPTION_BYTES,   /* uint64_t with K, M, G, T, P */
    OPTION_CALL,    /* set does it all */
};

enum option_category {
    CATEGORY_IMPORTANT = 1, /* in the short help */
    CATEGORY_FASTCGI = 2,
    CATEGORY_HEALTH = 4,
    CATEGORY_HTTP = 8,
    CATEGORY_POST = 16,
    CATEGORY_UPLOAD = 32,
    CATEGORY_OUTPUT = 64,
    CATEGORY_CONNECTION = 128,
    CATEGORY_TLS = 256,
    CATEGORY_AUTH = 512,
    CATEGORY_VERBOSE = 1024,
    CATEGORY_FCURL = 2048, /* the tool itself */
};

/* What a set function gets, and where it leaves its complaint. */
struct option_call {
    struct global *global;
    struct config *config;
    const char *value; /* NULL: a flag */
    bool on;           /* a flag without --no- */
    char *error;       /* set by the function: why it is refused, without the option's name */
};

struct option {
    const char *name;   /* without -- */
    bool letter_is_off; /* the letter means --no-NAME, as -N does */
    char letter;        /* 0: none */
    enum option_kind kind;
    bool is_global; /* offset is in struct global */
    size_t offset;
    bool (*set)(struct option_call *call); /* OPTION_CALL; false: refused */
    const char *value;                     /* name of its argument; NULL: it has none */
    bool optional; /* of a value: it may be missing at the end of the line */
    bool (*is_flag)(const struct config *config); /* of a value: there is none here */
    unsigned categories;
    const char *help; /* one line, at most 55 characters, without a full stop */
    const char *man;  /* for the manual: paragraphs, empty lines between them; `code` */
};

struct option_group {
    const char *title;
    const struct option *options;
    size_t count;
};

/* All groups, ended by one without title. */
extern const struct option_group *const option_groups[];

extern const struct option_group options_connection, options_cookies, options_fastcgi,
    options_fcurl, options_health, options_http, options_output, options_post, options_retry,
    options_tls, options_verbose;

/* Options of curl that FastCGI has no sense for: each is refused with its reason. */
struct refused_option {
    const char *name;
    char letter;
    const char *reason;
};
extern const struct refused_option refused_options[]; /* ended by a name of NULL */

/* NULL when there is none. */
const struct option *option_by_name(const char *name, size_t len);
const struct option *option_by_letter(char letter);

/* Applies one option. value is NULL for flags. False: *ret_error says why, to be freed. */
bool option_apply(const struct option *option, struct global *global, const char *value, bool on,
                  char **ret_error);

/* Number with a suffix k, m, g, t or p (1024s). */
bool option_parse_bytes(const char *text, uint64_t *ret_bytes);
bool option_parse_seconds(const char *text, double *ret_seconds);

/* ---- The command line ------------------------------------------------------------------------ */

/* Parses all arguments (argv[0] is skipped) and, unless the first is -q, the default config files
 * before them. False: *ret_error is one line, and the exit code is EXIT_USAGE. */
bool args_parse(struct global *global, int argc, char **argv, char **ret_error);

/* Reads options from a file, "-" is standard input. */
bool args_read_file(struct global *global, const char *path, char **ret_error);

/* ---- Help ------------------------------------------------------------------------------------ */

/* category NULL: the short help. False: no such category, said on stderr. */
bool help_print(const char *category);
void help_manual(void);                  /* the manual for a terminal */
void help_man_page(void);                /* fcurl.1 */
bool help_completion(const char *shell); /* "bash" or "zsh"; false: neither */

#endif
