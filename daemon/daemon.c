/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "cgroup.h"
#include "config-file.h"
#include "counting.h"
#include "daemon.h"
#include "early-limit.h"
#include "exit-status.h"
#include "hook-socket.h"
#include "instance-lock.h"
#include "messages.h"
#include "overcommit.h"
#include "override-queue.h"
#include "reconcile-bus.h"
#include "reload.h"
#include "set-match.h"
#include "signals.h"
#include "status.h"

/* prefix: further assignments, one per line, that precede STATUS=. */
static void notify_status(Daemon *d, const char *prefix) {
        _cleanup_free_ char *status = control_status(d->control);

        if (status)
                (void) sd_notifyf(false, "%sSTATUS=%s", prefix, status);
}

/* Has the status changed since it was last announced? Remembers the new one. */
static bool status_changed(Daemon *d) {
        _cleanup_free_ char *status = control_status(d->control);

        if (!status || streq_ptr(status, d->status))
                return false;

        free(d->status);
        d->status = TAKE_PTR(status);
        return true;
}

/* Drops WORLD_CHANGED_STATUS if the status has not changed, unless it must be announced in any case. */
static void check_status(Daemon *d, unsigned *changes) {
        if (*changes & WORLD_CHANGED_STATUS_ALWAYS) {
                free(TAKE_PTR(d->status));
                *changes &= ~(unsigned) WORLD_CHANGED_STATUS_ALWAYS;
                *changes |= WORLD_CHANGED_STATUS;
        }

        if ((*changes & WORLD_CHANGED_STATUS) == 0)
                return;
        if (!status_changed(d))
                *changes &= ~(unsigned) WORLD_CHANGED_STATUS;
        else if (d->control->world.ready)
                notify_status(d, "");
}

/* Requests the bus name and sends READY=1 when all VMs are known. */
static void check_ready(Daemon *d) {
        World *w = &d->control->world;

        /* The name comes last, so that callers find all VMs. */
        if ((w->ready && d->api->name_acquired) || !world_is_reconciled(w))
                return;

        hook_socket_start(d->api, hook_bus_add_to);
        if (connection_is_up(d->connection) && !d->api->name_acquired) {
                api_request_name(d->api);
                return;
        }

        /* Without a bus the daemon is ready, too. The name is requested when the bus comes up. */
        if (w->ready)
                return;

        w->ready = true;
        notify_status(d, "READY=1\n");
        /* The start needs more memory than the daemon does afterwards. */
        (void) malloc_trim(0);
        log_info("pasidd " PASIDD_VERSION " is ready, %s.", control_state(d->control));
}

/* Runs once in each iteration of the event loop in which something has changed. */
static int on_changes(sd_event_source *source, void *userdata) {
        Daemon *d = userdata;

        check_status(d, &d->control->world.changes.world);
        if (early_limits_refresh(d->control))
                set_match_waiting(d->control);
        overcommit_check(d->control);
        signals_send_changes(d->api);
        check_ready(d);
        return 0;
}

static void on_changed(void *userdata) {
        Daemon *d = userdata;

        (void) sd_event_source_set_enabled(d->changes, SD_EVENT_ONESHOT);
}

static void on_kernel_present(void *userdata) {
        Daemon *d = userdata;

        connection_start(d->connection);
}

static void on_denied(const VM *vm, const KernelMessage *message, void *userdata) {
        Daemon *d = userdata;

        signals_quota_exceeded(d->api, vm, message);
}

static void on_watermark_reached(const VM *vm, const KernelMessage *message, void *userdata) {
        Daemon *d = userdata;

        signals_watermark_reached(d->api, vm, message);
}

static void on_event(const Event *event, void *userdata) {
        Daemon *d = userdata;

        signals_event(d->api, event);
}

static void on_reconciled(const ChangeList *changes, void *userdata) {
        Daemon *d = userdata;

        reconcile_bus_done(d->api, changes);
}

static void on_overrides_idle(void *userdata) {
        Daemon *d = userdata;

        override_queue_run(d->api);
}

static void on_reload_begins(void *userdata) {
        Daemon *d = userdata;
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        if (d->control->world.ready)
                (void) sd_notifyf(false,
                        "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading the configuration",
                        (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000);
}

static void on_reload_ends(void *userdata) {
        Daemon *d = userdata;

        notify_status(d, d->control->world.ready ? "READY=1\n" : "");
}

static int on_connected(sd_bus *callers, sd_bus *questions, void *userdata) {
        Daemon *d = userdata;
        int r;

        bus_calls_set_bus(d->calls, questions);
        r = api_connected(d->api, callers);
        return r < 0 ? r : control_connected(d->control);
}

static void on_connection_ready(void *userdata) {
        Daemon *d = userdata;

        control_connection_ready(d->control);
}

static void on_connection_lost(void *userdata) {
        Daemon *d = userdata;

        api_connection_lost(d->api);
        control_connection_lost(d->control);
        bus_calls_set_bus(d->calls, NULL);
}

static void on_connection_unavailable(void *userdata) {
        Daemon *d = userdata;

        api_connection_unavailable(d->api);
        control_connection_unavailable(d->control);
}

static void on_name_acquired(void *userdata) {
        Daemon *d = userdata;

        connection_works(d->connection);
        world_queue_changes(&d->control->world, 0);
}

static void on_bus_failed(void *userdata) {
        Daemon *d = userdata;

        connection_retry(d->connection);
}

static int on_sighup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        _cleanup_free_ char *error = NULL;
        Daemon *d = userdata;

        (void) control_reload(d->control, NULL, &error);
        return 0;
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        _cleanup_(counters_freep) Counters *counters = NULL;
        Daemon *d = userdata;

        (void) counting_save(d->control, &counters);
        (void) sd_notify(false, "STOPPING=1\nSTATUS=Stopping; quotas stay in force");
        override_queue_stop(d->api);
        if (overrides_stop(d->control->overrides))
                (void) sd_event_exit(d->event, EXIT_SUCCESS);
        return 0;
}

