/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager that libvirt's hook calls. */

#include <inttypes.h>
#include <limits.h>

#include "bus-error.h"
#include "bus-names.h"
#include "bus-options.h"
#include "cgroup-path.h"
#include "messages.h"
#include "overcommit.h"
#include "polkit.h"
#include "utf8.h"
#include "uuid.h"
#include "viommu.h"
#include "vm-limits.h"
#include "vm-lookup.h"
#include "vm-policy.h"
#include "vm-reserve.h"

static int read_uuid(sd_bus_message *message, char uuid[static UUID_STRING_SIZE], sd_bus_error *error) {
        const char *s;
        int r;

        r = sd_bus_message_read(message, "s", &s);
        if (r < 0)
                return r;

        if (uuid_canonical(s, uuid) < 0)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "\"%s\" is not a UUID.", s);

        return 0;
}

/* The name is shown in logs and on terminals, and stored in the state. */
static int check_name(const char *name, sd_bus_error *error) {
        if (!isempty(name) && strlen(name) <= NAME_MAX && utf8_is_printable(name))
                return 0;

        return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                "A VM's name is 1 to %i bytes of printable UTF-8.", NAME_MAX);
}

static int read_announcement(
        sd_bus_message *message, Api *api, Announcement *ret, ReserveKind *ret_kind, sd_bus_error *error) {
        _cleanup_(announcement_clear) Announcement a = {};
        _cleanup_free_ char *path = NULL;
        const char *slice = NULL;
        int reconnect = false, update = false, r;
        const BusOption options[] = {
                { "quota", 'u', &a.quota.quota, &a.quota.quota_set },
                { "watermark", 'u', &a.quota.watermark, &a.quota.watermark_set },
                { "metadata", 'm', &a.domain },
                { "slice", 's', &slice },
                { "libvirt-pid", 'u', &a.libvirt_pid },
                { "reconnect", 'b', &reconnect },
                { "update", 'b', &update },
        };

        r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r >= 0)
                r = bus_check_quota("Quota", a.quota.quota, error);
        if (r >= 0)
                r = bus_check_quota("Watermark", a.quota.watermark, error);
        if (r < 0)
                return r;

        if (slice) {
                r = cgroup_path_from_slice(slice, &path);
                if (r == -EINVAL)
                        return bus_error_setf(
                                error, SD_BUS_ERROR_INVALID_ARGS, "\"%s\" is not a valid slice name.", slice);
                if (r >= 0)
                        a.slice = strdup(slice);
                if (r < 0 || !a.slice)
                        return -ENOMEM;
        }

        /* Ignore a process that has ended already. */
        if (a.libvirt_pid > INT32_MAX || a.libvirt_pid == 0 ||
                process_get_start_time(api->control, a.libvirt_pid, &a.libvirt_start_time) < 0)
                a.libvirt_pid = 0;

        *ret = a;
        *ret_kind = update ? RESERVE_UPDATE : reconnect ? RESERVE_RECONNECT : RESERVE_START;
        a = (Announcement) {};
        return 0;
}

static int admit(
        Api *api, const char *uuid, const char *name, const Announcement *announced, sd_bus_error *error) {
        _cleanup_free_ char *reason = NULL;
        PolicyResult policy;
        int r;

        vm_resolve_announced(api->world, uuid, name, announced, &policy);
        r = overcommit_admit(api->control, uuid, name, announced->slice, policy.quota, &reason);
        if (r != -EDQUOT)
                return r;

        log_context(LOG_WARNING,
                &(LogContext) { .message_id = MESSAGE_NOT_ADMITTED, .vm_uuid = uuid, .vm_name = name },
                "Not admitted: %s", strempty(reason));
        return sd_bus_error_set(error, PASIDD_ERROR_NOT_ADMITTED, strempty(reason));
}

