/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "override-list.h"

/* The quota that the kernel gives new sets, and that VMs without an own one get. */

/* Tells the kernel. Fails when the kernel did not take it; then it is tried again. */
int default_quota_apply(Control *control);

/* Nothing announces a write of it: it is compared here. asked: as vm_reconcile(). */
void default_quota_reconcile(Control *control, bool asked);

/* The two layers of the default quota; NULL for one that is not set. */
typedef struct Defaults {
        const uint32_t *runtime;
        const uint32_t *persistent;
} Defaults;

/* The kernel and the runtime file have them, or neither; then *ret_error (to be freed) says why. */
OverrideResult default_quota_change(Control *control, const Defaults *defaults, char **ret_error);
