/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.pasidd1.Manager: properties, lookup of VMs, and methods without a *-bus.c file of their own. */

#include <inttypes.h>

#include "bus-error.h"
#include "bus-names.h"
#include "bus-options.h"
#include "polkit.h"
#include "reload.h"
#include "status.h"
#include "subscribers.h"
#include "usage.h"
#include "vm-find.h"
#include "vm-lookup.h"
#include "vm-path.h"
#include "vm-policy.h"

int bus_find_vm(Api *api, const char *what, VM **ret, sd_bus_error *error) {
        _cleanup_free_ VMIdentity *identities = NULL;
        _cleanup_free_ char *candidates = NULL;
        size_t n = 0, i;
        VM *vm;
        int r;

        identities = calloc(api->world->n_vms + 1, sizeof(VMIdentity));
        if (!identities)
                return -ENOMEM;

        TAILQ_FOREACH (vm, &api->world->vms, entries)
                identities[n++] = (VMIdentity) { .uuid = vm->uuid, .name = vm->name };

        r = vm_find(identities, n, what, &i, &candidates);
        if (r == -ENOENT)
                return bus_error_setf(error, PASIDD_ERROR_NO_SUCH_VM, "There is no VM \"%s\".", what);
        if (r == -ENOTUNIQ)
                return bus_error_setf(error, PASIDD_ERROR_AMBIGUOUS_VM,
                        "\"%s\" is ambiguous, matching VMs:\n%s", what, strempty(candidates));
        if (r < 0)
                return r;

        TAILQ_FOREACH (vm, &api->world->vms, entries)
                if (i-- == 0)
                        break;

        *ret = vm;
        return 0;
}

static int method_get_vm(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Api *api = userdata;
        const char *what;
        char path[VM_PATH_SIZE];
        VM *vm = NULL;
        int r;

        r = sd_bus_message_read(message, "s", &what);
        if (r < 0)
                return r;

        r = bus_find_vm(api, what, &vm, error);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "o", vm_path(vm, path));
}

static int method_get_vm_by_pid(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Api *api = userdata;
        char path[VM_PATH_SIZE];
        VM *vm = NULL;
        uint32_t pid;
        int r;

        r = sd_bus_message_read(message, "u", &pid);
        if (r < 0)
                return r;

        r = vm_find_by_pid(api->control, pid, &vm);
        if (r == -ESRCH)
                return bus_error_setf(
                        error, SD_BUS_ERROR_UNIX_PROCESS_ID_UNKNOWN, "There is no process %" PRIu32 ".", pid);
        if (r == -ENOENT)
                return bus_error_setf(
                        error, PASIDD_ERROR_NO_SUCH_VM, "Process %" PRIu32 " does not belong to a VM.", pid);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "o", vm_path(vm, path));
}

static int method_get_vm_by_cgroup(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Api *api = userdata;
        const char *cgroup;
        char path[VM_PATH_SIZE];
        VM *vm = NULL;
        int r;

        r = sd_bus_message_read(message, "s", &cgroup);
        if (r < 0)
                return r;

        r = vm_find_by_any_cgroup(api->control, cgroup, &vm);
        if (r == -EINVAL)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Invalid control group path \"%s\": it must begin with a slash and must not contain "
                        "\".\" or \"..\" components.",
                        cgroup);
        if (r == -ENOENT)
                return bus_error_setf(error, PASIDD_ERROR_NO_SUCH_VM,
                        "The control group \"%s\" does not belong to a VM.", cgroup);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "o", vm_path(vm, path));
}

static int method_list_vms(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        char path[VM_PATH_SIZE];
        Api *api = userdata;
        VM *vm;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sso)");
        if (r < 0)
                return r;

        TAILQ_FOREACH (vm, &api->world->vms, entries) {
                r = sd_bus_message_append(reply, "(sso)", vm->uuid, vm->name, vm_path(vm, path));
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

static int reload(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        _cleanup_free_ char *reason = NULL;
        int r;

        r = control_reload(api->control, caller, &reason);
        if (r < 0)
                return sd_bus_error_set(error, PASIDD_ERROR_RELOAD_FAILED, reason ? reason : strerror(-r));

        return sd_bus_reply_method_return(message, NULL);
}

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return polkit_authorize(userdata, message, PASIDD_ACTION_RELOAD, NULL, reload, error);
}

