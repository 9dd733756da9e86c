/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.pasidd1.VM, see conf/dbus/org.pasidd1.VM.xml. */

#include <inttypes.h>

#include "bus-error.h"
#include "bus-names.h"
#include "bus-options.h"
#include "override-queue.h"
#include "polkit.h"
#include "origin.h"
#include "set.h"
#include "unit-path.h"
#include "usage.h"
#include "vm-path.h"
#include "vm-policy.h"

/* The VM may have disappeared while polkit was asked. */
static int vm_of_message(
        Api *api, sd_bus_message *message, const Caller *caller, VM **ret, sd_bus_error *error) {
        VM *vm;
        int r;

        vm = vm_find_by_path(api->world, sd_bus_message_get_path(message));
        if (!vm)
                return sd_bus_error_set(error, PASIDD_ERROR_NO_SUCH_VM, "The VM is gone.");

        r = polkit_check_vm(caller, vm, error);
        if (r < 0)
                return r;

        *ret = vm;
        return 0;
}

/* The userdata with which the object was added. Method handlers get the VM instead. */
static Api *api_of_message(sd_bus_message *message) {
        return sd_bus_slot_get_userdata(sd_bus_get_current_slot(sd_bus_message_get_bus(message)));
}

/* The reply has the quota before the change if previous, else the one after it; and the source of the latter. */
static int answer_override(Api *api, sd_bus_message *message, const Caller *caller, VM *vm,
        const VMOverrides *overrides, bool dry_run, bool previous) {
        const OverrideChange change = {
                .kind = OVERRIDE_VM,
                .key = vm->key,
                .name = vm->name,
                .runtime = overrides->runtime,
                .persistent = overrides->persistent,
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        PolicyResult policy;
        int r;

        vm_resolve(vm, overrides, NULL, &policy);
        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "us", previous ? vm->policy.quota : policy.quota,
                        quota_source_to_string(policy.source));
        if (r < 0)
                return r;

        return dry_run ? sd_bus_message_send(reply) : override_change(api, message, caller, reply, &change);
}

/* As override_await_turn(). */
static int await_turn(Api *api, sd_bus_message *message, const Caller *caller, AuthorizedHandler handler,
        const VM *vm, bool runtime, sd_bus_error *error) {
        const OverrideScope scope = { .kind = OVERRIDE_VM, .key = vm->key, .persistent = !runtime };

        return override_await_turn(api, message, caller, handler, &scope, error);
}

static int set_quota(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        int runtime = false, dry_run = false, r;
        uint32_t quota, watermark = 0;
        bool watermark_given = false;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
                { "watermark", 'u', &watermark, &watermark_given },
        };
        VMOverrides overrides;
        QuotaSetting *target;
        VM *vm = NULL;

        r = sd_bus_message_read(message, "u", &quota);
        if (r >= 0)
                r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = bus_check_quota("Quota", quota, error);
        if (r >= 0)
                r = bus_check_quota("Watermark", watermark, error);
        if (r >= 0)
                r = vm_of_message(api, message, caller, &vm, error);
        if (r >= 0 && !dry_run)
                r = await_turn(api, message, caller, set_quota, vm, runtime, error);
        if (r != 0)
                return r;

        vm_get_overrides(vm, &overrides);
        target = runtime ? &overrides.runtime : &overrides.persistent;
        target->quota = quota;
        target->quota_set = true;
        if (watermark_given) {
                target->watermark = watermark;
                target->watermark_set = true;
        }
        /* The key of a lone set is valid for this boot only. */
        if (!runtime && vm->kind == VM_KIND_SET)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "VM %s has no unit, so only an override with \"runtime\" is possible.", vm->name);
        if (!runtime && !vm_key_is_lasting(vm->key))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "VM %s is a login session, whose number is reused after a reboot: only an override with "
                        "\"runtime\" is possible.",
                        vm->name);

        /* Also removes the runtime override, which would take precedence. */
        if (!runtime)
                overrides.runtime = (QuotaSetting) {};

        return answer_override(api, message, caller, vm, &overrides, dry_run, true);
}

static int reset_quota(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        int runtime = false, dry_run = false, r;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
        };
        VMOverrides overrides;
        VM *vm = NULL;

        r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = vm_of_message(api, message, caller, &vm, error);
        if (r >= 0 && !dry_run)
                r = await_turn(api, message, caller, reset_quota, vm, runtime, error);
        if (r != 0)
                return r;

        vm_get_overrides(vm, &overrides);
        overrides.runtime = (QuotaSetting) {};
        if (!runtime)
                overrides.persistent = (QuotaSetting) {};

        return answer_override(api, message, caller, vm, &overrides, dry_run, false);
}

static int method_set_quota(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        char text[sizeof("4294967295")];
        VM *vm = userdata;
        uint32_t quota;
        int r;

        r = sd_bus_message_read(message, "u", &quota);
        if (r >= 0)
                r = bus_check_quota("Quota", quota, error);
        if (r < 0)
                return r;

        snprintf(text, sizeof(text), "%" PRIu32, quota);
        return polkit_authorize(api_of_message(message), message, PASIDD_ACTION_SET_QUOTA,
                (const char *const[]) { "vm", vm->name, "uuid", vm->uuid, "quota", text, NULL }, set_quota,
                error);
}

static int method_reset_quota(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        VM *vm = userdata;

        return polkit_authorize(api_of_message(message), message, PASIDD_ACTION_SET_QUOTA,
                (const char *const[]) { "vm", vm->name, "uuid", vm->uuid, NULL }, reset_quota, error);
}

