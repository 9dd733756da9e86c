/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "admission.h"
#include "bus-names.h"
#include "bus.h"
#include "cgroup-path.h"
#include "cgroup.h"
#include "counter-store.h"
#include "early-limit.h"
#include "events.h"
#include "exit-status.h"
#include "file-util.h"
#include "hook-socket.h"
#include "instance-lock.h"
#include "kernel-events.h"
#include "limit-retry.h"
#include "manager.h"
#include "messages.h"
#include "override-change.h"
#include "reconcile.h"
#include "set-match.h"
#include "slice-limit.h"
#include "sysfs.h"
#include "vm-machine.h"
#include "vm.h"
#include "vm-quota.h"
#include "vm-reserve.h"

uint64_t manager_now(const Manager *m) {
        uint64_t now = 0;

        (void) sd_event_now(m->event, CLOCK_MONOTONIC, &now);
        return now;
}

const char *default_source_to_string(DefaultSource source) {
        static const char *const table[] = {
                [DEFAULT_SOURCE_RUNTIME] = "runtime",
                [DEFAULT_SOURCE_PERSISTENT] = "persistent",
                [DEFAULT_SOURCE_CONFIG] = "config",
        };

        return table[source];
}

uint32_t manager_default_quota(const Manager *m, DefaultSource *ret_source) {
        DefaultSource source = DEFAULT_SOURCE_CONFIG;
        uint32_t quota = m->config->default_quota;

        if (m->state.runtime->default_quota_set) {
                source = DEFAULT_SOURCE_RUNTIME;
                quota = m->state.runtime->default_quota;
        } else if (m->state.persistent->default_quota_set) {
                source = DEFAULT_SOURCE_PERSISTENT;
                quota = m->state.persistent->default_quota;
        }

        if (ret_source)
                *ret_source = source;
        return quota;
}

bool manager_has_limits(const Manager *m) {
        return m->capacity > 0 || m->counts_attached;
}

bool manager_limits_differ(
        const Manager *m, const MiscValues *limits, uint64_t limit, MiscResource *ret_resource) {
        MiscValues written = *limits;

        if (m->capacity == 0)
                written.present[MISC_PASID] = false;
        if (!m->counts_attached)
                written.present[MISC_PASID_ATTACH] = false;

        return misc_values_differ(&written, limit, ret_resource);
}

const char *manager_state(const Manager *m) {
        return m->capacity > 0 ? "running" : "idle";
}

/* What is wrong with the state files, as more text for the status. */
static char *describe_problems(const Manager *m) {
        const StateStore *state = &m->state;
        char *text;
        int r;

        r = asprintf(&text, "%s%s%s%s%s%s", state->persistent_problem ? "; " : "",
                state->persistent_problem ? state->persistent_path : "",
                state->persistent_problem ? " " PASIDD_STATUS_UNUSABLE : "",
                state->runtime_problem ? "; " : "", state->runtime_problem ? state->runtime_path : "",
                state->runtime_problem ? " " PASIDD_STATUS_UNUSABLE : "");
        return r < 0 ? NULL : text;
}

char *manager_status(const Manager *m) {
        _cleanup_free_ char *problems = describe_problems(m);
        size_t unmatched = 0;
        char *status;
        Set *set;
        int r;

        if (!problems)
                return NULL;
        if (!m->kernel_present)
                return strdup("Starting");
        if (m->capacity == 0)
                return asprintf(&status, "No PASID-capable IOMMU on this host; %s%s",
                               m->counts_attached ? "only what VMs attach is limited" : "idle", problems) < 0
                               ? NULL
                               : status;

        TAILQ_FOREACH (set, &m->sets, entries)
                if (!set->vm)
                        unmatched++;

        if (unmatched > 0)
                r = asprintf(&status,
                        "VMs: %zu, sets: %zu (%zu not assigned to a VM yet), PASIDs: %" PRIu32 "%s", m->n_vms,
                        m->n_sets, unmatched, m->capacity, problems);
        else
                r = asprintf(&status, "VMs: %zu, sets: %zu, PASIDs: %" PRIu32 "%s", m->n_vms, m->n_sets,
                        m->capacity, problems);

        return r < 0 ? NULL : status;
}

