/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager that show and change all overrides, those of VMs that are off included. */

#include <inttypes.h>
#include <limits.h>

#include "bus-names.h"
#include "bus.h"
#include "override-bus.h"
#include "override-change.h"
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

/* What SetOverride is told. Strings are the message's, or point to uuid: not to be copied. */
typedef struct Wanted {
        char uuid[UUID_STRING_SIZE]; /* "" when the key is none */
        bool runtime;
        const char *key;
        const char *name;
        QuotaSetting setting;
        int dry_run;
} Wanted;

static int refuse_watermark(const Wanted *wanted, const char *kind, sd_bus_error *error) {
        if (!wanted->setting.watermark_set)
                return 0;

        return sd_bus_error_setf(
                error, SD_BUS_ERROR_INVALID_ARGS, "An override of kind \"%s\" has no watermark.", kind);
}

/* The change that the caller asks for, to what there is now. */
static OverrideChange make_change(Manager *m, const Wanted *wanted, OverrideKind kind) {
        const State *runtime = m->state.runtime, *persistent = m->state.persistent;
        OverrideChange change = {
                .kind = kind,
                .key = wanted->key,
                .name = isempty(wanted->name) ? NULL : wanted->name,
        };

        if (kind == OVERRIDE_DEFAULT) {
                change.runtime =
                        override_setting(runtime->default_quota_set ? &runtime->default_quota : NULL);
                change.persistent =
                        override_setting(persistent->default_quota_set ? &persistent->default_quota : NULL);
        } else if (kind == OVERRIDE_SLICE) {
                const SliceOverrides overrides = slice_get_overrides(m, wanted->key);

                change.runtime = override_setting(overrides.runtime);
                change.persistent = override_setting(overrides.persistent);
        } else {
                const VM *vm = vm_find_by_key(m, wanted->key);

                if (vm)
                        change.name = vm->name;
                change.runtime = state_store_get_override(runtime, wanted->key);
                change.persistent = state_store_get_override(persistent, wanted->key);
        }

        return change;
}

static int check_default(const Wanted *wanted, sd_bus_error *error) {
        int r;

        if (!isempty(wanted->key))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "The default has an empty key, not \"%s\".", wanted->key);
        r = refuse_watermark(wanted, KIND_DEFAULT, error);
        if (r >= 0)
                r = bus_check_quota("Quota", wanted->setting.quota, error);

        return r;
}

static int check_slice(const Wanted *wanted, sd_bus_error *error) {
        int r;

        r = slice_bus_check_name(wanted->key, error);
        if (r >= 0)
                r = refuse_watermark(wanted, KIND_SLICE, error);
        if (r >= 0 && wanted->setting.quota != LIMIT_NONE)
                r = bus_check_quota("Limit", wanted->setting.quota, error);

        return r;
}

static int check_vm(Manager *m, const Wanted *wanted, sd_bus_error *error) {
        const VM *vm;
        int r;

        if (!state_key_is_valid(wanted->key))
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "\"%s\" is neither a UUID nor \"unit:NAME\".", wanted->key);
        r = bus_check_quota("Quota", wanted->setting.quota, error);
        if (r >= 0)
                r = bus_check_quota("Watermark", wanted->setting.watermark, error);
        if (r < 0)
                return r;

        vm = vm_find_by_key(m, wanted->key);
        if (vm && vm->kind == VM_KIND_SET && !wanted->runtime)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "VM %s has no unit, it can have a \"runtime\" override only.", vm->name);

        return 0;
}

static int check_wanted(Manager *m, const Wanted *wanted, OverrideKind kind, sd_bus_error *error) {
        switch (kind) {

        case OVERRIDE_SLICE:
                return check_slice(wanted, error);

        case OVERRIDE_DEFAULT:
                return check_default(wanted, error);

        default:
                return check_vm(m, wanted, error);
        }
}

