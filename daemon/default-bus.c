/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager about the default quota. */

#include <inttypes.h>

#include "bus-error.h"
#include "bus-names.h"
#include "bus.h"
#include "default-bus.h"
#include "override-change.h"
#include "polkit.h"

int default_bus_change(Manager *m, const Defaults *defaults, sd_bus_error *error) {
        const State *runtime = m->state.runtime, *persistent = m->state.persistent;
        uint32_t old_runtime = runtime->default_quota, old_persistent = persistent->default_quota;
        const Defaults old = {
                .runtime = runtime->default_quota_set ? &old_runtime : NULL,
                .persistent = persistent->default_quota_set ? &old_persistent : NULL,
        };
        int r;

        r = state_store_set_default(&m->state, defaults->runtime, defaults->persistent);
        if (r < 0)
                return bus_error_setf(error, PASIDD_ERROR_NOT_SAVED,
                        "The default quota could not be saved: %s", strerror(-r));

        r = manager_apply_default_quota(m);
        if (r < 0) {
                int k;

                /* The kernel has kept the old one, which was its refusal. */
                k = state_store_undo_default(&m->state, old.runtime, old.persistent);
                if (k < 0)
                        log_error_errno(k, "Cannot take the change of the default quota back in a file: %m");
                return bus_error_setf(error, PASIDD_ERROR_NOT_APPLIED,
                        "The kernel did not take the default quota: %s", strerror(-r));
        }

        manager_apply_all(m);
        manager_queue_changes(m, MANAGER_CHANGED_DEFAULT);
        return 0;
}

/* As override_await_turn(). */
static int await_turn(Manager *m, sd_bus_message *message, AuthorizedHandler handler, bool runtime,
        bool dry_run, sd_bus_error *error) {
        if (dry_run)
                return 0;

        return override_await_turn(m, message, handler, OVERRIDE_DEFAULT, "", !runtime, error);
}

static int answer_change(Manager *m, sd_bus_message *message, sd_bus_message *reply, const Defaults *defaults,
        bool dry_run, sd_bus_error *error) {
        const OverrideChange change = {
                .kind = OVERRIDE_DEFAULT,
                .key = "",
                .runtime = override_setting(defaults->runtime),
                .persistent = override_setting(defaults->persistent),
        };

        return dry_run ? sd_bus_message_send(reply) : override_change(m, message, reply, &change, error);
}

static int set_default_quota(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t quota, old_persistent = m->state.persistent->default_quota;
        uint32_t previous = manager_default_quota(m, NULL);
        int runtime = false, dry_run = false, r;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
        };
        Defaults defaults = {};

        r = sd_bus_message_read(message, "u", &quota);
        if (r >= 0)
                r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = bus_check_quota("Quota", quota, error);
        if (r >= 0)
                r = await_turn(m, message, set_default_quota, runtime, dry_run, error);
        if (r != 0)
                return r;

        /* With the persistent one the other goes, because it would still win. */
        if (runtime)
                defaults.runtime = &quota;
        if (!runtime)
                defaults.persistent = &quota;
        else if (m->state.persistent->default_quota_set)
                defaults.persistent = &old_persistent;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "u", previous);
        if (r < 0)
                return r;

        return answer_change(m, message, reply, &defaults, dry_run, error);
}

static int reset_default_quota(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t old_persistent = m->state.persistent->default_quota, quota = m->config->default_quota;
        DefaultSource source = DEFAULT_SOURCE_CONFIG;
        int runtime = false, dry_run = false, r;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
        };
        Defaults defaults = {};

        r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = await_turn(m, message, reset_default_quota, runtime, dry_run, error);
        if (r != 0)
                return r;

        if (runtime && m->state.persistent->default_quota_set) {
                defaults.persistent = &old_persistent;
                quota = old_persistent;
                source = DEFAULT_SOURCE_PERSISTENT;
        }

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "us", quota, default_source_to_string(source));
        if (r < 0)
                return r;

        return answer_change(m, message, reply, &defaults, dry_run, error);
}

static int method_reset_default_quota(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return polkit_authorize(
                userdata, message, PASIDD_ACTION_SET_DEFAULT, NULL, reset_default_quota, error);
}

static int method_set_default_quota(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        char text[sizeof("4294967295")];
        uint32_t quota;
        int r;

        r = sd_bus_message_read(message, "u", &quota);
        if (r >= 0)
                r = bus_check_quota("Quota", quota, error);
        if (r < 0)
                return r;

        snprintf(text, sizeof(text), "%" PRIu32, quota);
        return polkit_authorize(userdata, message, PASIDD_ACTION_SET_DEFAULT,
                (const char *const[]) { "quota", text, NULL }, set_default_quota, error);
}

static const sd_bus_vtable default_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("SetDefaultQuota", SD_BUS_ARGS("u", quota, "a{sv}", options),
                SD_BUS_RESULT("u", previous), method_set_default_quota, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResetDefaultQuota", SD_BUS_ARGS("a{sv}", options),
                SD_BUS_RESULT("u", quota, "s", source), method_reset_default_quota,
                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int default_bus_add(Manager *m) {
        return sd_bus_add_object_vtable(
                m->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, default_vtable, m);
}
