/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "bus-call.h"
#include "bus-error.h"
#include "bus-names.h"
#include "bus-peer.h"
#include "bus.h"
#include "call-queue.h"
#include "callers.h"
#include "default-bus.h"
#include "log-control.h"
#include "machined.h"
#include "override-bus.h"
#include "override-change.h"
#include "polkit.h"
#include "quota.h"
#include "reconcile.h"
#include "set.h"
#include "signal-gate.h"
#include "slice-bus.h"
#include "subscribers.h"
#include "systemd-watch.h"
#include "vm.h"

#define SYSTEM_BUS_ADDRESS "unix:path=/run/dbus/system_bus_socket"

#define RETRY_MIN_USEC (UINT64_C(250000))
#define RETRY_MAX_USEC (UINT64_C(30000000))

static void retry_later(Manager *m);

static void disconnect(Manager *m) {
        Set *set;

        signal_gate_reset(m);
        polkit_forget_requests(m);
        m->callers = callers_free(m->callers);
        subscribers_forget(m);
        metrics_bus_forget(m);
        m->machined = machined_free(m->machined);
        m->systemd_watch = systemd_watch_free(m->systemd_watch);
        reconcile_forget_messages(m);
        override_forget_messages(m);
        TAILQ_FOREACH (set, &m->sets, entries)
                set_forget_question(set);
        m->query_bus = sd_bus_close_unref(m->query_bus);
        m->bus = sd_bus_close_unref(m->bus);
        m->name_acquired = false;
}

/* Of either connection; mostly they break together. */
static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;

        if (!m->bus_logged)
                log_warning("Lost the connection to the system bus, connecting again.");
        m->bus_logged = true;
        if (!m->bus_retry)
                retry_later(m);
        return 0;
}

static int on_name(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(reply);
        Manager *m = userdata;
        uint32_t result;

        m->name_requested = false;
        if (e && bus_error_is_no_answer(e)) {
                retry_later(m);
                return 0;
        }
        if (e) {
                log_error("Cannot have the bus name " PASIDD_BUS_NAME ": %s", e->message);
                manager_exit(m, EXIT_FAILURE);
                return 0;
        }

        /* 1: owner now, 4: was already (D-Bus specification, RequestName) */
        if (sd_bus_message_read(reply, "u", &result) < 0 || (result != 1 && result != 4)) {
                log_error("The bus name " PASIDD_BUS_NAME " is taken, is another pasidd running?");
                manager_exit(m, EXIT_FAILURE);
                return 0;
        }

        m->name_acquired = true;
        m->bus_backoff_usec = RETRY_MIN_USEC;
        manager_check_ready(m);
        return 0;
}

void bus_request_name(Manager *m) {
        int r;

        if (!m->bus || m->name_requested || m->name_acquired)
                return;

        r = sd_bus_request_name_async(m->bus, NULL, PASIDD_BUS_NAME, 0, on_name, m);
        if (r < 0) {
                log_error_errno(r, "Cannot ask for the bus name " PASIDD_BUS_NAME ": %m");
                retry_later(m);
                return;
        }

        m->name_requested = true;
}

int bus_add_objects(Manager *m) {
        static int (*const adders[])(Manager *) = {
                manager_bus_add,
                policy_bus_add,
                default_bus_add,
                hook_bus_add,
                event_bus_add,
                metrics_bus_add,
                slice_bus_add,
                override_bus_add,
                vm_bus_add,
                log_control_add,
        };
        int r;

        r = callers_new(m);
        if (r >= 0)
                r = call_queue_add(m);
        if (r < 0)
                return r;

        for (size_t i = 0; i < ELEMENTSOF(adders); i++) {
                r = adders[i](m);
                if (r < 0)
                        return r;
        }

        return sd_bus_add_object_manager(m->bus, NULL, PASIDD_OBJECT_PATH);
}

/*
 * For calls without a time limit of their own: those to the bus itself. We read
 * its answers after all the calls that users sent before, and sd-bus closes the
 * connection when the answer to AddMatch is late. With sd-bus's default, 25 s, a
 * user who sent enough calls disconnected the daemon on a busy machine.
 */
#define DRIVER_TIMEOUT_USEC (UINT64_C(10) * 60 * 1000000)

/*
 * The system bus. Not by sd_bus_open_system(), which would let callers send
 * file descriptors along: a few calls that wait for polkit could use up ours.
 */
static int open_bus(sd_bus **ret) {
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        const char *address = secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
        int r;

        r = sd_bus_new(&bus);
        if (r >= 0)
                r = sd_bus_set_address(bus, isempty(address) ? SYSTEM_BUS_ADDRESS : address);
        if (r >= 0)
                r = sd_bus_set_bus_client(bus, true);
        if (r >= 0)
                r = sd_bus_negotiate_fds(bus, false);
        if (r >= 0)
                r = sd_bus_set_method_call_timeout(bus, DRIVER_TIMEOUT_USEC);
        if (r >= 0)
                r = sd_bus_start(bus);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(bus);
        return 0;
}

