/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"

/*
 * What should be against what is. Everything that may have changed unseen leads
 * here: lost events, systemd or machined coming back, somebody who asks.
 */

/* Why; in words for the log. */
void reconcile_begin(Control *control, const char *why);

/* The same for a caller: handlers->reconciled() is called with what was changed, maybe at once. -ENOMEM. */
int reconcile_for_caller(Control *control);

/* Events were lost, and the list of sets is coming by itself. */
void reconcile_expect_sets(Control *control);

/* A full list of sets has come; machines are known (or not to be had). */
void reconcile_sets_listed(Control *control);
void reconcile_machines_listed(Control *control);

/* No caller waits any more. */
void reconcile_forget_caller(Control *control);
void reconcile_free(Control *control);