static int method_subscribe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        int r;

        r = subscribers_add(userdata, sd_bus_message_get_sender(message));
        if (r == -EUSERS)
                return sd_bus_error_set(
                        error, SD_BUS_ERROR_LIMITS_EXCEEDED, "There are too many subscribers.");
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, NULL);
}

static int method_unsubscribe(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        subscribers_remove(userdata, sd_bus_message_get_sender(message));
        return sd_bus_reply_method_return(message, NULL);
}

static int property_version(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", PASIDD_VERSION);
}

static int property_state(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "s", control_state(api->control));
}

static int property_status(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *status = NULL;
        const Api *api = userdata;

        status = control_status(api->control);
        return status ? sd_bus_message_append(reply, "s", status) : -ENOMEM;
}

static int property_default_quota(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "u", world_default_quota(api->world, NULL));
}

static int property_default_source(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;
        DefaultSource source;

        (void) world_default_quota(api->world, &source);
        return sd_bus_message_append(reply, "s", default_source_to_string(source));
}

static int property_allocated(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "u", (uint32_t) control_read_current(api->control, MISC_PASID));
}

static int property_attached(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;
        uint64_t attached = control_read_current(api->control, MISC_PASID_ATTACH);

        return sd_bus_message_append(reply, "u", attached < UINT32_MAX ? (uint32_t) attached : UINT32_MAX);
}

static int property_committed(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Api *api = userdata;

        control_refresh_counters(api->control);
        return sd_bus_message_append(reply, "t", world_committed(api->world, NULL));
}

static int property_capacity(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "u", api->world->capacity);
}

static int property_resyncs(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Api *api = userdata;

        return sd_bus_message_append(reply, "t", api->world->resyncs);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("GetVM", SD_BUS_ARGS("s", vm), SD_BUS_RESULT("o", path), method_get_vm,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetVMByPID", SD_BUS_ARGS("u", pid), SD_BUS_RESULT("o", path),
                method_get_vm_by_pid, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetVMByControlGroup", SD_BUS_ARGS("s", cgroup), SD_BUS_RESULT("o", path),
                method_get_vm_by_cgroup, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListVMs", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sso)", vms), method_list_vms,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Subscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Unsubscribe", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_unsubscribe,
                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", property_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Status", "s", property_status, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("DefaultQuota", "u", property_default_quota, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY(
                "DefaultQuotaSource", "s", property_default_source, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Capacity", "u", property_capacity, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Allocated", "u", property_allocated, 0, 0),
        SD_BUS_PROPERTY("Attached", "u", property_attached, 0, 0),
        SD_BUS_PROPERTY("Committed", "t", property_committed, 0, 0),
        SD_BUS_PROPERTY("Resyncs", "t", property_resyncs, 0, 0),

        SD_BUS_SIGNAL_WITH_ARGS("VMAdded", SD_BUS_ARGS("s", uuid, "s", name, "o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("VMRemoved", SD_BUS_ARGS("s", uuid, "s", name, "o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("QuotaExceeded",
                SD_BUS_ARGS("s", uuid, "s", name, "o", path, "t", set, "s", reason, "u", allocated, "u",
                        quota, "u", suppressed),
                0),
        SD_BUS_SIGNAL_WITH_ARGS("WatermarkReached",
                SD_BUS_ARGS("s", uuid, "s", name, "o", path, "t", set, "u", allocated, "u", watermark), 0),
        SD_BUS_SIGNAL_WITH_ARGS("AttachRefused",
                SD_BUS_ARGS("s", uuid, "s", name, "o", path, "t", set, "s", reason, "u", attached, "u", quota,
                        "u", suppressed),
                0),
        SD_BUS_SIGNAL_WITH_ARGS("AttachWatermarkReached",
                SD_BUS_ARGS("s", uuid, "s", name, "o", path, "t", set, "u", attached, "u", watermark), 0),

        SD_BUS_VTABLE_END,
};

int manager_bus_add(Api *api) {
        return sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, manager_vtable, api);
}
