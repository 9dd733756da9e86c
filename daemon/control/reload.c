/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config-place.h"
#include "default-quota.h"
#include "log.h"
#include "messages.h"
#include "reload.h"
#include "slice-limits.h"
#include "vm-quota.h"

static void apply_to_kernel(Control *control, const Caller *caller) {
        if (slice_limits_update(control) < 0)
                log_oom();
        (void) slice_limits_watch(control);
        slice_limits_reconcile(control, true);
        slice_limits_announce(control, caller);
        default_quota_reconcile(control, true, caller);
}

/* Takes ownership of config. */
static void take_config(Control *control, Config *config, const Caller *caller) {
        Config *old = control->config;
        VM *vm;

        control->config = config;
        control->world.config = config;
        if (control->world.kernel_present)
                apply_to_kernel(control, caller);

        /* Overwrites foreign values. Afterwards no VM refers to a rule of the old configuration. */
        TAILQ_FOREACH (vm, &control->world.vms, entries)
                vm_reconcile(vm, true, caller);
        config_free(old);
}

int control_reload(Control *control, const Caller *caller, char **ret_error) {
        uint32_t default_before = world_default_quota(&control->world, NULL);
        Config *config;
        int r;

        control->handlers->reload_begins(control->userdata);

        r = config_place_load(control->place, &config, ret_error);
        if (r < 0) {
                log_context(LOG_ERR, &(LogContext) { .message_id = MESSAGE_CONFIG_REJECTED },
                        "The new configuration is rejected, the old one stays: %s",
                        *ret_error ? *ret_error : strerror(-r));
                control->handlers->reload_ends(control->userdata);
                return r;
        }

        take_config(control, config, caller);

        /* The source of the default cannot change, because overrides stay. */
        world_queue_changes(&control->world,
                world_default_quota(&control->world, NULL) != default_before ? WORLD_CHANGED_DEFAULT : 0);
        log_info("The configuration has been reloaded.");
        control->handlers->reload_ends(control->userdata);
        return 0;
}
