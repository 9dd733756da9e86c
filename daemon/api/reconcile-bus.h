/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "change-list.h"

/* Calls of Manager.Reconcile. */

/* Has everything reconciled, and answers the call with what was changed once that is done. As a method handler. */
int reconcile_bus_call(Api *api, sd_bus_message *message);

/* That is done: answers all calls. */
void reconcile_bus_done(Api *api, const ChangeList *changes);

/* The bus is gone: nobody waits for an answer any more. */
void reconcile_bus_forget(Api *api);
