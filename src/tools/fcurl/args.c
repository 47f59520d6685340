/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/args.c: the command line and config files, read as curl reads them. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/fcurl/option.h"

enum { NESTED_MAX = 10 }; /* config files that name config files */

static unsigned nested;

static bool fail(char **ret_error, const char *name, const char *why)
{
    struct text text = {NULL, 0, 0};

    text_printf(&text, "option %s: %s", name, why);
    *ret_error = text_take(&text);
    return false;
}

static bool is_refused(const char *name, char letter, const char *shown, char **ret_error)
{
    for (const struct refused_option *r = refused_options; r->name; r++)
        if ((name && strcmp(r->name, name) == 0) || (letter && r->letter == letter)) {
            fail(ret_error, shown, r->reason);
            return true;
        }
    return false;
}

static bool apply(const struct option *option, struct global *global, const char *shown,
                  const char *value, bool on, char **ret_error)
{
    char *why = NULL;

    if (option_apply(option, global, value, on, &why))
        return true;
    fail(ret_error, shown, why ? why : "not possible");
    free(why);
    return false;
}

/* Long names may be cut short while one option only begins like that, as curl allows. */
static const struct option *find_long(const char *name, bool *ret_ambiguous)
{
    const struct option *found = option_by_name(name, strlen(name));

    *ret_ambiguous = false;
    if (found)
        return found;
    for (size_t g = 0; option_groups[g]; g++)
        for (size_t i = 0; i < option_groups[g]->count; i++) {
            const struct option *o = &option_groups[g]->options[i];
            if (strncmp(o->name, name, strlen(name)) != 0)
                continue;
            if (found) {
                *ret_ambiguous = true;
                return NULL;
            }
            found = o;
        }
    return found;
}

static bool takes_value(const struct option *option, const struct global *global)
{
    return option->value && !(option->is_flag && option->is_flag(global->current));
}

/* --NAME; *ret_used tells whether the next argument was its value. */
static bool parse_long(struct global *global, const char *arg, const char *next, bool *ret_used,
                       char **ret_error)
{
    const char *name = arg + 2;
    bool ambiguous, on = true;
    const struct option *option = find_long(name, &ambiguous);

    if (!option && !ambiguous && strncmp(name, "no-", 3) == 0) {
        option = find_long(name + 3, &ambiguous);
        on = false;
        if (option && (option->value || (option->kind != OPTION_FLAG && !option->set)))
            option = NULL;
    }
    if (ambiguous)
        return fail(ret_error, arg, "is ambiguous");
    if (!option)
        return !is_refused(name, 0, arg, ret_error) && fail(ret_error, arg, "is unknown");
    if (!takes_value(option, global))
        next = NULL;
    else if (!next && !option->optional)
        return fail(ret_error, arg, "requires parameter");
    *ret_used = next != NULL;
    return apply(option, global, arg, next, on, ret_error);
}

/* -sSfo FILE, -oFILE */
static bool parse_short(struct global *global, const char *arg, const char *next, bool *ret_used,
                        char **ret_error)
{
    if (arg[1] == '\0') /* in a config file; on the command line it is an URL */
        return fail(ret_error, arg, "is unknown");
    for (const char *p = arg + 1; *p; p++) {
        const char shown[] = {'-', *p, '\0'};
        const struct option *option = option_by_letter(*p);
        if (!option)
            return !is_refused(NULL, *p, shown, ret_error) && fail(ret_error, shown, "is unknown");
        if (!option->value) {
            if (!apply(option, global, shown, NULL, !option->letter_is_off, ret_error))
                return false;
            continue;
        }
        if (p[1])
            return apply(option, global, shown, p + 1, true, ret_error);
        if (!next && !option->optional)
            return fail(ret_error, shown, "requires parameter");
        *ret_used = next != NULL;
        return apply(option, global, shown, next, true, ret_error);
    }
    return true;
}

static void add_url(struct global *global, const char *url)
{
    struct target *t = config_target_without_url(global->current);

    t->url = must_copy(url);
    t->has_url = true;
}

/* ---- Config files ---------------------------------------------------------------------------- */

/* A value in double quotes, with \\, \", \t, \n, \r and \v (curl's). */
static char *unquote(const char *p)
{
    static const char from[] = "tnrv", to[] = "\t\n\r\v";
    struct text text = {NULL, 0, 0};

    for (p++; *p && *p != '"'; p++) {
        if (*p != '\\' || !p[1]) {
            text_putc(&text, *p);
            continue;
        }
        p++;
        const char *escape = strchr(from, *p);
        text_putc(&text, escape ? to[escape - from] : *p);
    }
    return text_take(&text);
}