static int property_string(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const char *const *s = userdata;

        return sd_bus_message_append(reply, "s", strempty(*s));
}

static int property_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const VM *vm = userdata;

        return sd_bus_message_append(reply, "s", vm->uuid);
}

static int property_state(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const VM *vm = userdata;

        return sd_bus_message_append(reply, "s", vm_state_to_string(vm->state));
}

static int property_source(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const VM *vm = userdata;

        return sd_bus_message_append(reply, "s", quota_source_to_string(vm->policy.source));
}

static int property_origin(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *origin = NULL;
        int r;

        r = vm_quota_origin(userdata, &origin);
        return r < 0 ? r : sd_bus_message_append(reply, "s", origin);
}

static int property_in_force(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const VM *vm = userdata;

        return sd_bus_message_append(reply, "b", vm->quota.in_force);
}

static int property_counter(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        VMCounters counters;

        vm_read_counters(userdata, &counters);
        if (streq(property, "Allocated"))
                return sd_bus_message_append(reply, "u", counters.allocated);
        if (streq(property, "Peak"))
                return sd_bus_message_append(reply, "u", counters.peak);
        if (streq(property, "Attached"))
                return sd_bus_message_append(reply, "u", counters.attached);

        return sd_bus_message_append(reply, "t", counters.denied);
}

static int property_metadata(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const VM *vm = userdata;
        const Announcement *a = state_get_announcement(vm->world->state.runtime, vm->key);
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && a && i < a->domain.n_items; i++)
                r = sd_bus_message_append(reply, "(ss)", a->domain.items[i].key, a->domain.items[i].value);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(reply);
}

static int property_sets(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        VM *vm = userdata;
        Set *set;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(tuuuuut)");
        if (r < 0)
                return r;

        vm_refresh_sets(vm);
        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                const KernelSet *k = &set->kernel;

                r = sd_bus_message_append(reply, "(tuuuuut)", k->id, k->tgid, k->quota, k->watermark,
                        k->allocated, k->peak, k->denied);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

/* Only sets for which the kernel counts attached PASIDs. */
static int property_attached_sets(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        VM *vm = userdata;
        Set *set;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(tuu)");
        if (r < 0)
                return r;

        vm_refresh_counters(vm);
        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                const KernelSet *k = &set->kernel;

                if (!k->counts_attached)
                        continue;

                r = sd_bus_message_append(reply, "(tuu)", k->id, k->attached, k->attached_peak);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(reply);
}

static const sd_bus_vtable vm_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("SetQuota", SD_BUS_ARGS("u", quota, "a{sv}", options),
                SD_BUS_RESULT("u", previous, "s", source), method_set_quota, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResetQuota", SD_BUS_ARGS("a{sv}", options),
                SD_BUS_RESULT("u", quota, "s", source), method_reset_quota, SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_PROPERTY("UUID", "s", property_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY(
                "Name", "s", property_string, offsetof(VM, name), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("State", "s", property_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY(
                "Unit", "s", property_string, offsetof(VM, place.unit), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Slice", "s", property_string, offsetof(VM, place.slice),
                SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("ControlGroup", "s", property_string, offsetof(VM, place.cgroup),
                SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Leader", "u", NULL, offsetof(VM, place.leader), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Quota", "u", NULL, offsetof(VM, policy.quota), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("QuotaSource", "s", property_source, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("QuotaOrigin", "s", property_origin, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY(
                "Watermark", "u", NULL, offsetof(VM, policy.watermark), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("QuotaInForce", "b", property_in_force, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("QuotaError", "s", property_string, offsetof(VM, quota.error),
                SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Metadata", "a(ss)", property_metadata, 0, 0),
        SD_BUS_PROPERTY("Allocated", "u", property_counter, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Peak", "u", property_counter, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Attached", "u", property_counter, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Denied", "t", property_counter, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Sets", "a(tuuuuut)", property_sets, 0, 0),
        SD_BUS_PROPERTY("AttachedSets", "a(tuu)", property_attached_sets, 0, 0),

        SD_BUS_VTABLE_END,
};

static int find_object(sd_bus *bus, const char *path, const char *interface, void *userdata, void **ret_found,
        sd_bus_error *error) {
        const Api *api = userdata;
        VM *vm;

        vm = vm_find_by_path(api->world, path);
        if (!vm)
                return 0;

        *ret_found = vm;
        return 1;
}

static int enumerate_objects(
        sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes, sd_bus_error *error) {
        Api *api = userdata;
        char own[VM_PATH_SIZE], **nodes;
        size_t n = 0;
        VM *vm;

        nodes = calloc(api->world->n_vms + 1, sizeof(char *));
        if (!nodes)
                return -ENOMEM;

        TAILQ_FOREACH (vm, &api->world->vms, entries) {
                nodes[n] = strdup(vm_path(vm, own));
                if (!nodes[n]) {
                        while (n > 0)
                                free(nodes[--n]);
                        free(nodes);
                        return -ENOMEM;
                }
                n++;
        }

        *ret_nodes = nodes;
        return 1;
}

int vm_bus_add(Api *api) {
        int r;

        r = sd_bus_add_fallback_vtable(
                api->bus, NULL, PASIDD_VM_PATH_PREFIX, PASIDD_VM_INTERFACE, vm_vtable, find_object, api);
        if (r < 0)
                return r;

        return sd_bus_add_node_enumerator(api->bus, NULL, PASIDD_VM_PATH_PREFIX, enumerate_objects, api);
}
