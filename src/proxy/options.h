/* SPDX-License-Identifier: MIT
 *
 * proxy/options.h: weir's command line. */
#ifndef PROXY_OPTIONS_H
#define PROXY_OPTIONS_H

#include "proxy/proxy.h"

enum options_result { OPTIONS_RUN, OPTIONS_EXIT, OPTIONS_ERROR };

/* Reads the command line. OPTIONS_EXIT: help or version was printed. OPTIONS_ERROR: a line on
 * stderr says what is wrong. */
enum options_result options_parse(int argc, char **argv, struct proxy_options *ret_options);

#endif