uint64_t manager_committed(const Manager *m, const char *except_uuid) {
        uint64_t sum = 0;
        const VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (!streq_ptr(vm->uuid, except_uuid))
                        sum += vm_committed(vm, MISC_PASID);

        return sum;
}

void manager_exit(Manager *m, int status) {
        (void) sd_event_exit(m->event, status);
}

/* What else to tell comes before it, as lines. */
static void notify_status(Manager *m, const char *more) {
        _cleanup_free_ char *status = manager_status(m);

        if (status)
                (void) sd_notifyf(false, "%sSTATUS=%s", more, status);
}

/* Is it another one than was told last? */
static bool status_changed(Manager *m) {
        _cleanup_free_ char *status = manager_status(m);

        if (!status || streq_ptr(status, m->status))
                return false;

        free(m->status);
        m->status = TAKE_PTR(status);
        return true;
}

static int on_changes(sd_event_source *source, void *userdata) {
        Manager *m = userdata;

        if (m->changed & MANAGER_CHANGED_STATUS) {
                if (!status_changed(m))
                        m->changed &= ~(unsigned) MANAGER_CHANGED_STATUS;
                else if (m->ready)
                        notify_status(m, "");
        }

        early_limits_refresh(m);
        admission_check(m);
        bus_send_changes(m);
        return 0;
}

void manager_queue_changes(Manager *m, unsigned changes) {
        m->changed |= changes;
        (void) sd_event_source_set_enabled(m->changes, SD_EVENT_ONESHOT);
}

static void default_has_changed(Manager *m, uint32_t quota, DefaultSource source) {
        const EventDetail details[] = {
                { .name = "previous", .type = 'u', .number = m->default_told },
                { .name = "quota", .type = 'u', .number = quota },
                { .name = "source", .type = 's', .text = default_source_to_string(source) },
        };

        events_add(m, EVENT_DEFAULT_QUOTA_CHANGED,
                &(EventFacts) { .level = LOG_INFO, .details = details, .n_details = ELEMENTSOF(details) },
                "The default quota is %" PRIu32 " now (%s), it was %" PRIu32 ".", quota,
                default_source_to_string(source), m->default_told);
}

int manager_apply_default_quota(Manager *m) {
        DefaultSource source;
        uint32_t quota = manager_default_quota(m, &source);
        int r;

        r = sysfs_write_default_quota(m->root, quota);
        if (r < 0) {
                limit_retry_failed(m, LIMIT_KIND_DEFAULT_QUOTA);
                return r;
        }

        if (m->default_known && m->default_told != quota)
                default_has_changed(m, quota, source);
        m->default_told = quota;
        m->default_known = true;
        m->default_foreign = false;
        return 0;
}

void manager_apply_all(Manager *m) {
        VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries)
                vm_apply(vm);
}

/* Sets, machines, and which belongs to which. */
static bool is_reconciled(const Manager *m) {
        const Set *set;

        if (!m->sets_listed || m->machines == MACHINES_UNKNOWN)
                return false;

        TAILQ_FOREACH (set, &m->sets, entries)
                if (set->match == SET_MATCH_ASKING)
                        return false;

        return true;
}

void manager_check_ready(Manager *m) {
        /* The name comes last: who calls us should not find half of the VMs. */
        if ((m->ready && m->name_acquired) || !is_reconciled(m))
                return;

        hook_socket_start(m);
        if (!m->bus_retry && !m->name_acquired) {
                bus_request_name(m);
                return;
        }

        /* Without a bus we do what can be done without, and take it up once it comes. */
        if (m->ready)
                return;

        m->ready = true;
        notify_status(m, "READY=1\n");
        /* There is more to remember while everything is found than ever after. */
        (void) malloc_trim(0);
        log_info("pasidd " PASIDD_VERSION " is ready, %s.", manager_state(m));
}