static int attach(Manager *m, sd_bus *bus, int64_t priority) {
        int r;

        r = bus_on_disconnected(bus, on_disconnected, m);
        if (r < 0)
                return r;

        return sd_bus_attach_event(bus, m->event, priority);
}

/*
 * No program has a reason to call the connection for questions, but some may:
 * the bus's policy for destinations goes by names, and other policies allow
 * some interfaces wherever they are. sd-bus would answer Ping, for example.
 */
static int drop_calls(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        uint8_t type;

        return sd_bus_message_get_type(message, &type) >= 0 && type == SD_BUS_MESSAGE_METHOD_CALL;
}

/*
 * Two connections: what machined and systemd say must not queue behind what
 * callers send, of which anybody may send as much as he likes. The one for
 * them answers no calls, and comes first; only what the kernel and libvirt's
 * hook say comes before it.
 */
static int connect_to_bus(Manager *m) {
        int r;

        r = open_bus(&m->bus);
        if (r >= 0)
                r = open_bus(&m->query_bus);
        if (r >= 0)
                r = attach(m, m->bus, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = attach(m, m->query_bus, SD_EVENT_PRIORITY_IMPORTANT + 1);
        if (r >= 0)
                r = sd_bus_add_filter(m->query_bus, NULL, drop_calls, NULL);
        if (r >= 0)
                r = bus_add_objects(m);
        if (r >= 0)
                r = systemd_watch_new(m, &m->systemd_watch);
        if (r >= 0)
                r = machined_new(m, &m->machined);

        return r;
}

static void try_connect(Manager *m) {
        int r;

        m->machines = MACHINES_UNKNOWN;
        r = connect_to_bus(m);
        if (r < 0) {
                log_context_errno(m->bus_logged ? LOG_DEBUG : LOG_WARNING, NULL, r,
                        "Cannot connect to the system bus, trying again: %m");
                m->bus_logged = true;
                retry_later(m);
                return;
        }

        if (m->bus_logged)
                log_info("Connected to the system bus.");
        if (m->ready)
                reconcile_begin(m, "the bus is back");
        m->bus_logged = false;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        m->bus_retry = sd_event_source_disable_unref(m->bus_retry);
        /* Not before: sd-bus was still at work with it when it broke. */
        disconnect(m);
        try_connect(m);
        return 0;
}

static void retry_later(Manager *m) {
        int r;

        m->bus_retry = sd_event_source_disable_unref(m->bus_retry);
        r = sd_event_add_time_relative(m->event, &m->bus_retry, CLOCK_MONOTONIC, m->bus_backoff_usec,
                m->bus_backoff_usec / 10, on_retry, m);
        if (r < 0) {
                log_error_errno(r, "Cannot set a timer: %m");
                manager_exit(m, EXIT_FAILURE);
                return;
        }

        (void) sd_event_source_set_description(m->bus_retry, "bus-retry");
        if (m->bus_backoff_usec < RETRY_MAX_USEC)
                m->bus_backoff_usec *= 2;
        m->name_requested = m->name_acquired = false;
        manager_machines_known(m, MACHINES_UNAVAILABLE);
}

void bus_start(Manager *m) {
        m->bus_backoff_usec = RETRY_MIN_USEC;
        try_connect(m);
}

void bus_stop(Manager *m) {
        m->bus_retry = sd_event_source_disable_unref(m->bus_retry);
        /* Without sd_bus_flush(): it waits for a bus that may take nothing. */
        disconnect(m);
}

/*
 * Signals are not sent before the name is there: nobody can have asked for
 * what comes from its owner, and who sees it appear asks for everything.
 */

static void check_sent(int r, const char *what) {
        if (r < 0 && r != -ENOTCONN)
                log_debug_errno(r, "Cannot send %s, ignoring: %m", what);
}

void bus_vm_added(VM *vm) {
        Manager *m = vm->manager;

        if (!signal_gate_is_open(m)) {
                vm->untold = m->signals.closed;
                return;
        }

        vm->untold = false;

        check_sent(sd_bus_emit_object_added(m->bus, vm->path), "InterfacesAdded");
        check_sent(sd_bus_emit_signal(m->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "VMAdded", "sso",
                           vm->uuid, vm->name, vm->path),
                "VMAdded");
}

/* While the object is still there: sd-bus looks up its interfaces. */
void bus_vm_removed(VM *vm) {
        Manager *m = vm->manager;

        if (!vm->announced)
                return;
        if (!signal_gate_is_open(m)) {
                signal_gate_vm_removed(vm);
                return;
        }

        check_sent(sd_bus_emit_object_removed(m->bus, vm->path), "InterfacesRemoved");
        check_sent(sd_bus_emit_signal(m->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "VMRemoved",
                           "sso", vm->uuid, vm->name, vm->path),
                "VMRemoved");
}

void bus_vm_was_removed(Manager *m, const char *path) {
        check_sent(
                sd_bus_emit_interfaces_removed(m->bus, path, PASIDD_VM_INTERFACE, NULL), "InterfacesRemoved");
}

void bus_quota_exceeded(VM *vm, const KernelMessage *event) {
        bool attached = event->count == KERNEL_COUNT_ATTACHED;
        const char *signal = attached ? "AttachRefused" : "QuotaExceeded";
        const KernelSet *set = &event->set;
        Manager *m = vm->manager;

        if (!signal_gate_is_open(m))
                return;

        check_sent(
                sd_bus_emit_signal(m->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, signal, "ssotsuuu",
                        vm->uuid, vm->name, vm->path, set->id, kernel_limit_reason_to_string(event->reason),
                        attached ? set->attached : set->allocated, set->quota, event->suppressed),
                signal);
}

void bus_watermark_reached(VM *vm, const KernelMessage *event) {
        bool attached = event->count == KERNEL_COUNT_ATTACHED;
        const char *signal = attached ? "AttachWatermarkReached" : "WatermarkReached";
        const KernelSet *set = &event->set;
        Manager *m = vm->manager;

        if (!signal_gate_is_open(m))
                return;

        check_sent(sd_bus_emit_signal(m->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, signal, "ssotuu",
                           vm->uuid, vm->name, vm->path, set->id, attached ? set->attached : set->allocated,
                           set->watermark),
                signal);
}

void bus_overcommitted(Manager *m, const char *slice, uint64_t committed, uint64_t commit_limit) {
        if (!signal_gate_is_open(m))
                return;

        check_sent(sd_bus_emit_signal(m->bus, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "Overcommitted",
                           "stt", slice, committed, commit_limit),
                "Overcommitted");
}

void bus_send_changes(Manager *m) {
        VM *vm;

        while ((vm = TAILQ_FIRST(&m->vms_changed)) && signal_gate_has_room(m)) {
                TAILQ_REMOVE(&m->vms_changed, vm, of_changed);
                vm->changes_queued = false;
                /* With its announcement all properties are told. */
                if (!vm->announced)
                        continue;
                if (vm->untold)
                        bus_vm_added(vm);
                else if (vm->changed && signal_gate_is_open(m))
                        vm_bus_send_changes(vm);
                vm->changed = 0;
        }

        if (m->changed && signal_gate_is_open(m))
                manager_bus_send_changes(m);
        m->changed = 0;
}

static const BusOption *find_option(const BusOption *options, size_t n_options, const char *name) {
        for (size_t i = 0; i < n_options; i++)
                if (streq(options[i].name, name))
                        return &options[i];

        return NULL;
}

static int read_metadata(sd_bus_message *message, Metadata *metadata, sd_bus_error *error) {
        const char *key, *value;
        int r;

        r = sd_bus_message_enter_container(message, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_enter_container(message, 'a', "(ss)");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_read(message, "(ss)", &key, &value)) > 0) {
                r = metadata_add(metadata, key, value);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                "Metadata are up to %u pairs of up to %u bytes of printable UTF-8 each, %u bytes in all.",
                                METADATA_ITEMS_MAX, METADATA_TEXT_MAX, METADATA_SIZE_MAX);
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(message);
        if (r >= 0)
                r = sd_bus_message_exit_container(message);

        return r;
}

