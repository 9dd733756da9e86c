/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "api.h"
#include "change-list.h"

/* Calls of Manager.Reconcile. */

/* Starts a reconciliation, after which the call is answered with the changes. Returns as a method handler. */
int reconcile_bus_call(Api *api, sd_bus_message *message);

/* To be called when the reconciliation is done: answers all pending calls. */
void reconcile_bus_done(Api *api, const ChangeList *changes);

/* Drops all pending calls. */
void reconcile_bus_forget(Api *api);