void manager_machines_known(Manager *m, MachinesKnown known) {
        m->machines = known;
        set_match_waiting(m);
        manager_check_ready(m);
        reconcile_machines_listed(m);
}

static void on_unit_cgroup(const char *cgroup, void *userdata) {
        Manager *m = userdata;
        VM *vm;

        TAILQ_FOREACH (vm, &m->vms, entries)
                if (streq_ptr(vm->cgroup, cgroup))
                        vm_cgroup_reappeared(vm);
        vm_machine_cgroup_appeared(m, cgroup);
}

static void on_slice_cgroup(const char *cgroup, void *userdata) {
        slice_limit_appeared(userdata, cgroup);
}

static void on_controller_failed(void *userdata) {
        limit_retry_failed(userdata, LIMIT_KIND_CONTROLLER);
}

/* What failed because there was no misc.max. */
static void on_controller_enabled(void *userdata) {
        Manager *m = userdata;

        (void) slice_limits_apply_failed(m);
        (void) vms_apply_failed(m);
}

static void on_cgroup_gone(const char *cgroup, void *userdata) {
        Manager *m = userdata;
        VM *vm;

        slice_limits_gone(m, cgroup);
        early_limits_gone(m, cgroup);
        TAILQ_FOREACH (vm, &m->vms, entries)
                if (vm->cgroup && cgroup_path_is_below(vm->cgroup, cgroup))
                        vm_cgroup_gone(vm);
}

/* Everything is looked at as after any loss. Units that ended meanwhile are not told of by anybody else. */
static void on_cgroup_events_lost(void *userdata) {
        Manager *m = userdata;

        if (m->slices)
                slice_watch_rescan(m->slices);
        vm_units_check(m);
        reconcile_begin(m, "changes of cgroups may have gone unnoticed");
}

int manager_watch_slices(Manager *m) {
        static const SliceWatchHandlers handlers = {
                .unit = on_unit_cgroup,
                .slice = on_slice_cgroup,
                .gone = on_cgroup_gone,
                .enable_failed = on_controller_failed,
                .enabled_late = on_controller_enabled,
        };
        _cleanup_free_ char **names = slice_limits_names(m);
        SliceWatch *slices;
        int r;

        if (!names)
                return log_oom();

        r = slice_watch_new(m->cgroup_watch, m->root, names, &handlers, m, &slices);
        if (r < 0)
                return log_error_errno(r, "Cannot watch the slices of Slices=: %m");

        slice_watch_free(m->slices);
        m->slices = slices;
        slice_watch_rescan(slices);
        slice_limits_apply(m);
        return 0;
}

int manager_kernel_is_present(Manager *m, uint32_t capacity) {
        bool first = !m->kernel_present;
        CgroupCapacity misc;
        int r;

        m->kernel_present = true;
        m->capacity = capacity;
        manager_queue_changes(m, MANAGER_CHANGED_STATE | MANAGER_CHANGED_STATUS);
        log_info("PASIDs on this host: %" PRIu32 "%s.", capacity,
                capacity > 0 ? "" : ", there is no PASID-capable IOMMU");
        m->counts_attached = cgroup_get_capacity(m->root, &misc) >= 0 && misc.counts_attached;
        if (m->counts_attached)
                log_info("The kernel also limits the PASIDs that are attached through iommufd.");

        r = manager_apply_default_quota(m);
        if (r < 0)
                log_warning_errno(r, "Cannot set the default quota of the kernel: %m");

        if (!first) {
                slice_limits_apply(m);
                manager_apply_all(m);
                return 0;
        }

        r = slice_limits_update(m);
        if (r < 0)
                return log_oom();

        r = manager_watch_slices(m);
        if (r < 0)
                return r;
        slice_limits_tell(m);

        bus_start(m);
        return 0;
}

