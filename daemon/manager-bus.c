/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* org.pasidd1.Manager, as conf/dbus/org.pasidd1.Manager.xml has it. */

#include <inttypes.h>
#include <limits.h>

#include "admission.h"
#include "bus-names.h"
#include "bus.h"
#include "cgroup-path.h"
#include "cgroup.h"
#include "counter-store.h"
#include "event-log.h"
#include "manager-bus.h"
#include "messages.h"
#include "metrics.h"
#include "polkit.h"
#include "proc.h"
#include "subscribers.h"
#include "utf8.h"
#include "uuid.h"
#include "vm-find.h"
#include "vm-lookup.h"
#include "vm-machine.h"
#include "vm-quota.h"

int bus_find_vm(Manager *m, const char *what, VM **ret, sd_bus_error *error) {
        _cleanup_free_ VMIdentity *identities = NULL;
        _cleanup_free_ char *candidates = NULL;
        size_t n = 0, i;
        VM *vm;
        int r;

        identities = calloc(m->n_vms + 1, sizeof(VMIdentity));
        if (!identities)
                return -ENOMEM;

        TAILQ_FOREACH (vm, &m->vms, entries)
                identities[n++] = (VMIdentity) { .uuid = vm->uuid, .name = vm->name };

        r = vm_find(identities, n, what, &i, &candidates);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, PASIDD_ERROR_NO_SUCH_VM, "There is no VM \"%s\".", what);
        if (r == -ENOTUNIQ)
                return sd_bus_error_setf(error, PASIDD_ERROR_AMBIGUOUS_VM,
                        "\"%s\" could be any of these VMs:\n%s", what, strempty(candidates));
        if (r < 0)
                return r;

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (i-- == 0)
                        break;

        *ret = vm;
        return 0;
}

static int method_get_vm(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *what;
        VM *vm = NULL;
        int r;

        r = sd_bus_message_read(message, "s", &what);
        if (r < 0)
                return r;

        r = bus_find_vm(m, what, &vm, error);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "o", vm->path);
}

static int method_get_vm_by_pid(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        VM *vm = NULL;
        uint32_t pid;
        int r;

        r = sd_bus_message_read(message, "u", &pid);
        if (r < 0)
                return r;

        r = vm_find_by_pid(userdata, pid, &vm);
        if (r == -ESRCH)
                return sd_bus_error_setf(
                        error, SD_BUS_ERROR_UNIX_PROCESS_ID_UNKNOWN, "There is no process %" PRIu32 ".", pid);
        if (r == -ENOENT)
                return sd_bus_error_setf(
                        error, PASIDD_ERROR_NO_SUCH_VM, "Process %" PRIu32 " belongs to no VM.", pid);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "o", vm->path);
}

static int method_get_vm_by_cgroup(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *cgroup;
        VM *vm = NULL;
        int r;

        r = sd_bus_message_read(message, "s", &cgroup);
        if (r < 0)
                return r;

        r = vm_find_by_any_cgroup(userdata, cgroup, &vm);
        if (r == -EINVAL)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "\"%s\" is not the path of a control group: that begins with a slash and has no "
                        "\".\" or \"..\" in it.",
                        cgroup);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, PASIDD_ERROR_NO_SUCH_VM,
                        "The control group \"%s\" is not, and is not in, that of a VM.", cgroup);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "o", vm->path);
}

