/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "event-log.h"
#include "vm.h"

/* Signals of the daemon. Without a bus nobody is there to hear them. */

/*
 * Takes what has changed in the world, and sends VMRemoved, VMAdded and
 * PropertiesChanged for it. Of very many changes some are left for later.
 */
void signals_send_changes(Api *api);

/* PropertiesChanged for these properties of a VM (VMChange). */
void signals_send_vm_changes(Api *api, const VM *vm, unsigned changes);

void signals_quota_exceeded(Api *api, const VM *vm, const KernelMessage *message);
void signals_watermark_reached(Api *api, const VM *vm, const KernelMessage *message);

/* The signal that goes with an event, if there is one. */
void signals_event(Api *api, const Event *event);