static int read_kind(const char *kind, OverrideKind *ret, sd_bus_error *error) {
        if (streq(kind, KIND_VM))
                *ret = OVERRIDE_VM;
        else if (streq(kind, KIND_SLICE))
                *ret = OVERRIDE_SLICE;
        else if (streq(kind, KIND_DEFAULT))
                *ret = OVERRIDE_DEFAULT;
        else
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "There is no kind \"%s\", but \"" KIND_VM "\", \"" KIND_SLICE "\" and \"" KIND_DEFAULT
                        "\".",
                        kind);

        return 0;
}

/* The key of a VM is canonical in *ret; whether it is one at all remains to be checked. */
static int read_wanted(sd_bus_message *message, Wanted *ret, OverrideKind *ret_kind, sd_bus_error *error) {
        Wanted w = {};
        const char *layer, *name;
        OverrideKind kind = OVERRIDE_DEFAULT;
        const BusOption values[] = {
                { "quota", 'u', &w.setting.quota, &w.setting.quota_set },
                { "watermark", 'u', &w.setting.watermark, &w.setting.watermark_set },
        };
        const BusOption options[] = {
                { "dry-run", 'b', &w.dry_run },
        };
        int r;

        r = sd_bus_message_read(message, "ssss", &layer, &name, &w.key, &w.name);
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

        r = read_kind(name, &kind, error);
        if (r < 0)
                return r;

        *ret = w;
        if (kind == OVERRIDE_VM && uuid_canonical(w.key, ret->uuid) >= 0)
                ret->key = ret->uuid;
        *ret_kind = kind;
        return 0;
}

static int set_override(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        OverrideChange change;
        QuotaSetting *layer;
        OverrideKind kind;
        Wanted wanted;
        bool changes;
        int r;

        r = read_wanted(message, &wanted, &kind, error);
        if (r < 0)
                return r;

        r = check_wanted(m, &wanted, kind, error);
        if (r >= 0 && kind == OVERRIDE_VM)
                r = polkit_check_vm(m, vm_find_by_key(m, wanted.key), error);
        if (r >= 0 && !wanted.dry_run)
                r = override_await_turn(m, message, set_override, kind, wanted.key, !wanted.runtime, error);
        if (r != 0)
                return r;

        change = make_change(m, &wanted, kind);
        layer = wanted.runtime ? &change.runtime : &change.persistent;
        changes = !setting_equal(layer, &wanted.setting);
        *layer = wanted.setting;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", changes);
        if (r < 0)
                return r;

        return wanted.dry_run || !changes ? sd_bus_message_send(reply)
                                          : override_change(m, message, reply, &change, error);
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
        const char *action = PASIDD_ACTION_SET_DEFAULT, *details[DETAILS_MAX] = {};
        char quota[sizeof("4294967295")] = "";
        Manager *m = userdata;
        OverrideKind kind;
        Wanted wanted;
        size_t n = 0;
        int r;

        r = read_wanted(message, &wanted, &kind, error);
        if (r >= 0)
                r = check_wanted(m, &wanted, kind, error);
        if (r < 0)
                return r;

        if (wanted.setting.quota_set)
                snprintf(quota, sizeof(quota), "%" PRIu32, wanted.setting.quota);

        if (kind == OVERRIDE_VM) {
                const VM *vm = vm_find_by_key(m, wanted.key);

                /* Never the name that the caller gives to one that is off. */
                action = PASIDD_ACTION_SET_QUOTA;
                n = add_detail(details, n, "vm", vm ? vm->name : NULL);
                n = add_detail(details, n, "uuid", vm ? vm->uuid : wanted.uuid);
        } else if (kind == OVERRIDE_SLICE) {
                action = PASIDD_ACTION_SET_SLICE;
                n = add_detail(details, n, "slice", wanted.key);
                if (wanted.setting.quota_set && wanted.setting.quota == LIMIT_NONE)
                        strcpy(quota, "max");
        }

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
