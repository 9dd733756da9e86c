/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * What libvirt's qemu hook is called for, https://libvirt.org/hooks.html, and
 * what pasidctl makes of it. Pure.
 */

typedef enum HookAction {
        HOOK_NOTHING,
        HOOK_RESERVE,   /* about to start: have the daemon set the quota aside */
        HOOK_CONFIRM,   /* runs now: is the quota in force? */
        HOOK_RECONNECT, /* libvirt restarted and found it running */
        HOOK_RELEASE,   /* gone */
        _HOOK_ACTION_MAX,
} HookAction;

/* Operations and sub-operations that are not known are none of pasidctl's business: HOOK_NOTHING. */
HookAction hook_action(const char *operation, const char *sub_operation);

/*
 * May the hook fail? Only where libvirt then gives up starting the machine; the
 * failure of a "reconnect" would kill one that runs.
 */
bool hook_action_may_fail(HookAction action);

/* Is the daemon worth starting for it? One that is not there has nothing to confirm or to release. */
bool hook_action_starts_daemon(HookAction action);

typedef enum HookVerdict {
        HOOK_VERDICT_REFUSED,   /* the daemon does not want this machine to start */
        HOOK_VERDICT_UNLIMITED, /* nothing to limit: the host has no PASIDs */
        HOOK_VERDICT_UNKNOWN,   /* it did not come to a decision: HookWithoutDaemon= decides */
} HookVerdict;

/* What a D-Bus error in answer to Reserve means. */
HookVerdict hook_verdict(const char *error_name);
