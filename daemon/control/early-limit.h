/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control.h"
#include "set.h"

/*
 * Limits of scopes that systemd-machined has said nothing of yet. Anybody can
 * keep machined busy, so a new VM does not wait for it: the scope is found by
 * the name that libvirt gives it, and gets the quota of the VM of this name
 * that the hook has announced. What machined says replaces that.
 */

/* A unit's cgroup that is no VM's exists. Does nothing unless it is the scope of a VM that was announced. May be called again. */
void early_limit_scope_appeared(Control *control, const char *unit, const char *unit_path);

/* The same for the unit of a set; and the set gets the quota, too. */
void early_limit_apply_set(Control *control, const Set *set, const char *unit, const char *unit_path);

/* The cgroup is a VM's from now on, and its limit the VM's affair. */
void early_limit_forget(Control *control, const char *unit_path);

/* machined says that the unit is not a VM's: it has no limit again, unless somebody else has set one. */
void early_limit_withdraw(Control *control, const char *unit);

/*
 * What was announced, or what administrators have said of it, may have changed. Returns whether that changed a limit:
 * those of sets that have no VM yet are written with the next attempt to find it.
 */
bool early_limits_refresh(Control *control);

/* The list of machines is asked for: it will have the machines of all scopes that there are. */
void early_limits_expect_machines(Control *control);

/* All of the list is known, and has VMs of their own: those that were expected and are not VMs' have no limit again. */
void early_limits_withdraw_unexpected(Control *control);

/* A cgroup is gone, with all below it. */
void early_limits_gone(Control *control, const char *cgroup);

void early_limits_free(Control *control);

extern const LimitOps early_limit_ops;
