/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus-names.h"
#include "bus-peer.h"
#include "client.h"
#include "clock.h"
#include "config-file.h"
#include "libvirt-dbus.h"
#include "libvirt-unit.h"
#include "verbs.h"

/*
 * The program of pasidd-libvirt.service. The hook reports a domain to the daemon
 * when it starts; this program reports changes to the metadata of running
 * domains. It is separate from the daemon because the daemon parses no XML.
 *
 * libvirt-dbus sends signals only while it is connected to libvirt. It connects,
 * also after a restart of libvirt, when it gets a call. So all domains are read
 * when libvirt, libvirt-dbus or pasidd starts: the call makes libvirt-dbus
 * connect, and finds earlier changes.
 *
 * A call starts libvirt-dbus by bus activation, and libvirt by socket activation.
 * A stopped service must stay stopped. So nothing is read while libvirt is not
 * running, nor after libvirt-dbus was stopped and until it is started again.
 */

#define RETRY_MIN_USEC (2 * USEC_PER_SEC)
#define RETRY_MAX_USEC (300 * USEC_PER_SEC)

#define UNIT_CHANGED(path)                                                                                   \
        "path='" path "',interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"            \
        "arg0='org.freedesktop.systemd1.Unit'"

typedef struct Watch {
        sd_bus *bus;
        BusPeer *libvirt, *pasidd, *systemd;
        uint64_t refresh; /* when to read all domains, CLOCK_MONOTONIC; UINT64_MAX: when something happens */
        uint64_t retry_usec;
        bool active[LIBVIRT_UNITS];
        bool stopped; /* libvirt-dbus was stopped and has not been started again */
} Watch;

static void refresh_now(Watch *w) {
        w->refresh = 0;
        w->retry_usec = RETRY_MIN_USEC;
}

static void complain(const char *what, const sd_bus_error *error, int r) {
        _cleanup_free_ char *text = text_escape(!isempty(error->message) ? error->message : strerror(-r));

        (void) fail(CTL_EXIT_FAILURE, "%s: %s", what, strempty(text));
}

static void update(Watch *w, const char *path) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(libvirt_update_clear) LibvirtUpdate done = {};
        int r;

        r = libvirt_dbus_update(w->bus, path, &done, &error);
        if (r < 0)
                complain("Cannot tell pasidd of a domain", &error, r);
}

/* libvirt-dbus fails if it cannot connect to libvirt. Retry at growing intervals. */
static void refresh(Watch *w) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(strv_freep) char **paths = NULL;
        int r;

        w->refresh = UINT64_MAX;
        /* A signal announces the start of either. */
        if (w->stopped || !libvirt_is_running(w->bus))
                return;

        r = libvirt_dbus_list(w->bus, &paths, &error);
        if (r < 0) {
                complain("Cannot list libvirt's domains", &error, r);
                if (r == LIBVIRT_DBUS_UNUSABLE)
                        return;
                w->refresh = now_monotonic_usec() + w->retry_usec;
                if (w->retry_usec < RETRY_MAX_USEC)
                        w->retry_usec *= 2;
                return;
        }

        for (char **path = paths; *path; path++)
                update(w, *path);
}

static int on_metadata(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        update(userdata, sd_bus_message_get_path(m));
        return 0;
}

static void on_pasidd(const char *owner, void *userdata) {
        if (owner)
                refresh_now(userdata);
}

/* If libvirt-dbus has exited, the next call starts it again. Wait before that, in case it exits each time. */
static void on_libvirt_dbus(const char *owner, void *userdata) {
        Watch *w = userdata;

        w->stopped = !owner && libvirt_dbus_is_stopped(w->bus);
        if (owner)
                refresh_now(w);
        else
                w->refresh = now_monotonic_usec() + RETRY_MIN_USEC;
}

/* *ret is untouched if the message lacks the property. */
static int read_active(sd_bus_message *m, bool *ret) {
        const char *name, *state;
        int r;

        r = sd_bus_message_skip(m, "s");
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                if (streq(name, "ActiveState")) {
                        r = sd_bus_message_read(m, "v", "s", &state);
                        if (r >= 0)
                                *ret = streq(state, "active");
                } else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }

        return r;
}

static int on_unit(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Watch *w = userdata;

        for (size_t i = 0; i < LIBVIRT_UNITS; i++) {
                bool before = w->active[i];

                if (!streq(sd_bus_message_get_path(m), libvirt_unit_path(i)))
                        continue;
                if (read_active(m, &w->active[i]) >= 0 && w->active[i] && !before)
                        refresh_now(w);
        }
        return 0;
}

/* The bus handles the messages of a connection in order: all matches are installed before any later call. */
static int add_matches(Watch *w) {
        int r;

        r = bus_peer_new(w->bus, LIBVIRT_DBUS_NAME, on_libvirt_dbus, w, &w->libvirt);
        if (r >= 0)
                r = bus_peer_subscribe(w->libvirt,
                        "interface='" LIBVIRT_DBUS_DOMAIN "',member='MetadataChange'", on_metadata, w);
        if (r >= 0)
                r = bus_peer_new(w->bus, PASIDD_BUS_NAME, on_pasidd, w, &w->pasidd);
        if (r >= 0)
                r = bus_peer_new(w->bus, "org.freedesktop.systemd1", NULL, NULL, &w->systemd);
        if (r >= 0)
                r = bus_peer_subscribe(w->systemd, UNIT_CHANGED(SYSTEMD_UNIT_PATH("libvirtd")), on_unit, w);
        if (r >= 0)
                r = bus_peer_subscribe(w->systemd, UNIT_CHANGED(SYSTEMD_UNIT_PATH("virtqemud")), on_unit, w);
        if (r < 0)
                return r;

        /* systemd sends signals about units only to subscribers. */
        (void) sd_bus_call_method(w->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "Subscribe", NULL, NULL, NULL);
        return 0;
}

static void watch_clear(Watch *w) {
        bus_peer_free(w->libvirt);
        bus_peer_free(w->pasidd);
        bus_peer_free(w->systemd);
}

CtlExitStatus verb_libvirt_watch(const Options *options, int argc, char **argv) {
        _cleanup_(client_close) Client client = {};
        _cleanup_(watch_clear) Watch w = { .retry_usec = RETRY_MIN_USEC };
        CtlExitStatus status;
        int r;

        status = client_open_bus(options, &client);
        if (status != CTL_EXIT_OK)
                return status;
        w.bus = client.bus;

        r = add_matches(&w);
        while (r >= 0 || r == -EINTR) {
                uint64_t now;

                r = sd_bus_process(w.bus, NULL);
                if (r != 0)
                        continue;
                now = now_monotonic_usec();
                if (w.refresh <= now)
                        refresh(&w);
                else
                        r = sd_bus_wait(w.bus, w.refresh == UINT64_MAX ? UINT64_MAX : w.refresh - now);
        }

        return fail(CTL_EXIT_FAILURE, "Lost the system bus: %s.", strerror(-r));
}
