/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.pasidd1.Manager.SetOverrides: sets many overrides with one authorization. All of them or none. */

#include <limits.h>

#include "bus-error.h"
#include "bus-names.h"
#include "bus-options.h"
#include "call-limits.h"
#include "override-bus.h"
#include "override-queue.h"
#include "override-row.h"
#include "polkit.h"
#include "utf8.h"

/* The longest key: "unit:" and a unit name. Slices are units, too. */
#define KEY_MAX (sizeof(STATE_UNIT_PREFIX) - 1 + NAME_MAX)

/* Limits quoted messages, because an invalid string can be as long as the call. */
#define REASON_MAX 512U

/* Sets the error with a prefix that says which row is invalid. Returns a negative errno. */
static int row_error(
        size_t position, const char *key, const sd_bus_error *reason, int r, sd_bus_error *error) {
        bool shows_key = !isempty(key) && strlen(key) <= KEY_MAX && utf8_is_printable(key);
        const char *message = reason->message;

        if (isempty(message))
                message = r == -ENXIO || r == -EINVAL ? "Wrong type." : strerror(-r);
        else if (strlen(message) > REASON_MAX)
                message = "A string in it is far too long.";

        return bus_error_setf(error, reason->name ? reason->name : SD_BUS_ERROR_INVALID_ARGS,
                "Override %zu%s%s%s: %s", position, shows_key ? " (" : "", shows_key ? key : "",
                shows_key ? ")" : "", message);
}

static int check_row(Api *api, const OverrideRow *row, sd_bus_error *error) {
        if (strlen(row->key) > KEY_MAX)
                return bus_error_setf(
                        error, SD_BUS_ERROR_INVALID_ARGS, "The key takes more than %zu bytes.", KEY_MAX);

        return override_row_check(api, row, error);
}

static int add_row(OverrideList *list, const OverrideRow *row) {
        const OverrideItem item = {
                .kind = row->kind,
                .runtime = row->runtime,
                .key = (char *) row->key,
                .name = isempty(row->name) ? NULL : (char *) row->name,
                .setting = row->setting,
        };

        return override_list_add(list, &item);
}

static int read_row(Api *api, sd_bus_message *message, OverrideList *list, sd_bus_error *error) {
        _cleanup_(sd_bus_error_free) sd_bus_error reason = SD_BUS_ERROR_NULL;
        OverrideRow row = {};
        int r;

        if (list->n_items >= CALL_OVERRIDES_MAX)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "There are more than %u overrides.",
                        CALL_OVERRIDES_MAX);

        r = override_row_read(message, &row, &reason);
        if (r >= 0)
                r = check_row(api, &row, &reason);
        if (r >= 0)
                r = add_row(list, &row);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return row_error(list->n_items + 1, row.key, &reason, r, error);

        return sd_bus_message_exit_container(message);
}

static int read_rows(Api *api, sd_bus_message *message, OverrideList *list, sd_bus_error *error) {
        size_t first, second;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "(ssssa{sv})");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'r', "ssssa{sv}")) > 0) {
                r = read_row(api, message, list, error);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r < 0)
                return r;

        if (override_list_sort(list, &first, &second) == -EEXIST)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Override %zu: Same layer, kind and key as override %zu.", second, first);

        return 0;
}

/* Reads and checks the arguments. *ret is sorted. */
static int read_call(
        Api *api, sd_bus_message *message, OverrideList **ret, int *ret_dry_run, sd_bus_error *error) {
        _cleanup_(override_list_freep) OverrideList *list = override_list_new();
        const BusOption options[] = {
                { "dry-run", 'b', ret_dry_run },
        };
        int r;

        if (!list)
                return -ENOMEM;

        *ret_dry_run = false;
        r = read_rows(api, message, list, error);
        if (r >= 0)
                r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(list);
        return 0;
}

static int set_overrides(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(override_list_freep) OverrideList *list = NULL;
        size_t n_changes;
        int dry_run, r;

        r = read_call(api, message, &list, &dry_run, error);
        if (r >= 0 && !dry_run)
                r = override_await_turn_of_list(api, message, caller, set_overrides, &list, error);
        if (r != 0)
                return r;

        r = override_list_compare(list, api->world->state.runtime, api->world->state.persistent);
        if (r >= 0)
                r = sd_bus_message_new_method_return(message, &reply);
        if (r < 0)
                return r;
        n_changes = override_list_count_changes(list);
        r = sd_bus_message_append(reply, "u", (uint32_t) n_changes);
        if (r < 0)
                return r;

        return dry_run || n_changes == 0 ? sd_bus_message_send(reply)
                                         : override_change_list(api, message, caller, reply, &list);
}

/* The details of a list for the user and for polkit's rules. */
typedef struct Summary {
        char overrides[sizeof("4096")], vms[sizeof("4096")], slices[sizeof("4096")], defaults[sizeof("4096")];
        const char *layer; /* of all overrides; "runtime,persistent" for both */
} Summary;

static void format_count(const OverrideList *list, OverrideKind kind, char buf[static sizeof("4096")]) {
        unsigned n = 0;

        for (size_t i = 0; i < list->n_items; i++)
                n += list->items[i].kind == kind;

        snprintf(buf, sizeof("4096"), "%u", n % 10000);
}

static void summarize(const OverrideList *list, Summary *ret) {
        bool persistent = override_list_is_persistent(list), runtime = false;

        for (size_t i = 0; i < list->n_items; i++)
                runtime |= list->items[i].runtime;

        ret->layer = persistent && runtime ? OVERRIDE_LAYER_RUNTIME "," OVERRIDE_LAYER_PERSISTENT
                     : runtime             ? OVERRIDE_LAYER_RUNTIME
                                           : OVERRIDE_LAYER_PERSISTENT;
        snprintf(ret->overrides, sizeof(ret->overrides), "%u", (unsigned) list->n_items % 10000);
        format_count(list, OVERRIDE_VM, ret->vms);
        format_count(list, OVERRIDE_SLICE, ret->slices);
        format_count(list, OVERRIDE_DEFAULT, ret->defaults);
}

/*
 * Has an action of its own: a list must not bypass a rule about the quota of one VM, and such a rule could not see the
 * VMs.
 */
static int method_set_overrides(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(override_list_freep) OverrideList *list = NULL;
        Api *api = userdata;
        Summary summary;
        int dry_run, r;

        r = read_call(api, message, &list, &dry_run, error);
        if (r < 0)
                return r;

        summarize(list, &summary);
        return polkit_authorize(api, message, PASIDD_ACTION_SET_MANY,
                (const char *const[]) {
                        "overrides",
                        summary.overrides,
                        "vms",
                        summary.vms,
                        "slices",
                        summary.slices,
                        "defaults",
                        summary.defaults,
                        "layer",
                        summary.layer,
                        NULL,
                },
                set_overrides, error);
}

static const sd_bus_vtable override_list_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("SetOverrides", SD_BUS_ARGS("a(ssssa{sv})", overrides, "a{sv}", options),
                SD_BUS_RESULT("u", changed), method_set_overrides, SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int override_list_bus_add(Api *api) {
        return sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, override_list_vtable, api);
}
