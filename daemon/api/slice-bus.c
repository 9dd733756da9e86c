/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager about the limits of slices, and its properties about admission. */

#include <inttypes.h>

#include "admission.h"
#include "bus-error.h"
#include "bus-names.h"
#include "bus-options.h"
#include "cgroup-path.h"
#include "origin.h"
#include "override-queue.h"
#include "polkit.h"
#include "slice-bus.h"
#include "usage.h"
#include "vm-policy.h"

static uint32_t clamp(uint64_t value) {
        return value < UINT32_MAX ? (uint32_t) value : UINT32_MAX;
}

static int append_slice(Api *api, sd_bus_message *reply, const SliceLimit *slice) {
        _cleanup_free_ char *origin = NULL;
        int r;

        r = slice_limit_origin(slice, &origin);
        if (r < 0)
                return r;

        return sd_bus_message_append(reply, "(sssutuubs)", slice->name, slice_source_to_string(slice->source),
                origin, slice->limit, slice_limit_committed(slice), slice_read_allocated(api->control, slice),
                slice_read_peak(api->control, slice), limit_is_in_force(&slice->misc_max),
                strempty(slice->misc_max.error));
}

static int method_list_slices(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Api *api = userdata;
        SliceLimit *slice;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sssutuubs)");
        if (r < 0)
                return r;

        control_refresh_counters(api->control);

        TAILQ_FOREACH (slice, &api->world->slice_limits, entries) {
                r = append_slice(api, reply, slice);
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

int slice_bus_append_limits(Api *api, sd_bus_message *reply, const VM *vm) {
        uint64_t allocated = control_read_current(api->control, MISC_PASID);
        SliceLimit *slice;
        int r;

        control_refresh_counters(api->control);
        r = sd_bus_message_open_container(reply, 'a', "(sssutub)");
        if (r >= 0)
                r = sd_bus_message_append(reply, "(sssutub)", "", "kernel", "misc.capacity",
                        api->world->capacity, world_committed(api->world, NULL), clamp(allocated), true);
        if (r < 0)
                return r;

        TAILQ_FOREACH (slice, &api->world->slice_limits, entries) {
                _cleanup_free_ char *origin = NULL;

                if (!vm_is_in_slice(vm, slice->name))
                        continue;

                r = slice_limit_origin(slice, &origin);
                if (r >= 0)
                        r = sd_bus_message_append(reply, "(sssutub)", slice->name,
                                slice_source_to_string(slice->source), origin, slice->limit,
                                slice_limit_committed(slice), slice_read_allocated(api->control, slice),
                                limit_is_in_force(&slice->misc_max));
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

int slice_bus_check_name(const char *name, sd_bus_error *error) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = cgroup_path_from_slice(name, &path);
        if (r == -EINVAL)
                return bus_error_setf(
                        error, PASIDD_ERROR_INVALID_SLICE, "\"%s\" is not a valid slice name.", name);
        if (r < 0)
                return r;
        if (streq(name, "-.slice"))
                return sd_bus_error_set(error, PASIDD_ERROR_INVALID_SLICE,
                        "The root slice cannot have a limit, it has the capacity.");

        return 0;
}

/* As override_await_turn(). */
static int await_turn(Api *api, sd_bus_message *message, const Caller *caller, AuthorizedHandler handler,
        const char *name, bool runtime, sd_bus_error *error) {
        const OverrideScope scope = { .kind = OVERRIDE_SLICE, .key = name, .persistent = !runtime };

        return override_await_turn(api, message, caller, handler, &scope, error);
}

static int answer_override(Api *api, sd_bus_message *message, const Caller *caller, const char *name,
        const SliceOverrides *overrides, uint32_t limit, SliceSource source, bool dry_run) {
        const OverrideChange change = {
                .kind = OVERRIDE_SLICE,
                .key = name,
                .runtime = override_setting(overrides->runtime),
                .persistent = override_setting(overrides->persistent),
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "us", limit, slice_source_to_string(source));
        if (r < 0)
                return r;

        return dry_run ? sd_bus_message_send(reply) : override_change(api, message, caller, reply, &change);
}

static int set_slice_quota(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        int runtime = false, dry_run = false, r;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
        };
        SliceOverrides overrides;
        uint32_t quota, previous;
        SliceSource source;
        const char *name;

        r = sd_bus_message_read(message, "su", &name, &quota);
        if (r >= 0)
                r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = slice_bus_check_name(name, error);
        if (r >= 0 && quota != LIMIT_NONE)
                r = bus_check_quota("Limit", quota, error);
        if (r >= 0 && !dry_run)
                r = await_turn(api, message, caller, set_slice_quota, name, runtime, error);
        if (r != 0)
                return r;

        overrides = slice_get_overrides(api->world, name);
        previous = slice_resolve(api->world, name, &overrides, NULL);
        if (runtime)
                overrides.runtime = &quota;
        else
                /* Also removes the runtime override, which would take precedence. */
                overrides = (SliceOverrides) { .persistent = &quota };
        (void) slice_resolve(api->world, name, &overrides, &source);

        return answer_override(api, message, caller, name, &overrides, previous, source, dry_run);
}

static int reset_slice_quota(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        int runtime = false, dry_run = false, r;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
        };
        SliceOverrides overrides;
        SliceSource source;
        const char *name;
        uint32_t quota;

        r = sd_bus_message_read(message, "s", &name);
        if (r >= 0)
                r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = slice_bus_check_name(name, error);
        if (r >= 0 && !dry_run)
                r = await_turn(api, message, caller, reset_slice_quota, name, runtime, error);
        if (r != 0)
                return r;

        overrides = slice_get_overrides(api->world, name);
        overrides.runtime = NULL;
        if (!runtime)
                overrides.persistent = NULL;
        quota = slice_resolve(api->world, name, &overrides, &source);

        return answer_override(api, message, caller, name, &overrides, quota, source, dry_run);
}

