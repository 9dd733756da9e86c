/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager that list and change overrides, including those of VMs that do not run. */

#include <inttypes.h>

#include "bus-names.h"
#include "bus-options.h"
#include "override-bus.h"
#include "override-queue.h"
#include "override-row.h"
#include "polkit.h"
#include "slice-bus.h"
#include "slice-limit.h"
#include "vm.h"

static int append_override(sd_bus_message *reply, const char *layer, const char *kind, const char *key,
        const char *name, const QuotaSetting *setting) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "ssssa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "ssss", layer, kind, key, strempty(name));
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        if (r >= 0 && setting->quota_set)
                r = sd_bus_message_append(reply, "{sv}", "quota", "u", setting->quota);
        if (r >= 0 && setting->watermark_set)
                r = sd_bus_message_append(reply, "{sv}", "watermark", "u", setting->watermark);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);

        return r;
}

static int append_layer(sd_bus_message *reply, const char *layer, const State *state) {
        int r = 0;

        if (state->default_quota_set) {
                const QuotaSetting s = { .quota = state->default_quota, .quota_set = true };

                r = append_override(reply, layer, OVERRIDE_KIND_DEFAULT, "", NULL, &s);
        }

        for (size_t i = 0; r >= 0 && i < state->n_slices; i++) {
                const StateSlice *slice = &state->slices[i];
                const QuotaSetting s = { .quota = slice->limit, .quota_set = true };

                if (slice->limit_set)
                        r = append_override(reply, layer, OVERRIDE_KIND_SLICE, slice->name, NULL, &s);
        }

        for (size_t i = 0; r >= 0 && i < state->n_entries; i++) {
                const StateEntry *e = &state->entries[i];

                if (!setting_is_empty(&e->override))
                        r = append_override(reply, layer, OVERRIDE_KIND_VM, e->key, e->name, &e->override);
        }

        return r;
}

static int method_list_overrides(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Api *api = userdata;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssa{sv})");
        if (r >= 0)
                r = append_layer(reply, OVERRIDE_LAYER_RUNTIME, api->world->state.runtime);
        if (r >= 0)
                r = append_layer(reply, OVERRIDE_LAYER_PERSISTENT, api->world->state.persistent);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

/* The arguments of SetOverride. Must not be copied, see OverrideRow. */
typedef struct Arguments {
        OverrideRow row;
        int dry_run;
} Arguments;

/* Returns the current overrides of the key, for the caller to modify. */
static OverrideChange make_change(Api *api, const OverrideRow *row) {
        const State *runtime = api->world->state.runtime, *persistent = api->world->state.persistent;
        OverrideChange change = {
                .kind = row->kind,
                .key = row->key,
                .name = isempty(row->name) ? NULL : row->name,
        };

        if (row->kind == OVERRIDE_DEFAULT) {
                change.runtime =
                        override_setting(runtime->default_quota_set ? &runtime->default_quota : NULL);
                change.persistent =
                        override_setting(persistent->default_quota_set ? &persistent->default_quota : NULL);
        } else if (row->kind == OVERRIDE_SLICE) {
                const SliceOverrides overrides = slice_get_overrides(api->world, row->key);

                change.runtime = override_setting(overrides.runtime);
                change.persistent = override_setting(overrides.persistent);
        } else {
                const VM *vm = vm_find_by_key(api->world, row->key);

                if (vm)
                        change.name = vm->name;
                change.runtime = state_get_override(runtime, row->key);
                change.persistent = state_get_override(persistent, row->key);
        }

        return change;
}

static int read_arguments(sd_bus_message *message, Arguments *ret, sd_bus_error *error) {
        const BusOption options[] = {
                { "dry-run", 'b', &ret->dry_run },
        };
        int r;

        *ret = (Arguments) {};
        r = override_row_read(message, &ret->row, error);
        if (r >= 0)
                r = bus_read_options(message, options, ELEMENTSOF(options), error);

        return r;
}

static int set_override(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        OverrideChange change;
        QuotaSetting *layer;
        Arguments args;
        const OverrideRow *row = &args.row;
        bool changes;
        int r;

        r = read_arguments(message, &args, error);
        if (r < 0)
                return r;

        r = override_row_check(api, row, error);
        if (r >= 0 && row->kind == OVERRIDE_VM)
                r = polkit_check_vm(caller, vm_find_by_key(api->world, row->key), error);
        if (r >= 0 && !args.dry_run)
                r = override_await_turn(api, message, caller, set_override,
                        &(OverrideScope) { .kind = row->kind, .key = row->key, .persistent = !row->runtime },
                        error);
        if (r != 0)
                return r;

        change = make_change(api, row);
        layer = row->runtime ? &change.runtime : &change.persistent;
        changes = !setting_equal(layer, &row->setting);
        *layer = row->setting;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", changes);
        if (r < 0)
                return r;

        return args.dry_run || !changes ? sd_bus_message_send(reply)
                                        : override_change(api, message, caller, reply, &change);
}

/* Room for all details below and the final NULL. */
#define DETAILS_MAX 13U

/* Adds name and value, unless the value is empty. */
static size_t add_detail(
        const char *details[static DETAILS_MAX], size_t n, const char *name, const char *value) {
        if (isempty(value))
                return n;

        details[n++] = name;
        details[n++] = value;
        return n;
}

/* Uses action and details of the method that changes an existing object, so that polkit rules apply to both. */
static int method_set_override(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *action = PASIDD_ACTION_SET_DEFAULT, *details[DETAILS_MAX] = {};
        char quota[sizeof("4294967295")] = "";
        Api *api = userdata;
        Arguments args;
        const OverrideRow *row = &args.row;
        size_t n = 0;
        int r;

        r = read_arguments(message, &args, error);
        if (r >= 0)
                r = override_row_check(api, row, error);
        if (r < 0)
                return r;

        if (row->setting.quota_set)
                snprintf(quota, sizeof(quota), "%" PRIu32, row->setting.quota);

        if (row->kind == OVERRIDE_VM) {
                const VM *vm = vm_find_by_key(api->world, row->key);

                /* For a VM that does not run, do not pass the caller's name: it is not verified. */
                action = PASIDD_ACTION_SET_QUOTA;
                n = add_detail(details, n, "vm", vm ? vm->name : NULL);
                n = add_detail(details, n, "uuid", vm ? vm->uuid : row->uuid);
        } else if (row->kind == OVERRIDE_SLICE) {
                action = PASIDD_ACTION_SET_SLICE;
                n = add_detail(details, n, "slice", row->key);
                if (row->setting.quota_set && row->setting.quota == LIMIT_NONE)
                        strcpy(quota, "max");
        }

        n = add_detail(details, n, "quota", quota);
        n = add_detail(details, n, "key", row->key);
        (void) add_detail(
                details, n, "layer", row->runtime ? OVERRIDE_LAYER_RUNTIME : OVERRIDE_LAYER_PERSISTENT);

        return polkit_authorize(api, message, action, details, set_override, error);
}

static const sd_bus_vtable override_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("ListOverrides", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ssssa{sv})", overrides),
                method_list_overrides, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetOverride",
                SD_BUS_ARGS("s", layer, "s", kind, "s", key, "s", name, "a{sv}", values, "a{sv}", options),
                SD_BUS_RESULT("b", changed), method_set_override, SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int override_bus_add(Api *api) {
        int r;

        r = sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, override_vtable, api);
        return r < 0 ? r : override_list_bus_add(api);
}
