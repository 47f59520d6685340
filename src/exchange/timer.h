/* SPDX-License-Identifier: MIT
 *
 * exchange/timer.h: weir_after. */
#ifndef EXCHANGE_TIMER_H
#define EXCHANGE_TIMER_H

#include "exchange/exchange.h"

/* Stops the timer of the exchange, if it has one. */
void exchange_timer_stop(weir_exchange *x);

#endif