int manager_reload(Manager *m, char **ret_error) {
        uint32_t default_before = manager_default_quota(m, NULL);
        Config *config, *old;
        struct timespec now;
        VM *vm;
        int r;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        if (m->ready)
                (void) sd_notifyf(false,
                        "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Reloading the configuration",
                        (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000);

        r = config_place_load(&m->place, &config, ret_error);
        if (r < 0) {
                log_context(LOG_ERR, &(LogContext) { .message_id = MESSAGE_CONFIG_REJECTED },
                        "The new configuration is rejected, the old one stays: %s",
                        *ret_error ? *ret_error : strerror(-r));
                notify_status(m, m->ready ? "READY=1\n" : "");
                return r;
        }

        old = m->config;
        m->config = config;
        if (m->kernel_present) {
                if (slice_limits_update(m) < 0)
                        log_oom();
                (void) manager_watch_slices(m);
                slice_limits_reconcile(m, true);
                slice_limits_tell(m);
                r = manager_apply_default_quota(m);
                if (r < 0)
                        log_warning_errno(r, "Cannot set the default quota of the kernel: %m");
        }
        /* What was left to somebody else counts no more. And no VM holds on to a rule of the old one after that. */
        TAILQ_FOREACH (vm, &m->vms, entries) {
                vm->foreign = false;
                vm_apply(vm);
        }
        config_free(old);

        /* Its source is no other one: overrides stay. */
        manager_queue_changes(
                m, manager_default_quota(m, NULL) != default_before ? MANAGER_CHANGED_DEFAULT : 0);
        log_info("The configuration has been reloaded.");
        notify_status(m, m->ready ? "READY=1\n" : "");
        return 0;
}

static int on_sighup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        _cleanup_free_ char *error = NULL;

        (void) manager_reload(userdata, &error);
        return 0;
}

static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        _cleanup_(counters_freep) Counters *counters = NULL;

        (void) counter_store_save(userdata, &counters);
        (void) sd_notify(false, "STOPPING=1\nSTATUS=Stopping; quotas stay in force");
        if (override_stop(userdata))
                manager_exit(userdata, EXIT_SUCCESS);
        return 0;
}

static int load_config(Manager *m, const ManagerOptions *options) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = config_place_init(&m->place, options->root, options->config);
        if (r < 0)
                return log_oom();

        r = config_place_load(&m->place, &m->config, &error);
        if (r < 0) {
                log_context(LOG_ERR, &(LogContext) { .message_id = MESSAGE_CONFIG_REJECTED },
                        "The configuration is rejected: %s", error ? error : strerror(-r));
                m->exit_status = PASIDD_EXIT_CONFIG;
        }

        return r;
}

static int set_up_event_loop(Manager *m) {
        int r;

        r = sd_event_new(&m->event);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGTERM, on_stop_signal, m);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGINT, on_stop_signal, m);
        if (r >= 0)
                r = sd_event_add_signal(m->event, NULL, SIGHUP, on_sighup, m);
        if (r >= 0)
                r = sd_event_add_defer(m->event, &m->changes, on_changes, m);
        if (r >= 0)
                r = sd_event_source_set_enabled(m->changes, SD_EVENT_OFF);
        if (r >= 0)
                /* In turn with callers, who could otherwise keep it from being told for good. */
                r = sd_event_source_set_priority(m->changes, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_event_set_watchdog(m->event, true);
        if (r >= 0)
                r = cgroup_watch_new(m->event, m->root, on_cgroup_events_lost, m, &m->cgroup_watch);
        if (r < 0)
                return r;

        (void) sd_event_source_set_description(m->changes, "changes");
        return 0;
}

