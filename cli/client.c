/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client.h"

#include <time.h>

#include "bus-names.h"
#include "bus-read.h"
#include "error-map.h"
#include "kernel.h"
#include "quota.h"

#define USEC_PER_SEC UINT64_C(1000000)

/* Long enough for somebody to type a password. */
#define CALL_TIMEOUT_USEC (120 * USEC_PER_SEC)

/* What dbus-daemon itself waits for a service to start is 25 s. */
#define START_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define START_POLL_USEC    (200 * UINT64_C(1000))
#define OLD_FAILURE_USEC   (3 * USEC_PER_SEC)

#define SYSTEMD_NAME          "org.freedesktop.systemd1"
#define SYSTEMD_UNIT_PATH     "/org/freedesktop/systemd1/unit/pasidd_2eservice"
#define SYSTEMD_UNIT_IFACE    "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE_IFACE "org.freedesktop.systemd1.Service"

CtlExitStatus client_fail_message(int r) {
        if (r == -ENOMEM)
                return fail_oom();
        return fail(CTL_EXIT_FAILURE,
                "The daemon and pasidctl do not understand each other (%s); are they of "
                "the same version?",
                strerror(-r));
}

/* What to do about a daemon that does not run. exit_status is what its process ended with, 0 if unknown. */
static CtlExitStatus fail_not_running(const char *message, int exit_status) {
        fail(CTL_EXIT_NOT_RUNNING, "pasidd is not running: %s", message);

        if (exit_status == PASIDD_EXIT_CONFIG)
                fputs("Its configuration does not parse.\n", stderr);
        else if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0)
                fputs("/sys/fs/cgroup is not the unified cgroup hierarchy (cgroup v2), which it needs.\n",
                        stderr);
        else if (exit_status == PASIDD_EXIT_NO_KERNEL_SUPPORT || !kernel_has_vfio_pasid())
                fputs("This kernel has no module vfio_pasid: it lacks the PASID quota patches.\n", stderr);

        fputs("See 'systemctl status pasidd' and 'journalctl -u pasidd'.\n", stderr);
        return CTL_EXIT_NOT_RUNNING;
}

CtlExitStatus client_fail(const sd_bus_error *error, int r) {
        _cleanup_free_ char *message = NULL;
        const char *name = error->name;
        CtlExitStatus status;

        message = text_escape_lines(!isempty(error->message) ? error->message : strerror(-r));
        if (!message)
                return fail_oom();

        status = error_to_exit_status(name);
        if (status == CTL_EXIT_NOT_RUNNING)
                return fail_not_running(message, 0);

        fail(status, "%s", message);
        if (streq_ptr(name, PASIDD_ERROR_NO_SUCH_VM))
                fputs("'pasidctl list' shows the virtual machines that run. One that is off gets its quota "
                      "from its metadata or a rule.\n",
                        stderr);
        else if (streq_ptr(name, PASIDD_ERROR_AMBIGUOUS_VM))
                fputs("Name it by its UUID, or by more of it.\n", stderr);
        else if (streq_ptr(name, SD_BUS_ERROR_UNKNOWN_METHOD))
                fputs("The pasidd that runs is of another version; see 'systemctl restart pasidd'.\n",
                        stderr);
        else if (status == CTL_EXIT_DENIED && geteuid() != 0)
                fputs("Nothing was changed. Run pasidctl as root, or have a polkit rule allow it.\n", stderr);

        return status;
}

CtlExitStatus client_open_bus(sd_bus **ret) {
        int r;

        r = sd_bus_open_system(ret);
        if (r < 0)
                return fail(CTL_EXIT_NOT_RUNNING, "Cannot connect to the system bus: %s.", strerror(-r));
        return CTL_EXIT_OK;
}

static bool daemon_has_owner(sd_bus *bus) {
        return sd_bus_get_name_creds(bus, PASIDD_BUS_NAME, 0, NULL) >= 0;
}

static uint64_t now_usec(void) {
        struct timespec ts;

        clock_gettime(CLOCK_MONOTONIC, &ts);
        return (uint64_t) ts.tv_sec * USEC_PER_SEC + (uint64_t) ts.tv_nsec / 1000;
}

typedef struct UnitWait {
        uint64_t begin;
        uint64_t changed; /* when the unit last changed its state before that */
} UnitWait;

