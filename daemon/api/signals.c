/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "signal-gate.h"
#include "signals.h"
#include "vm-path.h"

/*
 * Signals are not sent before the name is there: nobody can have asked for
 * what comes from its owner, and who sees it appear asks for everything.
 */

static void check_sent(int r, const char *what) {
        if (r < 0 && r != -ENOTCONN)
                log_debug_errno(r, "Cannot send %s, ignoring: %m", what);
}

static void send_added(Api *api, VM *vm) {
        char path[VM_PATH_SIZE];

        if (!signal_gate_is_open(api)) {
                vm->signals.visibility = api->signals.closed ? VM_ANNOUNCED : VM_ON_BUS;
                return;
        }

        vm->signals.visibility = VM_ON_BUS;
        vm_path(vm, path);
        check_sent(sd_bus_emit_object_added(api->bus, path), "InterfacesAdded");
        check_sent(sd_bus_emit_signal(api->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "VMAdded",
                           "sso", vm->uuid, vm->name, path),
                "VMAdded");
}

/* The interfaces of an object that is not there any more: those that sd-bus adds to each, and the VM's. */
static void send_gone(Api *api, const char *path) {
        check_sent(sd_bus_emit_interfaces_removed(api->bus, path, "org.freedesktop.DBus.Peer",
                           "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Properties",
                           PASIDD_VM_INTERFACE, NULL),
                "InterfacesRemoved");
}

static void send_removed(Api *api, const GoneVM *gone) {
        char path[VM_PATH_SIZE];

        vm_path_of_uuid(gone->uuid, path);
        if (!signal_gate_is_open(api)) {
                signal_gate_vm_removed(api, path, gone->is_machine);
                return;
        }

        send_gone(api, path);
        check_sent(sd_bus_emit_signal(api->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "VMRemoved",
                           "sso", gone->uuid, gone->name, path),
                "VMRemoved");
}

void signals_send_vm_changes(Api *api, const VM *vm, unsigned changes) {
        static const struct {
                VMChange change;
                const char *name;
        } table[] = {
                { VM_CHANGED_NAME, "Name" },
                { VM_CHANGED_STATE, "State" },
                { VM_CHANGED_MACHINE, "Unit" },
                { VM_CHANGED_CGROUP, "Slice" },
                { VM_CHANGED_CGROUP, "ControlGroup" },
                { VM_CHANGED_MACHINE, "Leader" },
                { VM_CHANGED_QUOTA, "Quota" },
                { VM_CHANGED_QUOTA, "QuotaSource" },
                { VM_CHANGED_QUOTA, "QuotaOrigin" },
                { VM_CHANGED_WATERMARK, "Watermark" },
                { VM_CHANGED_IN_FORCE, "QuotaInForce" },
                { VM_CHANGED_IN_FORCE, "QuotaError" },
                { VM_CHANGED_ALLOCATED, "Allocated" },
                { VM_CHANGED_PEAK, "Peak" },
                { VM_CHANGED_ATTACHED, "Attached" },
                { VM_CHANGED_DENIED, "Denied" },
        };
        const char *names[ELEMENTSOF(table) + 1];
        char path[VM_PATH_SIZE];
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(table); i++)
                if (changes & table[i].change)
                        names[n++] = table[i].name;
        names[n] = NULL;

        check_sent(sd_bus_emit_properties_changed_strv(
                           api->bus, vm_path(vm, path), PASIDD_VM_INTERFACE, (char **) names),
                "PropertiesChanged");
}

static void send_world_changes(Api *api, unsigned changes) {
        const char *names[8];
        size_t n = 0;

        if (changes & WORLD_CHANGED_STATE) {
                names[n++] = "State";
                names[n++] = "Capacity";
        }
        if (changes & WORLD_CHANGED_STATUS)
                names[n++] = "Status";
        if (changes & WORLD_CHANGED_DEFAULT) {
                names[n++] = "DefaultQuota";
                names[n++] = "DefaultQuotaSource";
        }
        names[n] = NULL;

        check_sent(sd_bus_emit_properties_changed_strv(
                           api->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, (char **) names),
                "PropertiesChanged");
}

void signals_send_changes(Api *api) {
        Changes *c = &api->world->changes;
        GoneVM *gone;
        char *path;
        VM *vm;

        while ((path = signal_gate_take_removed(api))) {
                send_gone(api, path);
                free(path);
        }

        /* A VM can have got the UUID of one that is gone. */
        while ((gone = changes_take_gone(c))) {
                send_removed(api, gone);
                gone_vm_free(gone);
        }

        while (!TAILQ_EMPTY(&c->vms) && signal_gate_has_room(api)) {
                vm = changes_take_vm(c);
                /* With its announcement all properties are told. */
                if (vm->signals.visibility == VM_HIDDEN)
                        continue;

                if (vm->signals.visibility == VM_ANNOUNCED)
                        send_added(api, vm);
                else if (vm->signals.changed && signal_gate_is_open(api))
                        signals_send_vm_changes(api, vm, vm->signals.changed);
                vm->signals.changed = 0;
        }

        if (c->world && signal_gate_is_open(api))
                send_world_changes(api, c->world);
        c->world = 0;
}

void signals_quota_exceeded(Api *api, const VM *vm, const KernelMessage *message) {
        bool attached = message->count == KERNEL_COUNT_ATTACHED;
        const char *signal = attached ? "AttachRefused" : "QuotaExceeded";
        const KernelSet *set = &message->set;
        char path[VM_PATH_SIZE];

        if (!signal_gate_is_open(api))
                return;

        check_sent(sd_bus_emit_signal(api->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, signal,
                           "ssotsuuu", vm->uuid, vm->name, vm_path(vm, path), set->id,
                           kernel_limit_reason_to_string(message->reason),
                           attached ? set->attached : set->allocated, set->quota, message->suppressed),
                signal);
}

void signals_watermark_reached(Api *api, const VM *vm, const KernelMessage *message) {
        bool attached = message->count == KERNEL_COUNT_ATTACHED;
        const char *signal = attached ? "AttachWatermarkReached" : "WatermarkReached";
        const KernelSet *set = &message->set;
        char path[VM_PATH_SIZE];

        if (!signal_gate_is_open(api))
                return;

        check_sent(sd_bus_emit_signal(api->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, signal,
                           "ssotuu", vm->uuid, vm->name, vm_path(vm, path), set->id,
                           attached ? set->attached : set->allocated, set->watermark),
                signal);
}

static const EventDetail *find_detail(const Event *event, const char *name) {
        for (size_t i = 0; i < event->n_details; i++)
                if (streq(event->details[i].name, name))
                        return &event->details[i];

        return NULL;
}

void signals_event(Api *api, const Event *event) {
        const EventDetail *slice, *committed, *limit;

        if (event->type != EVENT_OVERCOMMITTED || !signal_gate_is_open(api))
                return;

        slice = find_detail(event, "slice");
        committed = find_detail(event, "committed");
        limit = find_detail(event, "commit-limit");
        if (!slice || !committed || !limit)
                return;

        check_sent(sd_bus_emit_signal(api->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "Overcommitted",
                           "stt", slice->text, committed->number, limit->number),
                "Overcommitted");
}