static int method_list_vms(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Manager *m = userdata;
        VM *vm;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sso)");
        if (r < 0)
                return r;

        TAILQ_FOREACH (vm, &m->vms, entries) {
                r = sd_bus_message_append(reply, "(sso)", vm->uuid, vm->name, vm->path);
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

int manager_bus_change_defaults(Manager *m, const Defaults *defaults, sd_bus_error *error) {
        const State *runtime = m->state.runtime, *persistent = m->state.persistent;
        uint32_t old_runtime = runtime->default_quota, old_persistent = persistent->default_quota;
        const Defaults old = {
                .runtime = runtime->default_quota_set ? &old_runtime : NULL,
                .persistent = persistent->default_quota_set ? &old_persistent : NULL,
        };
        int r;

        r = state_store_set_default(&m->state, defaults->runtime, defaults->persistent);
        if (r < 0)
                return sd_bus_error_setf(error, PASIDD_ERROR_NOT_SAVED,
                        "The default quota could not be saved: %s", strerror(-r));

        r = manager_apply_default_quota(m);
        if (r < 0) {
                (void) state_store_set_default(&m->state, old.runtime, old.persistent);
                return sd_bus_error_setf(error, PASIDD_ERROR_NOT_APPLIED,
                        "The kernel did not take the default quota: %s", strerror(-r));
        }

        manager_apply_all(m);
        manager_queue_changes(m, MANAGER_CHANGED_DEFAULT);
        return 0;
}

static int set_default_quota(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        uint32_t quota, old_persistent = m->state.persistent->default_quota;
        uint32_t previous = manager_default_quota(m, NULL);
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
        if (r < 0)
                return r;

        /* With the persistent one the other goes, because it would still win. */
        if (runtime)
                defaults.runtime = &quota;
        if (!runtime)
                defaults.persistent = &quota;
        else if (m->state.persistent->default_quota_set)
                defaults.persistent = &old_persistent;

        if (!dry_run) {
                r = manager_bus_change_defaults(m, &defaults, error);
                if (r < 0)
                        return r;
        }

        return sd_bus_reply_method_return(message, "u", previous);
}

static int reset_default_quota(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        uint32_t old_persistent = m->state.persistent->default_quota, quota = m->config->default_quota;
        DefaultSource source = DEFAULT_SOURCE_CONFIG;
        int runtime = false, dry_run = false, r;
        const BusOption options[] = {
                { "runtime", 'b', &runtime },
                { "dry-run", 'b', &dry_run },
        };
        Defaults defaults = {};

        r = bus_read_options(message, options, ELEMENTSOF(options), error);
        if (r < 0)
                return r;

        if (runtime && m->state.persistent->default_quota_set) {
                defaults.persistent = &old_persistent;
                quota = old_persistent;
                source = DEFAULT_SOURCE_PERSISTENT;
        }

        if (!dry_run) {
                r = manager_bus_change_defaults(m, &defaults, error);
                if (r < 0)
                        return r;
        }

        return sd_bus_reply_method_return(message, "us", quota, default_source_to_string(source));
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
        if (r < 0)
                return r;

        snprintf(text, sizeof(text), "%" PRIu32, quota);
        return polkit_authorize(userdata, message, PASIDD_ACTION_SET_DEFAULT,
                (const char *const[]) { "quota", text, NULL }, set_default_quota, error);
}

static int read_uuid(sd_bus_message *message, char uuid[static UUID_STRING_SIZE], sd_bus_error *error) {
        const char *s;
        int r;

        r = sd_bus_message_read(message, "s", &s);
        if (r < 0)
                return r;

        if (uuid_canonical(s, uuid) < 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "\"%s\" is not a UUID.", s);

        return 0;
}

/* It ends up in logs, on terminals and in the state file. */
static int check_name(const char *name, sd_bus_error *error) {
        if (!isempty(name) && strlen(name) <= NAME_MAX && utf8_is_printable(name))
                return 0;

        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                "A VM's name is 1 to %i bytes of printable UTF-8.", NAME_MAX);
}