static int read_option(
        sd_bus_message *message, const BusOption *options, size_t n_options, sd_bus_error *error) {
        const char *name, *contents, *type;
        const BusOption *option;
        int r;

        r = sd_bus_message_read(message, "s", &name);
        if (r < 0)
                return r;

        option = find_option(options, n_options, name);
        if (!option)
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "Unknown option \"%s\".", name);

        type = option->type == 'm' ? "a(ss)" : (const char[]) { option->type, '\0' };
        r = sd_bus_message_peek_type(message, NULL, &contents);
        if (r < 0)
                return r;
        if (!streq(contents, type))
                return bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                        "Option \"%s\" is of type \"%s\", it should be \"%s\".", name, contents, type);

        r = option->type == 'm' ? read_metadata(message, option->value, error)
                                : sd_bus_message_read(message, "v", contents, option->value);
        if (r < 0)
                return r;

        if (option->given)
                *option->given = true;
        return 0;
}

int bus_read_options(
        sd_bus_message *message, const BusOption *options, size_t n_options, sd_bus_error *error) {
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = read_option(message, options, n_options, error);
                if (r < 0)
                        return r;

                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(message);
}

int bus_check_quota(const char *what, uint32_t quota, sd_bus_error *error) {
        if (quota <= QUOTA_MAX)
                return 0;

        return bus_error_setf(error, PASIDD_ERROR_INVALID_QUOTA,
                "%s %" PRIu32 " is above the most that there can be, %" PRIu32 ".", what, quota, QUOTA_MAX);
}
