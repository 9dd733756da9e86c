/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "set.h"

/*
 * Limits for scopes that machined has not announced yet. Users can keep machined
 * busy, so a new VM must not depend on its answer: the scope is recognised by
 * the name that libvirt gives it, and gets the quota that the hook has announced
 * for the VM of this name. machined's announcement replaces the limit.
 */

/*
 * To be called when there is a unit's cgroup without a VM. Limits it if it is the scope of an announced VM. May be
 * called again.
 */
void early_limit_scope_appeared(Control *control, const char *unit, const char *unit_path);

/* The same for the unit of a set; also writes the set's quota and watermark. */
void early_limit_apply_set(Control *control, const Set *set, const char *unit, const char *unit_path);

/* To be called when the cgroup is assigned to a VM, which then manages the limit. */
void early_limit_forget(Control *control, const char *unit_path);

/*
 * To be called when machined says that the unit is not a VM. Removes the limit, unless it has been changed by another
 * process.
 */
void early_limit_withdraw(Control *control, const char *unit);

/*
 * To be called when announcements or overrides may have changed. Returns true if a limit has changed: sets without a VM get
 * it with the next attempt to match them.
 */
bool early_limits_refresh(Control *control);

/* To be called when the list of machines is requested: it will contain the machines of all current scopes. */
void early_limits_expect_machines(Control *control);

/* To be called when the list has been processed: removes the limits of expected scopes that are not VMs. */
void early_limits_withdraw_unexpected(Control *control);

/* To be called when a cgroup is gone, with everything below it. */
void early_limits_gone(Control *control, const char *cgroup);

void early_limits_free(Control *control);

extern const LimitOps early_limit_ops;
