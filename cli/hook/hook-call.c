/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hook-call.h"

#include <unistd.h>

#include "announce.h"
#include "bus-names.h"
#include "clock.h"
#include "hook-connection.h"
#include "hook-deadline.h"
#include "kernel.h"
#include "macro.h"

/*
 * Timeout of the call for "started". A start also waits for "prepare"; together they must not exceed the
 * deadline when the daemon hangs. The daemon logs problems itself. */
#define CONFIRM_USEC (200 * USEC_PER_MSEC)

/* The parent process waits for the hook and lives at least until the end of the start. */
static int append_reserve(sd_bus_message *m, const Hook *hook) {
        static const AnnounceKind kinds[_HOOK_ACTION_MAX] = {
                [HOOK_RESERVE] = ANNOUNCE_START,
                [HOOK_CONFIRM] = ANNOUNCE_UPDATE,
                [HOOK_RECONNECT] = ANNOUNCE_RECONNECT,
        };

        return announce_append(m, kinds[hook->action], &hook->domain, hook->name, (uint32_t) getppid());
}

/*
 * dbus-daemon would not learn that the daemon exited because the module is missing, and the call would time
 * out.
 */
static bool hook_starts_daemon(const Hook *hook) {
        return hook_action_starts_daemon(hook->action) && kernel_has_vfio_pasid();
}

bool hook_error_is_not_running(const sd_bus_error *error) {
        return streq_ptr(error->name, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
               streq_ptr(error->name, SD_BUS_ERROR_SERVICE_UNKNOWN);
}

/* destination: NULL on the hook's socket, a peer-to-peer connection. */
static int new_call(
        const Hook *hook, sd_bus *bus, const char *destination, const char *method, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                bus, &m, destination, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, method);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, hook_starts_daemon(hook));
        if (r >= 0)
                r = streq(method, "Reserve") ? append_reserve(m, hook)
                                             : sd_bus_message_append(m, "s", hook->domain.uuid);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

/* Repeats the announcement of "prepare", for which the daemon can have been down or unresponsive. */
static int tell_again(const Hook *hook, sd_bus *bus, const char *destination) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(hook, bus, destination, "Reserve", &m);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_send(bus, m, NULL);
        /*
         * A busy bus can be slow to accept a connection. Do not count that against the daemon, so that the
         * call is still made.
         */
        if (r >= 0 && destination)
                r = sd_bus_flush(bus);

        return r;
}

/* In microseconds, for connecting to the daemon and for its answer. */
static uint64_t time_for_daemon(const Hook *hook) {
        uint64_t left = hook_time_left(hook->deadline);

        return hook->action == HOOK_CONFIRM && left > CONFIRM_USEC ? CONFIRM_USEC : left;
}

/* Calls the daemon. Returns 0, or a negative errno with the error set. */
static int call_on(const Hook *hook, sd_bus *bus, const char *destination, sd_bus_error *error) {
        static const char *const methods[_HOOK_ACTION_MAX] = {
                [HOOK_RESERVE] = "Reserve",
                [HOOK_CONFIRM] = "Confirm",
                [HOOK_RECONNECT] = "Reserve",
                [HOOK_RELEASE] = "Release",
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint64_t left;
        int r;

        r = new_call(hook, bus, destination, methods[hook->action], &m);
        if (r >= 0 && hook->action == HOOK_CONFIRM)
                r = tell_again(hook, bus, destination);
        if (r < 0)
                return sd_bus_error_set_errno(error, r);

        left = time_for_daemon(hook);
        if (left == 0)
                return sd_bus_error_set_errno(error, -ETIMEDOUT);
        return sd_bus_call(bus, m, left, error, NULL);
}

static int call_by_bus(const Hook *hook, sd_bus_error *error) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return sd_bus_error_set_errnof(error, r, "no system bus: %s", strerror(-r));

        return call_on(hook, bus, PASIDD_BUS_NAME, error);
}

int hook_call_daemon(const Hook *hook, sd_bus_error *error) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = hook_connect(now_monotonic_usec() + time_for_daemon(hook), &bus);
        if (r == -ETIMEDOUT)
                return sd_bus_error_set(error, SD_BUS_ERROR_TIMEOUT, strerror(-r));
        if (r < 0)
                return call_by_bus(hook, error);

        r = call_on(hook, bus, NULL, error);
        if (!hook_connection_is_lost(r))
                return r;

        sd_bus_error_free(error);
        return call_by_bus(hook, error);
}