/* When the unit last changed its state; 0 if there is no systemd to ask. */
static uint64_t unit_changed(sd_bus *bus) {
        uint64_t t = 0;

        (void) sd_bus_get_property_trivial(bus, SYSTEMD_NAME, SYSTEMD_UNIT_PATH, SYSTEMD_UNIT_IFACE,
                "StateChangeTimestampMonotonic", NULL, 't', &t);
        return t;
}

/*
 * Has the unit failed? Then also says what its main process ended with. A
 * failure from before this start does not count, unless it stays the last word:
 * dbus-daemon does not pass on another start while it waits for the end of one.
 */
static bool unit_failed(sd_bus *bus, const UnitWait *wait, int32_t *ret_exit_status) {
        _cleanup_free_ char *state = NULL;

        if (sd_bus_get_property_string(bus, SYSTEMD_NAME, SYSTEMD_UNIT_PATH, SYSTEMD_UNIT_IFACE,
                    "ActiveState", NULL, &state) < 0)
                return false;
        if (!streq(state, "failed"))
                return false;
        if (unit_changed(bus) <= wait->changed && now_usec() < wait->begin + OLD_FAILURE_USEC)
                return false;

        (void) sd_bus_get_property_trivial(bus, SYSTEMD_NAME, SYSTEMD_UNIT_PATH, SYSTEMD_SERVICE_IFACE,
                "ExecMainStatus", NULL, 'i', ret_exit_status);
        return true;
}

typedef struct StartResult {
        bool done;
        sd_bus_error error;
} StartResult;

static int on_started(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        StartResult *result = userdata;

        result->done = true;
        return sd_bus_error_copy(&result->error, sd_bus_message_get_error(m));
}

/*
 * Has the bus start the daemon. dbus-daemon does not learn that the unit failed
 * and would have us wait for its timeout, so look at the unit meanwhile.
 */
static CtlExitStatus start_daemon(sd_bus *bus) {
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        StartResult result = {};
        CtlExitStatus status;
        UnitWait wait;
        int r;

        wait = (UnitWait) { .begin = now_usec(), .changed = unit_changed(bus) };

        r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus", "StartServiceByName");
        if (r < 0)
                return client_fail_message(r);
        r = sd_bus_message_append(m, "su", PASIDD_BUS_NAME, 0);
        if (r < 0)
                return client_fail_message(r);
        r = sd_bus_call_async(bus, &slot, m, on_started, &result, START_TIMEOUT_USEC);
        if (r < 0)
                return client_fail_message(r);

        while (!result.done) {
                int32_t exit_status = 0;

                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, START_POLL_USEC);
                if (r == -EINTR)
                        continue;
                if (r < 0)
                        return fail(CTL_EXIT_NOT_RUNNING, "Lost the system bus: %s.", strerror(-r));
                if (!result.done && r == 0 && unit_failed(bus, &wait, &exit_status))
                        return fail_not_running("it failed to start.", exit_status);
                if (now_usec() > wait.begin + START_TIMEOUT_USEC + USEC_PER_SEC)
                        return fail_not_running("it does not start in time.", 0);
        }

        status = sd_bus_error_is_set(&result.error) ? client_fail(&result.error, -EIO) : CTL_EXIT_OK;
        sd_bus_error_free(&result.error);
        return status;
}

CtlExitStatus client_open(sd_bus **ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        CtlExitStatus status;

        status = client_open_bus(&bus);
        if (status != CTL_EXIT_OK)
                return status;

        if (!daemon_has_owner(bus)) {
                status = start_daemon(bus);
                if (status != CTL_EXIT_OK)
                        return status;
        }

        *ret = TAKE_PTR(bus);
        return CTL_EXIT_OK;
}

CtlExitStatus client_open_running(sd_bus **ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        CtlExitStatus status;

        status = client_open_bus(&bus);
        if (status != CTL_EXIT_OK)
                return status;
        if (!daemon_has_owner(bus))
                return fail_not_running("it is not on the system bus.", 0);

        *ret = TAKE_PTR(bus);
        return CTL_EXIT_OK;
}

CtlExitStatus client_new_call(sd_bus *bus, const Options *options, const char *path, const char *interface,
        const char *member, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &m, PASIDD_BUS_NAME, path, interface, member);
        if (r < 0)
                return client_fail_message(r);
        if (options) {
                r = sd_bus_message_set_allow_interactive_authorization(m, options->ask_password);
                if (r < 0)
                        return client_fail_message(r);
        }

        *ret = TAKE_PTR(m);
        return CTL_EXIT_OK;
}

