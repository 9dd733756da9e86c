/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * PropertiesChanged for the usage of VMs. The kernel has no events for
 * allocations, so the counters are polled while there are subscribers. The
 * number of VMs per turn is limited, which bounds the daemon's work and the
 * number of signals.
 */

/*
 * To be called for each new subscriber. All VMs are announced once, because what the subscriber has read may be outdated.
 * sent is called with the approximate size of the signals sent to each subscriber. Returns 0 or a negative errno.
 */
int usage_signals_start(Api *api, void (*sent)(Api *api, uint64_t bytes));

/* To be called when there are no subscribers left. */
void usage_signals_stop(Api *api);