int manager_block_signals(void) {
        sigset_t mask;

        (void) sigemptyset(&mask);
        (void) sigaddset(&mask, SIGTERM);
        (void) sigaddset(&mask, SIGINT);
        (void) sigaddset(&mask, SIGHUP);

        return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

int manager_new(const ManagerOptions *options, Manager **ret) {
        Manager *m;

        m = calloc(1, sizeof(*m));
        if (!m)
                return log_oom();

        TAILQ_INIT(&m->vms);
        TAILQ_INIT(&m->vms_changed);
        TAILQ_INIT(&m->sets);
        TAILQ_INIT(&m->slice_limits);
        TAILQ_INIT(&m->early_limits);
        TAILQ_INIT(&m->auth_requests);
        TAILQ_INIT(&m->calls_waiting);
        TAILQ_INIT(&m->subscribers);
        m->exit_status = EXIT_FAILURE;
        m->instance_lock = -EBADF;
        m->sockets = options->sockets;

        *ret = m;

        m->root = strdup(options->root);
        if (!m->root)
                return log_oom();

        return load_config(m, options);
}

Manager *manager_free(Manager *m) {
        VM *vm;

        if (!m)
                return NULL;

        if (m->event)
                bus_stop(m);
        override_queue_free(m);
        hook_socket_free(m->hook_socket);
        while (!TAILQ_EMPTY(&m->sets))
                set_free(TAILQ_FIRST(&m->sets));
        while ((vm = TAILQ_FIRST(&m->vms)))
                vm_free(vm);

        limit_retry_stop(m);
        reconcile_free(m);
        slice_limits_free(m);
        early_limits_free(m);
        slice_watch_free(m->slices);
        cgroup_watch_free(m->cgroup_watch);
        kernel_source_free(m->kernel);
        passed_sockets_done(&m->sockets);
        state_store_done(&m->state);
        event_log_free(m->events);
        counters_free(m->counters);
        free(m->counters_saved);
        config_free(m->config);
        sd_event_source_disable_unref(m->changes);
        sd_event_source_disable_unref(m->calls_retry);
        sd_event_source_disable_unref(m->match_retry);
        sd_event_unref(m->event);
        config_place_done(&m->place);
        free(m->status);
        free(m->root);
        if (m->instance_lock >= 0)
                close(m->instance_lock);
        free(m);
        return NULL;
}

/* Everything that can be found missing before the event loop runs. */
static int preflight(Manager *m) {
        int r;

        /* Quotas are worth more than the certainty that nobody else sets them: only another daemon is a reason to end. */
        m->instance_lock = instance_lock_take(m->root);
        if (m->instance_lock == -EBUSY)
                return -EBUSY;

        r = cgroup_is_unified(m->root);
        if (r < 0)
                return log_error_errno(r, "Cannot look at " CGROUP_MOUNT ": %m");
        if (r == 0) {
                log_error(CGROUP_MOUNT " is not the unified cgroup hierarchy, which PASID limits need.");
                m->exit_status = PASIDD_EXIT_NO_KERNEL_SUPPORT;
                return -EOPNOTSUPP;
        }

        return state_store_load(&m->state, m->root);
}

int manager_prepare(Manager *m) {
        int r;

        r = preflight(m);
        if (r < 0)
                return r;

        r = set_up_event_loop(m);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the event loop: %m");

        r = override_queue_new(m);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the disk writer: %m");

        r = events_set_up(m);
        if (r < 0)
                return log_oom();
        counter_store_load(m);

        r = vm_restore_reservations(m);
        if (r < 0)
                return log_error_errno(r, "Cannot take up reservations: %m");

        return 0;
}

int manager_run(Manager *m) {
        int r;

        r = manager_prepare(m);
        if (r < 0)
                return r;

        r = kernel_events_start(m);
        if (r < 0)
                return log_error_errno(r, "Cannot ask the kernel for PASID sets: %m");

        return sd_event_loop(m->event);
}
