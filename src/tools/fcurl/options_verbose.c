/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_verbose.c: how much fcurl says. */
#include "tools/fcurl/table.h"

static bool set_no_progress_meter(struct option_call *call)
{
    call->global->no_progress_meter = !call->on;
    return true;
}

static const struct option table[] = {
    {.name = "silent",
     .letter = 's',
     .kind = OPTION_FLAG,
     OF_GLOBAL(silent),
     .categories = CATEGORY_IMPORTANT | CATEGORY_VERBOSE,
     .help = "Silent mode",
     .man = "No progress meter and no error messages."},
    {.name = "show-error",
     .letter = 'S',
     .kind = OPTION_FLAG,
     OF_GLOBAL(show_error),
     .categories = CATEGORY_FCURL | CATEGORY_VERBOSE,
     .help = "Show error even when -s is used",
     .man = "With --silent, error messages are shown all the same."},
    {.name = "verbose",
     .letter = 'v',
     .kind = OPTION_FLAG,
     OF_GLOBAL(verbose),
     .categories = CATEGORY_IMPORTANT | CATEGORY_VERBOSE,
     .help = "Make the operation more talkative",
     .man = "Shows on stderr what is sent (`>`: parameters), what comes (`<`: the response's "
            "header) and what happens (`*`)."},
    {.name = "trace",
     .kind = OPTION_STRING,
     OF_GLOBAL(trace),
     .value = "file",
     .categories = CATEGORY_VERBOSE,
     .help = "Write a debug trace to FILE",
     .man = "Writes all that is sent and received with hex dumps; `-` is stdout, `%` is stderr."},
    {.name = "trace-ascii",
     .kind = OPTION_STRING,
     OF_GLOBAL(trace_ascii),
     .value = "file",
     .categories = CATEGORY_VERBOSE,
     .help = "Like --trace, but without hex output",
     .man = "As --trace, without the hex part."},
    {.name = "trace-time",
     .kind = OPTION_FLAG,
     OF_GLOBAL(trace_time),
     .categories = CATEGORY_VERBOSE,
     .help = "Add time stamps to trace/verbose output",
     .man = "Puts the time before each line of --verbose, --trace and --records."},
    {.name = "progress-bar",
     .letter = '#',
     .kind = OPTION_FLAG,
     OF_GLOBAL(progress_bar),
     .categories = CATEGORY_VERBOSE,
     .help = "Display transfer progress as a bar",
     .man = "A bar instead of the progress meter."},
    {.name = "progress-meter",
     .kind = OPTION_CALL,
     .set = set_no_progress_meter,
     .categories = CATEGORY_VERBOSE,
     .help = "Show the progress meter (--no-...: do not)",
     .man = "`--no-progress-meter` leaves it out, but not messages. The meter is shown for "
            "transfers whose output goes to a file or into a pipe."},
    {.name = "styled-output",
     .kind = OPTION_FLAG,
     OF_GLOBAL(styled_output),
     .categories = CATEGORY_VERBOSE,
     .help = "Enable styled output for HTTP headers",
     .man = "Names of headers in bold when stdout is a terminal; on unless switched off with "
            "`--no-styled-output`."},
    {.name = "stderr",
     .kind = OPTION_STRING,
     OF_GLOBAL(stderr_file),
     .value = "file",
     .categories = CATEGORY_VERBOSE,
     .help = "Where to redirect stderr",
     .man = "Writes everything meant for stderr to the file; `-` is stdout."},
};

const struct option_group options_verbose = GROUP("Messages", table);