CtlExitStatus client_call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret_reply) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(bus, m, CALL_TIMEOUT_USEC, &error, ret_reply);
        return r < 0 ? client_fail(&error, r) : CTL_EXIT_OK;
}

CtlExitStatus client_find_vm(sd_bus *bus, const char *vm, char **ret_path) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        CtlExitStatus status;
        const char *path;
        char *copy;
        int r;

        if (isempty(vm))
                return fail(CTL_EXIT_NOT_FOUND, "The name of the virtual machine is empty.");

        status = client_new_call(bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "GetVM", &m);
        if (status != CTL_EXIT_OK)
                return status;

        r = sd_bus_message_append(m, "s", vm);
        if (r == -EINVAL)
                return fail(CTL_EXIT_USAGE, "The name of the virtual machine is not valid UTF-8.");
        if (r < 0)
                return client_fail_message(r);

        status = client_call(bus, m, &reply);
        if (status != CTL_EXIT_OK)
                return status;

        r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return client_fail_message(r);
        copy = strdup(path);
        if (!copy)
                return fail_oom();

        *ret_path = copy;
        return CTL_EXIT_OK;
}

static CtlExitStatus read_all(sd_bus *bus, const char *path, const char *interface, const InfoField *fields,
        size_t n_fields, void *info) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        CtlExitStatus status;
        int r;

        status = client_new_call(bus, NULL, path, "org.freedesktop.DBus.Properties", "GetAll", &m);
        if (status != CTL_EXIT_OK)
                return status;
        r = sd_bus_message_append(m, "s", interface);
        if (r < 0)
                return client_fail_message(r);
        status = client_call(bus, m, &reply);
        if (status != CTL_EXIT_OK)
                return status;

        r = bus_read_properties(reply, fields, n_fields, info);
        return r < 0 ? client_fail_message(r) : CTL_EXIT_OK;
}

CtlExitStatus client_read_vm(sd_bus *bus, const char *path, VmInfo *ret) {
        return read_all(bus, path, PASIDD_VM_INTERFACE, vm_fields, n_vm_fields, ret);
}

CtlExitStatus client_read_manager(sd_bus *bus, ManagerInfo *ret) {
        return read_all(
                bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, manager_fields, n_manager_fields, ret);
}

static int add_vm(const char *path, VmInfo *vm, void *userdata) {
        VmList *list = userdata;
        VmInfo *grown;

        grown = reallocarray(list->vms, list->n_vms + 1, sizeof(*grown));
        if (!grown)
                return -ENOMEM;
        list->vms = grown;
        list->vms[list->n_vms++] = *vm;
        *vm = (VmInfo) {};

        return 0;
}

CtlExitStatus client_list_vms(sd_bus *bus, VmList *ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        CtlExitStatus status;
        int r;

        status = client_new_call(
                bus, NULL, PASIDD_OBJECT_PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &m);
        if (status != CTL_EXIT_OK)
                return status;
        status = client_call(bus, m, &reply);
        if (status != CTL_EXIT_OK)
                return status;

        r = bus_read_managed_vms(reply, add_vm, ret);
        if (r < 0)
                return client_fail_message(r);

        vm_list_sort(ret);
        return CTL_EXIT_OK;
}

static int append_option(sd_bus_message *m, const char *name, char type, uint32_t value) {
        const char signature[] = { type, 0 };

        return sd_bus_message_append(m, "{sv}", name, signature, value);
}

int client_append_options(sd_bus_message *m, const Options *options) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && options->runtime)
                r = append_option(m, "runtime", 'b', true);
        if (r >= 0 && options->dry_run)
                r = append_option(m, "dry-run", 'b', true);
        if (r >= 0 && options->watermark_set)
                r = append_option(m, "watermark", 'u', options->watermark);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

CtlExitStatus parse_quota_argument(const char *what, const char *s, bool allow_max, uint32_t *ret) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = quota_parse(s, allow_max ? QUOTA_ALLOW_MAX : 0, ret);
        if (r >= 0)
                return CTL_EXIT_OK;

        escaped = text_escape(s);
        if (!escaped)
                return fail_oom();
        return fail(CTL_EXIT_USAGE, "%s '%s' %s.", what, escaped, quota_parse_error(r));
}
