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
 * What pasidd-libvirt.service runs: the hook tells the daemon of a domain when
 * it starts, this does so when the metadata of one that runs is changed. Apart
 * from the daemon, which parses no XML.
 *
 * libvirt-dbus signals a change only while it is connected to libvirt, and
 * connects, also after libvirt was restarted, when it is asked for something.
 * So all domains are read whenever there is a new libvirt, libvirt-dbus or
 * pasidd: that has it connect, and finds what was changed before.
 *
 * Reading starts libvirt-dbus by its name, and libvirt by its socket. What was
 * stopped must stay stopped, so nothing is read unless libvirt runs, nor after
 * libvirt-dbus was stopped, until somebody else starts it.
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
        bool stopped; /* libvirt-dbus was, and has not come back */
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

/* libvirt-dbus may have nobody to connect to, and say so: that is tried again, less and less often. */
static void refresh(Watch *w) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(strv_freep) char **paths = NULL;
        int r;

        w->refresh = UINT64_MAX;
        /* The start of either is heard of. */
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

/* Where it has ended, the next question starts it anew; but not at once, in case it does so each time. */
static void on_libvirt_dbus(const char *owner, void *userdata) {
        Watch *w = userdata;

        w->stopped = !owner && libvirt_dbus_is_stopped(w->bus);
        if (owner)
                refresh_now(w);
        else
                w->refresh = now_monotonic_usec() + RETRY_MIN_USEC;
}

/* *ret stays as it is if nothing is said of it. */
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

/* The bus serves one connection in order: all of this is in place before it passes on any question asked later. */
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

        /* systemd tells of its units only to who wants to hear. */
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