/* NAME VALUE, NAME = VALUE, NAME: VALUE, with or without dashes; # begins a comment. */
static bool parse_line(struct global *global, char *line, char **ret_error)
{
    while (isspace((unsigned char)*line))
        line++;
    if (*line == '\0' || *line == '#')
        return true;
    char *name_end = line;
    while (*name_end && !isspace((unsigned char)*name_end) && *name_end != '=' && *name_end != ':')
        name_end++;
    char *p = name_end;
    while (*p && (isspace((unsigned char)*p) || *p == '=' || *p == ':'))
        p++;
    char *value;
    if (*p == '"') {
        value = unquote(p);
    } else {
        size_t len = strcspn(p, " \t");
        /* An unquoted value ends at white space; more is only a comment. */
        const char *rest = p + len + strspn(p + len, " \t");
        if (*rest && *rest != '#') {
            *name_end = '\0';
            return fail(ret_error, line, "its value has spaces, so it needs double quotes");
        }
        value = must_copy_n(p, len);
    }
    *name_end = '\0';

    struct text arg = {NULL, 0, 0};
    if (line[0] != '-')
        text_puts(&arg, "--");
    text_puts(&arg, line);
    bool used = false;
    bool has_value = p != name_end && (*p || *value);
    bool good = arg.ptr[1] == '-'
                    ? parse_long(global, arg.ptr, has_value ? value : NULL, &used, ret_error)
                    : parse_short(global, arg.ptr, has_value ? value : NULL, &used, ret_error);
    if (good && !used && has_value)
        good = fail(ret_error, arg.ptr, "takes no value");
    text_done(&arg);
    free(value);
    return good;
}

bool args_read_file(struct global *global, const char *path, char **ret_error)
{
    struct text file = {NULL, 0, 0};
    struct text error = {NULL, 0, 0};
    unsigned number = 0;
    bool good = true;

    if (nested >= NESTED_MAX)
        return fail(ret_error, path, "config files are nested too deep");
    if (!text_read_file(&file, path)) {
        global->cannot_read = true;
        text_printf(&error, "cannot read config from '%s': %s", path, strerror(errno));
        *ret_error = text_take(&error);
        text_done(&file);
        return false;
    }
    nested++;
    for (char *line = file.ptr; line && *line && good;) {
        char *end = line + strcspn(line, "\n");
        char *next = *end ? end + 1 : end;
        *end = '\0';
        if (end > line && end[-1] == '\r')
            end[-1] = '\0';
        number++;
        char *why = NULL;
        good = parse_line(global, line, &why);
        if (!good) {
            text_printf(&error, "%s:%u: %s", path, number, why);
            *ret_error = text_take(&error);
            free(why);
        }
        line = next;
    }
    nested--;
    text_done(&file);
    return good;
}

/* The first that exists of $FCURL_HOME/.fcurlrc, $XDG_CONFIG_HOME/fcurlrc, ~/.config/fcurlrc and
 * ~/.fcurlrc. */
static bool read_default_file(struct global *global, char **ret_error)
{
    static const struct {
        const char *variable, *file;
    } places[] = {
        {"FCURL_HOME", "/.fcurlrc"},
        {"XDG_CONFIG_HOME", "/fcurlrc"},
        {"HOME", "/.config/fcurlrc"},
        {"HOME", "/.fcurlrc"},
    };

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *folder = getenv(places[i].variable);
        struct text path = {NULL, 0, 0};
        if (!folder || !*folder)
            continue;
        text_printf(&path, "%s%s", folder, places[i].file);
        bool found = access(path.ptr, R_OK) == 0;
        bool good = !found || args_read_file(global, path.ptr, ret_error);
        text_done(&path);
        if (found)
            return good;
    }
    return true;
}

/* ---- The command line ------------------------------------------------------------------------ */

bool args_parse(struct global *global, int argc, char **argv, char **ret_error)
{
    bool only_urls = false;

    bool disabled =
        argc > 1 && ((argv[1][0] == '-' && argv[1][1] == 'q') || strcmp(argv[1], "--disable") == 0);
    if (!disabled && !read_default_file(global, ret_error))
        return false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool used = false, good = true;
        if (only_urls || arg[0] != '-' || arg[1] == '\0')
            add_url(global, arg);
        else if (strcmp(arg, "--") == 0)
            only_urls = true;
        else if (arg[1] == '-')
            good = parse_long(global, arg, next, &used, ret_error);
        else
            good = parse_short(global, arg, next, &used, ret_error);
        if (!good)
            return false;
        i += used;
    }
    return true;
}
