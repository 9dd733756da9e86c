/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/*
 * Operations of libvirt's qemu hook (https://libvirt.org/hooks.html) and the
 * actions of pasidctl. Pure functions.
 */

typedef enum HookAction {
        HOOK_NOTHING,
        HOOK_RESERVE,   /* about to start: reserve the quota */
        HOOK_CONFIRM,   /* running: is the quota in force? */
        HOOK_RECONNECT, /* libvirt restarted and found the domain running */
        HOOK_RELEASE,   /* ended */
        _HOOK_ACTION_MAX,
} HookAction;

/* Returns HOOK_NOTHING for unknown operations and sub-operations. */
HookAction hook_action(const char *operation, const char *sub_operation);

/*
 * Can the hook fail? Only where libvirt then cancels the start of the domain; a
 * failure of "reconnect" would kill a running domain.
 */
bool hook_action_may_fail(HookAction action);

/* Does the action start the daemon? Without a running daemon there is nothing to confirm or to release. */
bool hook_action_starts_daemon(HookAction action);

typedef enum HookVerdict {
        HOOK_VERDICT_REFUSED,   /* the daemon refuses the start */
        HOOK_VERDICT_UNLIMITED, /* the host has no PASIDs to limit */
        HOOK_VERDICT_UNKNOWN,   /* no decision: HookWithoutDaemon= decides */
} HookVerdict;

/* The verdict for a D-Bus error returned by Reserve. */
HookVerdict hook_verdict(const char *error_name);