static int load_config(Daemon *d, const DaemonOptions *options, Config **ret) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = config_place_init(&d->place, options->root, options->config);
        if (r < 0)
                return log_oom();

        r = config_place_load(&d->place, ret, &error);
        if (r < 0) {
                log_context(LOG_ERR, &(LogContext) { .message_id = MESSAGE_CONFIG_REJECTED },
                        "The configuration is rejected: %s", error ? error : strerror(-r));
                d->exit_status = PASIDD_EXIT_CONFIG;
        }

        return r;
}

static int set_up_event_loop(Daemon *d) {
        int r;

        r = sd_event_new(&d->event);
        if (r >= 0)
                r = sd_event_add_signal(d->event, NULL, SIGTERM, on_stop_signal, d);
        if (r >= 0)
                r = sd_event_add_signal(d->event, NULL, SIGINT, on_stop_signal, d);
        if (r >= 0)
                r = sd_event_add_signal(d->event, NULL, SIGHUP, on_sighup, d);
        if (r >= 0)
                r = sd_event_add_defer(d->event, &d->changes, on_changes, d);
        if (r >= 0)
                r = sd_event_source_set_enabled(d->changes, SD_EVENT_OFF);
        if (r >= 0)
                /* The same priority as callers, so that callers cannot hold back the announcements forever. */
                r = sd_event_source_set_priority(d->changes, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_event_set_watchdog(d->event, true);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(d->changes, "changes");
        return 0;
}

int daemon_block_signals(void) {
        sigset_t mask;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        (void) sigaddset(&mask, SIGHUP);

        return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

/* Takes ownership of config, also on failure. */
static int make_parts(Daemon *d, Config *config) {
        static const ControlHandlers control_handlers = {
                .changed = on_changed,
                .kernel_present = on_kernel_present,
                .denied = on_denied,
                .watermark_reached = on_watermark_reached,
                .event = on_event,
                .reconciled = on_reconciled,
                .overrides_idle = on_overrides_idle,
                .reload_begins = on_reload_begins,
                .reload_ends = on_reload_ends,
        };
        static const ApiHandlers api_handlers = {
                .name_acquired = on_name_acquired,
                .bus_failed = on_bus_failed,
        };
        static const ConnectionHandlers connection_handlers = {
                .connected = on_connected,
                .ready = on_connection_ready,
                .lost = on_connection_lost,
                .unavailable = on_connection_unavailable,
        };
        _cleanup_(config_freep) Config *owned = config;
        int r;

        r = set_up_event_loop(d);
        if (r >= 0)
                r = bus_calls_new(d->event, &d->calls);
        if (r >= 0)
                r = control_new(d->event, d->root, &d->place, TAKE_PTR(owned), d->calls, &control_handlers, d,
                        &d->control);
        if (r >= 0)
                r = api_new(d->control, TAKE_FD(d->sockets.hook), &api_handlers, d, &d->api);
        if (r >= 0)
                r = connection_new(d->event, &connection_handlers, d, &d->connection);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the daemon: %m");

        return 0;
}

int daemon_new(const DaemonOptions *options, Daemon **ret) {
        Config *config;
        Daemon *d;
        int r;

        d = calloc(1, sizeof(*d));
        if (!d)
                return log_oom();

        d->exit_status = EXIT_FAILURE;
        d->instance_lock = -EBADF;
        d->sockets = options->sockets;

        *ret = d;

        d->root = strdup(options->root);
        if (!d->root)
                return log_oom();

        r = load_config(d, options, &config);
        return r < 0 ? r : make_parts(d, config);
}

Daemon *daemon_free(Daemon *d) {
        if (!d)
                return NULL;

        connection_free(d->connection);
        api_free(d->api);
        control_free(d->control);
        bus_calls_free(d->calls);
        passed_sockets_done(&d->sockets);
        sd_event_source_disable_unref(d->changes);
        sd_event_unref(d->event);
        config_place_done(&d->place);
        free(d->status);
        free(d->root);
        if (d->instance_lock >= 0)
                close(d->instance_lock);
        free(d);
        return NULL;
}

/* Checks what can be checked before the event loop runs. */
static int preflight(Daemon *d) {
        int r;

        /* Without the lock the daemon still enforces quotas. Only another running daemon is fatal. */
        d->instance_lock = instance_lock_take(d->root);
        if (d->instance_lock == -EBUSY)
                return -EBUSY;

        r = cgroup_is_unified(d->root);
        if (r < 0)
                return log_error_errno(r, "Cannot examine " CGROUP_MOUNT ": %m");
        if (r == 0) {
                log_error(CGROUP_MOUNT " is not a unified cgroup hierarchy, which PASID limits require.");
                d->exit_status = PASIDD_EXIT_NO_KERNEL_SUPPORT;
                return -EOPNOTSUPP;
        }

        return 0;
}

int daemon_prepare(Daemon *d) {
        int r;

        r = preflight(d);
        if (r < 0)
                return r;

        r = control_prepare(d->control);
        /* The state was written by a newer version, so a restart does not help. */
        if (r == -EPROTONOSUPPORT)
                d->exit_status = PASIDD_EXIT_CONFIG;
        return r;
}

int daemon_run(Daemon *d) {
        int r;

        r = daemon_prepare(d);
        if (r >= 0)
                r = control_start(d->control, &d->sockets);
        if (r < 0)
                return r;

        return sd_event_loop(d->event);
}
