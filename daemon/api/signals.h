/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "event-log.h"
#include "vm.h"

/* Signals of the daemon. Without a connection to the bus, nothing is sent. */

/*
 * Takes the pending changes of the world, and sends VMRemoved, VMAdded and
 * PropertiesChanged for them. If there are very many, the rest stays pending.
 */
void signals_send_changes(Api *api);

/* Sends PropertiesChanged for these properties (VMChange) of a VM. */
void signals_send_vm_changes(Api *api, const VM *vm, unsigned changes);

void signals_quota_exceeded(Api *api, const VM *vm, const KernelMessage *message);
void signals_watermark_reached(Api *api, const VM *vm, const KernelMessage *message);

/* Sends the signal of an event, if it has one. */
void signals_event(Api *api, const Event *event);