static int read_announcement(
        sd_bus_message *message, Manager *m, Announcement *ret, int *ret_reconnect, sd_bus_error *error) {
        _cleanup_(announcement_clear) Announcement a = {};
        _cleanup_free_ char *path = NULL;
        const char *slice = NULL;
        int reconnect = false, r;
        const BusOption options[] = {
                { "quota", 'u', &a.quota.quota, &a.quota.quota_set },
                { "watermark", 'u', &a.quota.watermark, &a.quota.watermark_set },
                { "metadata", 'm', &a.domain },
                { "slice", 's', &slice },
                { "libvirt-pid", 'u', &a.libvirt_pid },
                { "reconnect", 'b', &reconnect },
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
                        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                "\"%s\" is not the name of a slice.", slice);
                if (r >= 0)
                        a.slice = strdup(slice);
                if (r < 0 || !a.slice)
                        return -ENOMEM;
        }

        /* One that has gone already is nobody to wait for. */
        if (a.libvirt_pid > INT32_MAX || a.libvirt_pid == 0 ||
                proc_get_start_time(m->root, (pid_t) a.libvirt_pid, &a.libvirt_start_time) < 0)
                a.libvirt_pid = 0;

        *ret = a;
        *ret_reconnect = reconnect;
        a = (Announcement) {};
        return 0;
}

static int admit(
        Manager *m, const char *uuid, const char *name, const Announcement *announced, sd_bus_error *error) {
        _cleanup_free_ char *why = NULL;
        PolicyResult policy;
        int r;

        vm_resolve_announced(m, uuid, name, announced, &policy);
        r = admission_ask(m, uuid, name, announced->slice, policy.quota, &why);
        if (r != -EDQUOT)
                return r;

        log_context(LOG_WARNING,
                &(LogContext) { .message_id = MESSAGE_NOT_ADMITTED, .vm_uuid = uuid, .vm_name = name },
                "Not admitted: %s", strempty(why));
        return sd_bus_error_set(error, PASIDD_ERROR_NOT_ADMITTED, strempty(why));
}

static int reserve(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        _cleanup_(announcement_clear) Announcement announced = {};
        char uuid[UUID_STRING_SIZE];
        int reconnect = false, r;
        PolicyResult policy;
        const char *name;
        VM *vm;

        r = read_uuid(message, uuid, error);
        if (r >= 0)
                r = sd_bus_message_read(message, "s", &name);
        if (r >= 0)
                r = check_name(name, error);
        if (r >= 0)
                r = read_announcement(message, m, &announced, &reconnect, error);
        if (r < 0)
                return r;

        /* What runs already is not asked whether it may. */
        if (!reconnect) {
                r = admit(m, uuid, name, &announced, error);
                if (r < 0)
                        return r;
        }

        r = vm_reserve(m, uuid, name, &announced, reconnect, &vm);
        if (r < 0)
                return sd_bus_error_setf(error, PASIDD_ERROR_NOT_SAVED,
                        "The reservation could not be saved: %s", strerror(-r));

        vm_resolve_next(vm, &policy);
        return sd_bus_reply_method_return(message, "us", policy.quota, quota_source_to_string(policy.source));
}

/* Reserve and Release have the same action: they are the hook's. */
static int authorize_hook(
        sd_bus_message *message, Manager *m, AuthorizedHandler handler, sd_bus_error *error) {
        const char *uuid;
        int r;

        r = sd_bus_message_read(message, "s", &uuid);
        if (r < 0)
                return r;

        return polkit_authorize(m, message, PASIDD_ACTION_RESERVE,
                (const char *const[]) { "uuid", uuid, NULL }, handler, error);
}

static int method_reserve(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize_hook(message, userdata, reserve, error);
}

/* Changes nothing, so that anybody may ask. */
static int method_confirm(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        char uuid[UUID_STRING_SIZE];
        Manager *m = userdata;
        VM *vm;
        int r;

        r = read_uuid(message, uuid, error);
        if (r < 0)
                return r;

        vm = vm_find_by_uuid(m, uuid);
        if (!vm)
                return sd_bus_error_setf(error, PASIDD_ERROR_NO_SUCH_VM, "There is no VM \"%s\".", uuid);

        if (vm_verify(vm) < 0)
                return sd_bus_error_setf(error, PASIDD_ERROR_NOT_APPLIED,
                        "Quota %" PRIu32 " is not in force: %s.", vm->policy.quota, strempty(vm->error));

        return sd_bus_reply_method_return(message, "u", vm->policy.quota);
}