static int reserve(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        _cleanup_(announcement_clear) Announcement announced = {};
        char uuid[UUID_STRING_SIZE];
        ReserveKind kind = RESERVE_START;
        PolicyResult policy;
        const char *name;
        VM *vm;
        int r;

        r = read_uuid(message, uuid, error);
        if (r >= 0)
                r = sd_bus_message_read(message, "s", &name);
        if (r >= 0)
                r = check_name(name, error);
        if (r >= 0)
                r = read_announcement(message, api, &announced, &kind, error);
        if (r < 0)
                return r;

        /* Admission control does not apply to VMs that already run. */
        if (kind == RESERVE_START) {
                r = admit(api, uuid, name, &announced, error);
                if (r < 0)
                        return r;
        }

        r = vm_reserve(api->control, uuid, name, &announced, kind, caller, &vm);
        if (r == -ESRCH)
                return bus_error_setf(error, PASIDD_ERROR_NO_SUCH_VM, "There is no running VM \"%s\".", uuid);
        if (r < 0)
                return bus_error_setf(error, PASIDD_ERROR_NOT_SAVED, "The reservation could not be saved: %s",
                        strerror(-r));

        /* The reply is about this announcement, not about an earlier one of a next start. */
        policy = vm->policy;
        if (kind == RESERVE_START)
                vm_resolve_next(vm, &policy);
        return sd_bus_reply_method_return(message, "us", policy.quota, quota_source_to_string(policy.source));
}

/* Reserve and Release share an action, because both are for the hook. */
static int authorize_hook(sd_bus_message *message, Api *api, AuthorizedHandler handler, sd_bus_error *error) {
        char uuid[UUID_STRING_SIZE];
        int r;

        r = read_uuid(message, uuid, error);
        if (r < 0)
                return r;

        return polkit_authorize(api, message, PASIDD_ACTION_RESERVE,
                (const char *const[]) { "uuid", uuid, NULL }, handler, error);
}

static int method_reserve(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize_hook(message, userdata, reserve, error);
}

/*
 * Logs once in each run if the vIOMMU offers more PASIDs than the quota allows:
 * the guest does not learn which of them were denied.
 */
static void log_viommu(VM *vm) {
        const Announcement *announced = state_get_announcement(vm->world->state.runtime, vm->key);
        LogContext context = vm_log_context(vm, MESSAGE_VIOMMU_ABOVE_QUOTA);
        _cleanup_free_ char *text = NULL;

        if (vm->viommu_noted || !announced || !vm_is_running(vm))
                return;
        if (viommu_describe(viommu_pasids(&announced->domain), vm->policy.quota, &text) < 0) {
                log_oom();
                return;
        }
        if (!text)
                return;

        vm->viommu_noted = true;
        context.quota = vm->policy.quota;
        context.quota_known = true;
        log_context(LOG_NOTICE, &context, "VM %s: %s.", vm->name, text);
}

/* Changes nothing, so every user may call it. */
static int method_confirm(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *reason = NULL;
        char uuid[UUID_STRING_SIZE];
        Api *api = userdata;
        VM *vm;
        int r;

        r = read_uuid(message, uuid, error);
        if (r < 0)
                return r;

        vm = vm_find_by_uuid(api->world, uuid);
        if (!vm)
                return bus_error_setf(error, PASIDD_ERROR_NO_SUCH_VM, "There is no VM \"%s\".", uuid);

        log_viommu(vm);

        if (vm_limits_verify(vm, &reason) < 0)
                return bus_error_setf(error, PASIDD_ERROR_NOT_APPLIED,
                        "Quota %" PRIu32 " is not in force: %s.", vm->policy.quota, strempty(reason));

        return sd_bus_reply_method_return(message, "u", vm->policy.quota);
}

static int release(sd_bus_message *message, Api *api, const Caller *caller, sd_bus_error *error) {
        char uuid[UUID_STRING_SIZE];
        int r;

        r = read_uuid(message, uuid, error);
        if (r < 0)
                return r;

        vm_release(api->control, uuid, caller);
        return sd_bus_reply_method_return(message, NULL);
}

static int method_release(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize_hook(message, userdata, release, error);
}

static const sd_bus_vtable hook_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("Reserve", SD_BUS_ARGS("s", uuid, "s", name, "a{sv}", options),
                SD_BUS_RESULT("u", quota, "s", source), method_reserve, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Confirm", SD_BUS_ARGS("s", uuid), SD_BUS_RESULT("u", quota), method_confirm,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("s", uuid), SD_BUS_NO_RESULT, method_release,
                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int hook_bus_add_to(Api *api, sd_bus *bus) {
        return sd_bus_add_object_vtable(
                bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, hook_vtable, api);
}

int hook_bus_add(Api *api) {
        return hook_bus_add_to(api, api->bus);
}
