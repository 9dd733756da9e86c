/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "override-list.h"

/* The quota that the kernel gives new sets, and that VMs without an own one get. */

/* Tells the kernel. What fails is logged and tried again. asked: as vm_reconcile(). */
void default_quota_apply(Control *control, bool asked);

/* Nothing announces a write of it: it is compared here. */
void default_quota_reconcile(Control *control, bool asked);

/* The two layers of the default quota; NULL for one that is not set. */
typedef struct Defaults {
        const uint32_t *runtime;
        const uint32_t *persistent;
} Defaults;

/* The kernel and the runtime file have them, or neither; then *ret_error (to be freed) says why. */
OverrideResult default_quota_change(Control *control, const Defaults *defaults, char **ret_error);

/*
 * The same in steps, for a change that it is a part of; the state has the new default already. The first writes it: 0, or
 * a negative errno with *ret_error (to be freed). Then the second makes it the default, or with the old state the third
 * writes the old one again.
 */
int default_quota_try(Control *control, char **ret_error);
void default_quota_commit(Control *control);
void default_quota_take_back(Control *control);

extern const LimitOps default_quota_ops;
