/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "misc-file.h"

/*
 * The quota that the kernel assigns to new sets, and that VMs without a quota of their own get. caller: who asked for the change,
 * for the event; NULL: nobody.
 */

/* Writes the default to the kernel. Failures are logged and retried. force: also overwrite a foreign value. */
void default_quota_apply(Control *control, bool force, const Caller *caller);

/* Compares the kernel's value, because changes to it are not announced, and writes the default. force: as above. */
void default_quota_reconcile(Control *control, bool force, const Caller *caller);

/*
 * For a transaction, see limits_try(). The first is called when the new default is in the kernel and the state; it updates
 * the VMs that follow the default. The second writes the old default again.
 */
void default_quota_commit(Control *control, const Caller *caller);
void default_quota_take_back(Control *control, const MiscValues *before);

extern const LimitOps default_quota_ops;
