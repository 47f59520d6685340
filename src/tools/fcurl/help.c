/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/help.c: --help and the completions, made from the option table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/fcurl/option.h"

static const struct {
    const char *name;
    unsigned bit;
    const char *text;
} categories[] = {
    {"auth", CATEGORY_AUTH, "Names and passwords"},
    {"connection", CATEGORY_CONNECTION, "Reaching the server, limits of time and speed"},
    {"fastcgi", CATEGORY_FASTCGI, "What only FastCGI has"},
    {"fcurl", CATEGORY_FCURL, "The command line tool itself"},
    {"health", CATEGORY_HEALTH, "Asking a server how it is"},
    {"http", CATEGORY_HTTP, "The request"},
    {"output", CATEGORY_OUTPUT, "Where the response goes"},
    {"post", CATEGORY_POST, "HTTP POST specific options"},
    {"tls", CATEGORY_TLS, "TLS to the FastCGI server"},
    {"upload", CATEGORY_UPLOAD, "All options for uploads"},
    {"verbose", CATEGORY_VERBOSE, "How much is said"},
};

enum { CATEGORY_COUNT = sizeof categories / sizeof *categories, OPTIONS_MAX = 256 };

static const char usage[] = "Usage: fcurl [options...] <url>";

static int by_name(const void *a, const void *b)
{
    const struct option *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* All options of the categories in mask, by name. */
static size_t collect(unsigned mask, const struct option **ret_options)
{
    size_t count = 0;

    for (size_t g = 0; option_groups[g]; g++)
        for (size_t i = 0; i < option_groups[g]->count && count < OPTIONS_MAX; i++)
            if (option_groups[g]->options[i].categories & mask)
                ret_options[count++] = &option_groups[g]->options[i];
    qsort(ret_options, count, sizeof *ret_options, by_name);
    return count;
}

static void form(const struct option *o, char *out, size_t room)
{
    char letter[5] = "    ";

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(out, room, "%s--%s%s%s%s", letter, o->name, o->value ? " <" : "",
             o->value ? o->value : "", o->value ? ">" : "");
}

static void print_options(unsigned mask)
{
    const struct option *options[OPTIONS_MAX];
    size_t count = collect(mask, options);
    int width = 0;
    char text[128];

    for (size_t i = 0; i < count; i++) {
        form(options[i], text, sizeof text);
        int len = (int)strlen(text);
        if (len > width && len <= 32)
            width = len;
    }
    for (size_t i = 0; i < count; i++) {
        form(options[i], text, sizeof text);
        printf(" %-*s %s\n", width, text, options[i]->help);
    }
}

static void print_categories(void)
{
    puts(usage);
    for (int i = 0; i < CATEGORY_COUNT; i++)
        printf(" %-11s %s\n", categories[i].name, categories[i].text);
}

bool help_print(const char *category)
{
    if (!category) {
        puts(usage);
        print_options(CATEGORY_IMPORTANT);
        puts("\nThis is not the full help, this menu is stripped into categories.\n"
             "Use \"--help category\" to get an overview of all categories.\n"
             "For all options use the manual or \"--help all\".");
        return true;
    }
    if (strcmp(category, "category") == 0) {
        print_categories();
        return true;
    }
    if (strcmp(category, "all") == 0) {
        puts(usage);
        print_options(~0u);
        return true;
    }
    for (int i = 0; i < CATEGORY_COUNT; i++)
        if (strcmp(category, categories[i].name) == 0) {
            printf("%s\n%s: %s\n", usage, category, categories[i].text);
            print_options(categories[i].bit);
            return true;
        }
    fprintf(stderr, "fcurl: no help category '%s'; \"--help category\" lists them\n", category);
    return false;
}

/* ---- Completion ------------------------------------------------------------------------------ */

/* What kind of thing follows an option, as far as the shell can help. */
static bool takes_file(const struct option *o)
{
    static const char *const words[] = {"file",     "path", "dir",        "folder",
                                        "filename", "key",  "certificate"};

    for (size_t i = 0; o->value && i < sizeof words / sizeof *words; i++)
        if (strstr(o->value, words[i]))
            return true;
    return false;
}

static void print_names(const char *separator, bool only_files, bool only_words)
{
    const struct option *options[OPTIONS_MAX];
    size_t count = collect(~0u, options);
    const char *before = "";

    for (size_t i = 0; i < count; i++) {
        const struct option *o = options[i];
        if ((only_files && !takes_file(o)) || (only_words && (!o->value || takes_file(o))))
            continue;
        printf("%s--%s", before, o->name);
        before = separator;
        if (o->letter)
            printf("%s-%c", separator, o->letter);
    }
}

static void completion_bash(void)
{
    printf("# bash completion for fcurl\n"
           "_fcurl()\n"
           "{\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    case $prev in\n"
           "    --role) COMPREPLY=($(compgen -W 'responder authorizer filter' -- \"$cur\")); "
           "return ;;\n"
           "    --completion) COMPREPLY=($(compgen -W 'bash zsh' -- \"$cur\")); return ;;\n"
           "    --help | -h) COMPREPLY=($(compgen -W 'all category");
    for (int i = 0; i < CATEGORY_COUNT; i++)
        printf(" %s", categories[i].name);
    printf("' -- \"$cur\")); return ;;\n    ");
    print_names(" | ", true, false);
    printf(") COMPREPLY=($(compgen -f -- \"${cur#@}\")); return ;;\n    ");
    print_names(" | ", false, true);
    printf(") return ;;\n"
           "    esac\n"
           "    case $cur in\n"
           "    -*) COMPREPLY=($(compgen -W '");
    print_names(" ", false, false);
    printf("' -- \"$cur\")) ;;\n"
           "    esac\n"
           "}\n"
           "complete -o default -F _fcurl fcurl\n");
}

static void print_zsh_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void completion_zsh(void)
{
    const struct option *options[OPTIONS_MAX];
    size_t count = collect(~0u, options);

    puts("#compdef fcurl\n"
         "# zsh completion for fcurl\n"
         "_arguments -s -S \\");
    for (size_t i = 0; i < count; i++) {
        const struct option *o = options[i];
        if (o->letter)
            printf("  '*'{-%c,--%s}'[", o->letter, o->name);
        else
            printf("  '*--%s[", o->name);
        print_zsh_text(o->help);
        putchar(']');
        if (o->value) {
            printf(":%s", o->optional ? ":" : "");
            print_zsh_text(o->value);
            printf(":%s", takes_file(o) ? "_files" : "");
        }
        puts("' \\");
    }
    puts("  '*:URL:_urls'");
}

bool help_completion(const char *shell)
{
    if (strcmp(shell, "bash") == 0)
        completion_bash();
    else if (strcmp(shell, "zsh") == 0)
        completion_zsh();
    else
        return false;
    return true;
}