static int release(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        char uuid[UUID_STRING_SIZE];
        int r;

        r = read_uuid(message, uuid, error);
        if (r < 0)
                return r;

        vm_release(m, uuid);
        return sd_bus_reply_method_return(message, NULL);
}

static int method_release(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return authorize_hook(message, userdata, release, error);
}

static int reload(sd_bus_message *message, Manager *m, sd_bus_error *error) {
        _cleanup_free_ char *why = NULL;
        int r;

        r = manager_reload(m, &why);
        if (r < 0)
                return sd_bus_error_set(error, PASIDD_ERROR_RELOAD_FAILED, why ? why : strerror(-r));

        return sd_bus_reply_method_return(message, NULL);
}

static int method_reload(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        return polkit_authorize(userdata, message, PASIDD_ACTION_RELOAD, NULL, reload, error);
}

static int append_detail(sd_bus_message *reply, const EventDetail *detail) {
        if (detail->type == 's')
                return sd_bus_message_append(reply, "{sv}", detail->name, "s", detail->text);
        if (detail->type == 'u')
                return sd_bus_message_append(reply, "{sv}", detail->name, "u", (uint32_t) detail->number);

        return sd_bus_message_append(reply, "{sv}", detail->name, "t", detail->number);
}

static int append_event(sd_bus_message *reply, const Event *event) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "ttssssa{sv}");
        if (r >= 0)
                r = sd_bus_message_append(reply, "ttssss", event->sequence, event->usec,
                        event_type_to_string(event->type), event->uuid, strempty(event->name),
                        event->message);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < event->n_details; i++)
                r = append_detail(reply, &event->details[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r;
}

static int method_list_events(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const Manager *m = userdata;
        const Event *event;
        uint64_t since;
        int r;

        r = sd_bus_message_read(message, "t", &since);
        if (r >= 0)
                r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ttssssa{sv})");
        if (r < 0)
                return r;

        for (event = event_log_next(m->events, since); event;
                event = event_log_next(m->events, event->sequence)) {
                r = append_event(reply, event);
                if (r < 0)
                        return r;
        }

        r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", event_log_missed(m->events, since));
        if (r < 0)
                return r;

        return sd_bus_message_send(reply);
}

static int format_metrics(Manager *m, const Counters *counters, char **ret) {
        _cleanup_free_ MetricsVM *vms = NULL;
        uint64_t allocated = 0;
        size_t n = 0;
        VM *vm;

        vms = calloc(m->n_vms + 1, sizeof(MetricsVM));
        if (!vms)
                return -ENOMEM;

        TAILQ_FOREACH (vm, &m->vms, entries) {
                VMCounters c;

                vm_read_counters(vm, &c);
                vms[n++] = (MetricsVM) {
                        .uuid = vm->uuid,
                        .name = vm->name,
                        .running = vm->state == VM_RUNNING,
                        .in_force = vm->in_force,
                        .quota = vm->policy.quota,
                        .watermark = vm->policy.watermark,
                        .allocated = c.allocated,
                        .peak = c.peak,
                        .denied = c.denied,
                        .n_sets = vm->n_sets,
                };
        }

        (void) cgroup_get_current(m->root, "/", &allocated);
        const Metrics metrics = {
                .version = PASIDD_VERSION,
                .capacity = m->capacity,
                .default_quota = manager_default_quota(m, NULL),
                .allocated = allocated,
                .committed = manager_committed(m),
                .resyncs = counters->resyncs,
                .events = counters->events,
                .vms = vms,
                .n_vms = n,
        };
        return metrics_format(&metrics, ret);
}

static int method_get_metrics(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(counters_freep) Counters *counters = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        /* Within a turn of the event loop sets are read once, so what is saved is what is told. */
        r = counter_store_save(userdata, &counters);
        if (r >= 0)
                r = format_metrics(userdata, counters, &text);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "s", text);
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
        return sd_bus_message_append(reply, "s", manager_state(userdata));
}

