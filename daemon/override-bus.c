/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager that show and change all overrides, those of VMs that are off included. */

#include <inttypes.h>
#include <limits.h>

#include "bus-names.h"
#include "bus.h"
#include "default-bus.h"
#include "override-bus.h"
#include "polkit.h"
#include "slice-bus.h"
#include "utf8.h"
#include "vm-bus.h"

#define KIND_VM      "vm"
#define KIND_SLICE   "slice"
#define KIND_DEFAULT "default"

#define LAYER_RUNTIME    "runtime"
#define LAYER_PERSISTENT "persistent"

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

                r = append_override(reply, layer, KIND_DEFAULT, "", NULL, &s);
        }

        for (size_t i = 0; r >= 0 && i < state->n_slices; i++) {
                const StateSlice *slice = &state->slices[i];
                const QuotaSetting s = { .quota = slice->limit, .quota_set = true };

                if (slice->limit_set)
                        r = append_override(reply, layer, KIND_SLICE, slice->name, NULL, &s);
        }

        for (size_t i = 0; r >= 0 && i < state->n_entries; i++) {
                const StateEntry *e = &state->entries[i];

                if (!setting_is_empty(&e->override))
                        r = append_override(reply, layer, KIND_VM, e->key, e->name, &e->override);
        }

        return r;
}

static int method_list_overrides(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Manager *m = userdata;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssssa{sv})");
        if (r >= 0)
                r = append_layer(reply, LAYER_RUNTIME, m->state.runtime);
        if (r >= 0)
                r = append_layer(reply, LAYER_PERSISTENT, m->state.persistent);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

/* What SetOverride is told. Strings are the message's. */
typedef struct Wanted {
        bool runtime;
        const char *key;
        const char *name;
        QuotaSetting setting;
        int dry_run;
} Wanted;

/* uint32_t of a layer, for those kinds that have nothing but a quota. NULL removes it. */
static const uint32_t *wanted_quota(const Wanted *wanted) {
        return wanted->setting.quota_set ? &wanted->setting.quota : NULL;
}

static bool same_quota(const uint32_t *a, const uint32_t *b) {
        return a && b ? *a == *b : a == b;
}

static int refuse_watermark(const Wanted *wanted, const char *kind, sd_bus_error *error) {
        if (!wanted->setting.watermark_set)
                return 0;

        return sd_bus_error_setf(
                error, SD_BUS_ERROR_INVALID_ARGS, "An override of kind \"%s\" has no watermark.", kind);
}

static int set_default(Manager *m, const Wanted *wanted, sd_bus_error *error) {
        const State *runtime = m->state.runtime, *persistent = m->state.persistent;
        uint32_t old_runtime = runtime->default_quota, old_persistent = persistent->default_quota;
        Defaults defaults = {
                .runtime = runtime->default_quota_set ? &old_runtime : NULL,
                .persistent = persistent->default_quota_set ? &old_persistent : NULL,
        };
        const uint32_t **layer = wanted->runtime ? &defaults.runtime : &defaults.persistent;
        int r;

        if (!isempty(wanted->key))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "The default has an empty key, not \"%s\".", wanted->key);
        r = refuse_watermark(wanted, KIND_DEFAULT, error);
        if (r >= 0)
                r = bus_check_quota("Quota", wanted->setting.quota, error);
        if (r < 0)
                return r;

        if (same_quota(*layer, wanted_quota(wanted)))
                return 0;
        *layer = wanted_quota(wanted);

        r = wanted->dry_run ? 0 : default_bus_change(m, &defaults, error);
        return r < 0 ? r : 1;
}

static int set_slice(Manager *m, const Wanted *wanted, sd_bus_error *error) {
        SliceOverrides overrides = slice_get_overrides(m, wanted->key);
        const uint32_t **layer = wanted->runtime ? &overrides.runtime : &overrides.persistent;
        int r;

        r = slice_bus_check_name(wanted->key, error);
        if (r >= 0)
                r = refuse_watermark(wanted, KIND_SLICE, error);
        if (r >= 0 && wanted->setting.quota != LIMIT_NONE)
                r = bus_check_quota("Limit", wanted->setting.quota, error);
        if (r < 0)
                return r;

        if (same_quota(*layer, wanted_quota(wanted)))
                return 0;
        *layer = wanted_quota(wanted);

        r = wanted->dry_run ? 0 : slice_bus_change(m, wanted->key, &overrides, error);
        return r < 0 ? r : 1;
}

static VM *find_by_key(Manager *m, const char *key) {
        VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (streq(vm->key, key))
                        return vm;

        return NULL;
}

/* A VM that is off: only the files change. */
static int set_of_absent(
        Manager *m, const Wanted *wanted, const VMOverrides *overrides, sd_bus_error *error) {
        const char *name = isempty(wanted->name) ? NULL : wanted->name;
        int r;

        r = state_store_set_overrides(
                &m->state, wanted->key, name, &overrides->runtime, &overrides->persistent);
        if (r < 0)
                return sd_bus_error_setf(
                        error, PASIDD_ERROR_NOT_SAVED, "The override could not be saved: %s", strerror(-r));

        return 0;
}

