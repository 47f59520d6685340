/* SPDX-License-Identifier: MIT
 *
 * tools/fcurl/options_retry.c */
#include "tools/fcurl/table.h"

static const struct option table[] = {
    {.name = "retry",
     .kind = OPTION_NUMBER,
     OF_CONFIG(retry),
     .value = "num",
     .categories = CATEGORY_FCURL,
     .help = "Retry request if transient problems occur",
     .man = "How often to try again after a timeout, OVERLOADED, or a status of 408, 429, 500, "
            "502, 503 or 504. The pauses are 1, 2, 4 ... seconds, at most 10 minutes, or what "
            "Retry-After says."},
    {.name = "retry-delay",
     .kind = OPTION_SECONDS,
     OF_CONFIG(retry_delay),
     .value = "seconds",
     .categories = CATEGORY_FCURL,
     .help = "Wait time between retries",
     .man = "The pause before each retry, instead of growing ones."},
    {.name = "retry-max-time",
     .kind = OPTION_SECONDS,
     OF_CONFIG(retry_max_time),
     .value = "seconds",
     .categories = CATEGORY_FCURL,
     .help = "Retry only within this period",
     .man = "No retry is begun when this much time has passed since the first try."},
    {.name = "retry-connrefused",
     .kind = OPTION_FLAG,
     OF_CONFIG(retry_connrefused),
     .categories = CATEGORY_FCURL,
     .help = "Retry on connection refused (use with --retry)",
     .man = "Tries again also when nobody listens (yet)."},
    {.name = "retry-all-errors",
     .kind = OPTION_FLAG,
     OF_CONFIG(retry_all_errors),
     .categories = CATEGORY_FCURL,
     .help = "Retry all errors (use with --retry)",
     .man = "Tries again after any error. Output that was written is dropped before, if it is a "
            "file."},
};

const struct option_group options_retry = GROUP("Retrying", table);