static int property_status(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        _cleanup_free_ char *status = NULL;

        status = manager_status(userdata);
        return status ? sd_bus_message_append(reply, "s", status) : -ENOMEM;
}

static int property_default_quota(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "u", manager_default_quota(userdata, NULL));
}

static int property_default_source(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        DefaultSource source;

        (void) manager_default_quota(userdata, &source);
        return sd_bus_message_append(reply, "s", default_source_to_string(source));
}

static int property_allocated(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;
        uint64_t allocated;

        /* The root counts everything, what the kernel has taken for itself included. */
        if (cgroup_get_current(m->root, "/", &allocated) < 0)
                allocated = 0;

        return sd_bus_message_append(reply, "u", (uint32_t) allocated);
}

static int property_committed(sd_bus *bus, const char *path, const char *interface, const char *property,
        sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "t", manager_committed(userdata));
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
        SD_BUS_METHOD_WITH_ARGS("SetDefaultQuota", SD_BUS_ARGS("u", quota, "a{sv}", options),
                SD_BUS_RESULT("u", previous), method_set_default_quota, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ResetDefaultQuota", SD_BUS_ARGS("a{sv}", options),
                SD_BUS_RESULT("u", quota, "s", source), method_reset_default_quota,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reserve", SD_BUS_ARGS("s", uuid, "s", name, "a{sv}", options),
                SD_BUS_RESULT("u", quota, "s", source), method_reserve, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Confirm", SD_BUS_ARGS("s", uuid), SD_BUS_RESULT("u", quota), method_confirm,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("s", uuid), SD_BUS_NO_RESULT, method_release,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS(
                "Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListEvents", SD_BUS_ARGS("t", since),
                SD_BUS_RESULT("a(ttssssa{sv})", events, "b", missed), method_list_events,
                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetMetrics", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", text), method_get_metrics,
                SD_BUS_VTABLE_UNPRIVILEGED),
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
        SD_BUS_PROPERTY(
                "Capacity", "u", NULL, offsetof(Manager, capacity), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Allocated", "u", property_allocated, 0, 0),
        SD_BUS_PROPERTY("Committed", "t", property_committed, 0, 0),
        SD_BUS_PROPERTY("Resyncs", "t", NULL, offsetof(Manager, resyncs), 0),

        SD_BUS_SIGNAL_WITH_ARGS("VMAdded", SD_BUS_ARGS("s", uuid, "s", name, "o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("VMRemoved", SD_BUS_ARGS("s", uuid, "s", name, "o", path), 0),
        SD_BUS_SIGNAL_WITH_ARGS("QuotaExceeded",
                SD_BUS_ARGS("s", uuid, "s", name, "o", path, "t", set, "s", reason, "u", allocated, "u",
                        quota, "u", suppressed),
                0),
        SD_BUS_SIGNAL_WITH_ARGS("WatermarkReached",
                SD_BUS_ARGS("s", uuid, "s", name, "o", path, "t", set, "u", allocated, "u", watermark), 0),

        SD_BUS_VTABLE_END,
};

int manager_bus_add(Manager *m) {
        return sd_bus_add_object_vtable(
                m->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, manager_vtable, m);
}

void manager_bus_send_changes(Manager *m) {
        const char *names[8];
        size_t n = 0;
        int r;

        if (m->changed & MANAGER_CHANGED_STATE) {
                names[n++] = "State";
                names[n++] = "Capacity";
        }
        if (m->changed & MANAGER_CHANGED_STATUS)
                names[n++] = "Status";
        if (m->changed & MANAGER_CHANGED_DEFAULT) {
                names[n++] = "DefaultQuota";
                names[n++] = "DefaultQuotaSource";
        }
        names[n] = NULL;

        r = sd_bus_emit_properties_changed_strv(
                m->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, (char **) names);
        if (r < 0)
                log_debug_errno(r, "Cannot send PropertiesChanged, ignoring: %m");
}
