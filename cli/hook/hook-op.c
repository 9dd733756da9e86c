/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-op.h"

#include "bus-names.h"
#include "macro.h"

static const struct {
        const char *operation;
        const char *sub_operation;
        HookAction action;
} hook_table[] = {
        { "prepare", "begin", HOOK_RESERVE },
        { "migrate", "begin", HOOK_RESERVE },
        /*
         * Not "restore", which "prepare" follows: if a hook fails "restore", libvirt removes the managed
         * save image as if it had been restored. */
        { "started", "begin", HOOK_CONFIRM },
        { "reconnect", "begin", HOOK_RECONNECT },
        { "stopped", "end", HOOK_RELEASE },
        { "release", "end", HOOK_RELEASE },
};

HookAction hook_action(const char *operation, const char *sub_operation) {
        for (size_t i = 0; i < ELEMENTSOF(hook_table); i++)
                if (streq_ptr(hook_table[i].operation, operation) &&
                        streq_ptr(hook_table[i].sub_operation, sub_operation))
                        return hook_table[i].action;
        return HOOK_NOTHING;
}

bool hook_action_may_fail(HookAction action) {
        return action == HOOK_RESERVE;
}

bool hook_action_starts_daemon(HookAction action) {
        return action == HOOK_RESERVE || action == HOOK_RECONNECT;
}

HookVerdict hook_verdict(const char *error_name) {
        /* Not InvalidArgs: a daemon older than this program returns it. */
        static const char *const refusals[] = {
                PASIDD_ERROR_NOT_ADMITTED,
                PASIDD_ERROR_INVALID_QUOTA,
        };

        if (streq_ptr(error_name, PASIDD_ERROR_NOT_SUPPORTED))
                return HOOK_VERDICT_UNLIMITED;
        for (size_t i = 0; i < ELEMENTSOF(refusals); i++)
                if (streq_ptr(refusals[i], error_name))
                        return HOOK_VERDICT_REFUSED;
        return HOOK_VERDICT_UNKNOWN;
}