static int set_vm(Manager *m, Wanted *wanted, sd_bus_error *error) {
        char uuid[UUID_STRING_SIZE];
        QuotaSetting *layer;
        VMOverrides overrides;
        PolicyResult policy;
        VM *vm;
        int r;

        if (uuid_canonical(wanted->key, uuid) >= 0)
                wanted->key = uuid;
        if (!state_key_is_valid(wanted->key))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "\"%s\" is neither a UUID nor \"unit:NAME\".", wanted->key);
        r = bus_check_quota("Quota", wanted->setting.quota, error);
        if (r >= 0)
                r = bus_check_quota("Watermark", wanted->setting.watermark, error);
        if (r < 0)
                return r;

        overrides = (VMOverrides) {
                .runtime = state_store_get_override(m->state.runtime, wanted->key),
                .persistent = state_store_get_override(m->state.persistent, wanted->key),
        };
        layer = wanted->runtime ? &overrides.runtime : &overrides.persistent;
        if (setting_equal(layer, &wanted->setting))
                return 0;
        *layer = wanted->setting;

        vm = find_by_key(m, wanted->key);
        if (vm && vm->kind == VM_KIND_SET && !wanted->runtime)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "VM %s has no unit, it can have a \"runtime\" override only.", vm->name);
        if (vm)
                r = vm_bus_change_overrides(vm, &overrides, wanted->dry_run, &policy, error);
        else
                r = wanted->dry_run ? 0 : set_of_absent(m, wanted, &overrides, error);

        return r < 0 ? r : 1;
}

static int read_wanted(sd_bus_message *message, Wanted *ret, const char **ret_kind, sd_bus_error *error) {
        Wanted w = {};
        const char *layer, *kind;
        const BusOption values[] = {
                { "quota", 'u', &w.setting.quota, &w.setting.quota_set },
                { "watermark", 'u', &w.setting.watermark, &w.setting.watermark_set },
        };
        const BusOption options[] = {
                { "dry-run", 'b', &w.dry_run },
        };
        int r;

        r = sd_bus_message_read(message, "ssss", &layer, &kind, &w.key, &w.name);
        if (r >= 0)
                r = bus_read_options(message, values, ELEMENTSOF(values), error);
        if (r >= 0)
                r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r < 0)
                return r;

        w.runtime = streq(layer, LAYER_RUNTIME);
        if (!w.runtime && !streq(layer, LAYER_PERSISTENT))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "There is no layer \"%s\", but \"" LAYER_RUNTIME "\" and \"" LAYER_PERSISTENT "\".",
                        layer);
        if (strlen(w.name) > NAME_MAX || !utf8_is_printable(w.name))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "A VM's name is up to %i bytes of printable UTF-8.", NAME_MAX);

        *ret = w;
        *ret_kind = kind;
        return 0;
}

static int set_override(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        Wanted wanted;
        const char *kind = NULL;
        int r;

        r = read_wanted(message, &wanted, &kind, error);
        if (r < 0)
                return r;

        if (streq(kind, KIND_VM))
                r = set_vm(m, &wanted, error);
        else if (streq(kind, KIND_SLICE))
                r = set_slice(m, &wanted, error);
        else
                r = set_default(m, &wanted, error);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "b", r > 0);
}

/* Room for all that are given below, and the NULL. */
#define DETAILS_MAX 13U

/* Name and value, unless there is none. */
static size_t add_detail(
        const char *details[static DETAILS_MAX], size_t n, const char *name, const char *value) {
        if (isempty(value))
                return n;

        details[n++] = name;
        details[n++] = value;
        return n;
}

/* Action and details are those of the method which does the same to one that is there: a rule of polkit is for both. */
static int method_set_override(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        char quota[sizeof("4294967295")] = "", uuid[UUID_STRING_SIZE] = "";
        const char *kind = NULL, *action, *details[DETAILS_MAX] = {};
        Manager *m = userdata;
        const VM *vm = NULL;
        Wanted wanted;
        size_t n = 0;
        int r;

        r = read_wanted(message, &wanted, &kind, error);
        if (r < 0)
                return r;

        if (wanted.setting.quota_set)
                snprintf(quota, sizeof(quota), "%" PRIu32, wanted.setting.quota);

        if (streq(kind, KIND_VM)) {
                action = PASIDD_ACTION_SET_QUOTA;
                (void) uuid_canonical(wanted.key, uuid);
                vm = find_by_key(m, isempty(uuid) ? wanted.key : uuid);
                n = add_detail(details, n, "vm", vm ? vm->name : wanted.name);
                n = add_detail(details, n, "uuid", vm ? vm->uuid : uuid);
        } else if (streq(kind, KIND_SLICE)) {
                action = PASIDD_ACTION_SET_SLICE;
                n = add_detail(details, n, "slice", wanted.key);
                if (wanted.setting.quota_set && wanted.setting.quota == LIMIT_NONE)
                        strcpy(quota, "max");
        } else if (streq(kind, KIND_DEFAULT))
                action = PASIDD_ACTION_SET_DEFAULT;
        else
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "There is no kind \"%s\", but \"" KIND_VM "\", \"" KIND_SLICE "\" and \"" KIND_DEFAULT
                        "\".",
                        kind);

        n = add_detail(details, n, "quota", quota);
        n = add_detail(details, n, "key", wanted.key);
        (void) add_detail(details, n, "layer", wanted.runtime ? LAYER_RUNTIME : LAYER_PERSISTENT);

        return polkit_authorize(m, message, action, details, set_override, error);
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

int override_bus_add(Manager *m) {
        return sd_bus_add_object_vtable(
                m->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, override_vtable, m);
}
