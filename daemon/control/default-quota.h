/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "caller.h"
#include "control.h"
#include "misc-file.h"

/*
 * The quota that the kernel gives new sets, and that VMs without an own one get. caller: who asked for what changes, for the
 * event that says so; NULL: nobody.
 */

/* Tells the kernel. What fails is logged and tried again. asked: as vm_reconcile(). */
void default_quota_apply(Control *control, bool asked, const Caller *caller);

/* Nothing announces a write of it: it is compared here. */
void default_quota_reconcile(Control *control, bool asked, const Caller *caller);

/*
 * For a change that may be taken back, see limits_try(). The first: the kernel has the default of the state, which is a new
 * one; VMs follow it. The second writes the old one again.
 */
void default_quota_commit(Control *control, const Caller *caller);
void default_quota_take_back(Control *control, const MiscValues *before);

extern const LimitOps default_quota_ops;
