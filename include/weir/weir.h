/* SPDX-License-Identifier: MIT
 *
 * weir/weir.h: all of libweir. */
#ifndef WEIR_WEIR_H
#define WEIR_WEIR_H

#include <weir/client.h>
#include <weir/error.h>
#include <weir/exchange.h>
#include <weir/file.h>
#include <weir/form.h>
#include <weir/server.h>
#include <weir/str.h>
#include <weir/tls.h>
#include <weir/version.h>
#include <weir/wire.h>

#endif
