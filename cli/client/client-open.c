/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "client.h"
#include "client-error.h"
#include "clock.h"

/* dbus-daemon waits 25 s for a service to start. */
#define START_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define START_POLL_USEC    (200 * USEC_PER_MSEC)
#define OLD_FAILURE_USEC   (3 * USEC_PER_SEC)

#define SYSTEMD_NAME          "org.freedesktop.systemd1"
#define SYSTEMD_UNIT_PATH     "/org/freedesktop/systemd1/unit/pasidd_2eservice"
#define SYSTEMD_UNIT_IFACE    "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE_IFACE "org.freedesktop.systemd1.Service"

void client_close(Client *client) {
        client->bus = sd_bus_flush_close_unref(client->bus);
}

CtlExitStatus client_open_bus(const Options *options, Client *ret) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *name;
        int r;

        r = options->host ? sd_bus_open_system_remote(&bus, options->host) : sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_get_unique_name(bus, &name); /* waits for the connection */
        if (r < 0 && options->host)
                return fail(CTL_EXIT_NOT_RUNNING,
                        "Cannot connect to the system bus of %s: %s. Does 'ssh %s%s%s%s systemd-stdio-bridge' work?",
                        options->host, strerror(-r), SSH_ARGUMENTS(options->ssh));
        if (r < 0)
                return fail(CTL_EXIT_NOT_RUNNING,
                        "Cannot connect to the system bus: %s. See 'systemctl status dbus'.", strerror(-r));

        *ret = (Client) { TAKE_PTR(bus), options };
        return CTL_EXIT_OK;
}

bool client_is_running(const Client *client) {
        return sd_bus_get_name_creds(client->bus, PASIDD_BUS_NAME, 0, NULL) >= 0;
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
 * Has the unit failed? If so, also returns the exit status of its main process. A
 * failure before this start does not count, unless the unit does not change its
 * state any more: dbus-daemon does not request a start while another is pending.
 */
static bool unit_failed(sd_bus *bus, const UnitWait *wait, int32_t *ret_exit_status) {
        _cleanup_free_ char *state = NULL;

        if (sd_bus_get_property_string(bus, SYSTEMD_NAME, SYSTEMD_UNIT_PATH, SYSTEMD_UNIT_IFACE,
                    "ActiveState", NULL, &state) < 0)
                return false;
        if (!streq(state, "failed"))
                return false;
        if (unit_changed(bus) <= wait->changed && now_monotonic_usec() < wait->begin + OLD_FAILURE_USEC)
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
 * Starts the daemon by bus activation. dbus-daemon does not learn that the unit
 * failed and lets its timeout pass, so check the unit meanwhile.
 */
static CtlExitStatus start_daemon(const Client *client) {
        sd_bus *bus = client->bus;
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        StartResult result = {};
        CtlExitStatus status;
        UnitWait wait;
        int r;

        wait = (UnitWait) { .begin = now_monotonic_usec(), .changed = unit_changed(bus) };

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
                        return client_fail_not_running(client, "it failed to start", exit_status);
                if (now_monotonic_usec() > wait.begin + START_TIMEOUT_USEC + USEC_PER_SEC)
                        return client_fail_not_running(client, "it did not start in time", 0);
        }

        status = sd_bus_error_is_set(&result.error) ? client_fail(client, &result.error, -EIO) : CTL_EXIT_OK;
        sd_bus_error_free(&result.error);
        return status;
}

CtlExitStatus client_open(const Options *options, Client *ret) {
        _cleanup_(client_close) Client client = {};
        CtlExitStatus status;

        status = client_open_bus(options, &client);
        if (status != CTL_EXIT_OK)
                return status;

        if (!client_is_running(&client)) {
                status = start_daemon(&client);
                if (status != CTL_EXIT_OK)
                        return status;
        }

        *ret = client;
        client.bus = NULL;
        return CTL_EXIT_OK;
}

CtlExitStatus client_open_running(const Options *options, Client *ret) {
        _cleanup_(client_close) Client client = {};
        CtlExitStatus status;

        status = client_open_bus(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        if (!client_is_running(&client))
                return client_fail_not_running(&client, "it is not on the system bus", 0);

        *ret = client;
        client.bus = NULL;
        return CTL_EXIT_OK;
}
