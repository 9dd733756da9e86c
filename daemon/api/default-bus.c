/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager about the default quota. */

#include <inttypes.h>

#include "bus-error.h"
#include "bus-names.h"
#include "bus-options.h"
#include "default-bus.h"
#include "default-quota.h"
#include "override-queue.h"
#include "polkit.h"

/* The two layers of the default quota; NULL for one that is not set. */
typedef struct Defaults {
        const uint32_t *runtime;
        const uint32_t *persistent;
} Defaults;

/* As override_await_turn(). */
static int await_turn(Api *api, sd_bus_message *message, const Caller *caller, AuthorizedHandler handler,
        bool runtime, sd_bus_error *error) {
        const OverrideScope scope = { .kind = OVERRIDE_DEFAULT, .key = "", .persistent = !runtime };

        return override_await_turn(api, message, caller, handler, &scope, error);
}

static int answer_change(Api *api, sd_bus_message *message, const Caller *caller, sd_bus_message *reply,
        const Defaults *defaults, bool dry_run) {
        const OverrideChange change = {
                .kind = OVERRIDE_DEFAULT,
                .key = "",
                .runtime = override_setting(defaults->runtime),
                .persistent = override_setting(defaults->persistent),
        };

        return dry_run ? sd_bus_message_send(reply) : override_change(api, message, caller, reply, &change);
}

static int set_default_quota(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t quota, old_persistent = api->world->state.persistent->default_quota;
        uint32_t previous = world_default_quota(api->world, NULL);
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
        if (r >= 0 && !dry_run)
                r = await_turn(api, message, caller, set_default_quota, runtime, error);
        if (r != 0)
                return r;

        /* A persistent override also removes the runtime override, which would take precedence. */
        if (runtime)
                defaults.runtime = &quota;
        if (!runtime)
                defaults.persistent = &quota;
        else if (api->world->state.persistent->default_quota_set)
                defaults.persistent = &old_persistent;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "u", previous);
        if (r < 0)
                return r;

        return answer_change(api, message, caller, reply, &defaults, dry_run);
}

static int reset_default_quota(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint32_t old_persistent = api->world->state.persistent->default_quota,
                 quota = api->world->config->default_quota;
        DefaultSource source = DEFAULT_SOURCE_CONFIG;
        int runtime = false, dry_run = false, r;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
        };
        Defaults defaults = {};

        r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0 && !dry_run)
                r = await_turn(api, message, caller, reset_default_quota, runtime, error);
        if (r != 0)
                return r;

        if (runtime && api->world->state.persistent->default_quota_set) {
                defaults.persistent = &old_persistent;
                quota = old_persistent;
                source = DEFAULT_SOURCE_PERSISTENT;
        }

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "us", quota, default_source_to_string(source));
        if (r < 0)
                return r;

        return answer_change(api, message, caller, reply, &defaults, dry_run);
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

int default_bus_add(Api *api) {
        return sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, default_vtable, api);
}
