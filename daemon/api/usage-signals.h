/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"

/*
 * PropertiesChanged for what VMs hold. An allocation raises no event in the
 * kernel, so the counters are looked at now and then, while somebody wants
 * to know. However many VMs there are, so many are looked at in each turn and
 * no more: that bounds our work and what a listener has to take in.
 */

/* Somebody has come to listen. All VMs are announced once, since what he has read may have changed. sent: about so many bytes of signals went to each listener. */
int usage_signals_start(Api *api, void (*sent)(Api *api, uint64_t bytes));

/* Nobody listens any more. */
void usage_signals_stop(Api *api);
