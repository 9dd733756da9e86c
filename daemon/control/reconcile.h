/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/*
 * Compares the desired values with the actual ones. Needed when changes may have
 * been missed: events were lost, systemd or machined came back, or on request.
 */

/* Starts a reconciliation. reason: for the log. */
void reconcile_begin(Control *control, const char *reason);

/*
 * The same on request of a caller: handlers->reconciled() is called with the changes, possibly before this returns.
 * Returns 0 or -ENOMEM.
 */
int reconcile_for_caller(Control *control);

/* To be called when events were lost and a dump of all sets will follow. */
void reconcile_expect_sets(Control *control);

/* To be called when a dump of all sets has been processed, and when the state of machined's list has changed. */
void reconcile_sets_complete(Control *control);
void reconcile_machines_complete(Control *control);

/* To be called when no caller waits for the result any more. */
void reconcile_forget_caller(Control *control);
void reconcile_free(Control *control);