static int method_set_slice_quota(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        char text[sizeof("4294967295")];
        const char *name;
        uint32_t quota;
        int r;

        r = sd_bus_message_read(message, "su", &name, &quota);
        if (r >= 0)
                r = slice_bus_check_name(name, error);
        if (r >= 0 && quota != LIMIT_NONE)
                r = bus_check_quota("Limit", quota, error);
        if (r < 0)
                return r;

        snprintf(text, sizeof(text), "%" PRIu32, quota);
        return polkit_authorize(userdata, message, PASIDD_ACTION_SET_SLICE,
                (const char *const[]) { "slice", name, "quota", quota == LIMIT_NONE ? "max" : text, NULL },
                set_slice_quota, error);
}

static int method_reset_slice_quota(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *name;
        int r;

        r = sd_bus_message_read(message, "s", &name);
        if (r >= 0)
                r = slice_bus_check_name(name, error);
        if (r < 0)
                return r;

        return polkit_authorize(userdata, message, PASIDD_ACTION_SET_SLICE,
                (const char *const[]) { "slice", name, NULL }, reset_slice_quota, error);
}

static int property_admission(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "s", admission_to_string(api->world->config->admission));
}

static int property_ratio(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "d", (double) api->world->config->overcommit_ratio / RATIO_ONE);
}

static int property_commit_limit(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "t", admission_host_commit_limit(api->world));
}

static const sd_bus_vtable slice_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("ListSlices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sssutuubs)", slices),
                method_list_slices, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetSliceQuota", SD_BUS_ARGS("s", slice, "u", quota, "a{sv}", options),
                SD_BUS_RESULT("u", previous, "s", source), method_set_slice_quota,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResetSliceQuota", SD_BUS_ARGS("s", slice, "a{sv}", options),
                SD_BUS_RESULT("u", quota, "s", source), method_reset_slice_quota, SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_PROPERTY("Admission", "s", property_admission, 0, 0),
        SD_BUS_PROPERTY("OvercommitRatio", "d", property_ratio, 0, 0),
        SD_BUS_PROPERTY("CommitLimit", "t", property_commit_limit, 0, 0),

        SD_BUS_SIGNAL_WITH_ARGS(
                "Overcommitted", SD_BUS_ARGS("s", slice, "t", committed, "t", commit_limit), 0),

        SD_BUS_VTABLE_END,
};

int slice_bus_add(Api *api) {
        return sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, slice_vtable, api);
}
