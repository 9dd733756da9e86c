/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "counter-store.h"
#include "file-util.h"
#include "set.h"
#include "vm.h"

#define LOG_INTERVAL_USEC (UINT64_C(3600000000))

void counter_store_load(Manager *m) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r;

        path = path_under(m->root, COUNTERS_FILE);
        r = path ? read_text_file(path, &text) : -ENOMEM;
        if (r >= 0)
                r = counters_parse(text, &m->counters);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Cannot take up the counters in " COUNTERS_FILE ", they begin anew: %m");
        if (r < 0)
                (void) counters_new(&m->counters);
}

void counter_store_take_up(VM *vm) {
        const Manager *m = vm->manager;
        CountersVM *saved = m->counters ? counters_find_vm(m->counters, vm->uuid) : NULL;

        if (!saved)
                return;

        /* The next VM of that UUID is another one. */
        vm->gone_denied = saved->gone_denied;
        vm->gone_peak = saved->gone_peak;
        saved->gone_denied = saved->gone_peak = 0;
}

/* An id alone is not enough: ids begin anew with another boot, or with a kernel that reloads its module. */
static bool set_still_there(Manager *m, const CountersSet *saved) {
        const Set *set = set_find(m, saved->id);

        return set && counters_set_is(saved, set->kernel.id, set->kernel.start_time);
}

void counter_store_sets_listed(Manager *m) {
        for (size_t i = 0; m->counters && i < m->counters->n_vms; i++) {
                CountersVM *saved = &m->counters->vms[i];
                VM *vm = vm_find_by_uuid(m, saved->uuid);
                uint64_t denied = 0, peak = 0;

                for (size_t k = 0; k < saved->n_sets; k++)
                        if (!set_still_there(m, &saved->sets[k])) {
                                denied += saved->sets[k].denied;
                                peak += saved->sets[k].peak;
                        }

                saved->gone_denied += denied;
                saved->gone_peak += peak;
                saved->n_sets = 0;
                if (vm) {
                        vm->gone_denied += denied;
                        vm->gone_peak += peak;
                }
        }
}

static int collect_vm(VM *vm, Counters *c) {
        CountersVM *entry;
        Set *set;
        int r;

        vm_refresh_counters(vm);
        r = counters_add_vm(c, vm->uuid, &entry);
        if (r < 0)
                return r;

        entry->gone_denied = vm->gone_denied;
        entry->gone_peak = vm->gone_peak;
        TAILQ_FOREACH (set, &vm->sets, of_vm) {
                r = counters_add_set(entry, &(CountersSet) {
                                                    .id = set->kernel.id,
                                                    .start_time = set->kernel.start_time,
                                                    .denied = set->kernel.denied,
                                                    .peak = set->kernel.peak,
                                            });
                if (r < 0)
                        return r;
        }

        return 0;
}

/* What is known of VMs that have not turned up yet, and may do so still. */
static int keep_others(const Manager *m, Counters *c) {
        for (size_t i = 0; i < m->counters->n_vms; i++) {
                const CountersVM *saved = &m->counters->vms[i];
                CountersVM *entry;
                int r;

                if (counters_find_vm(c, saved->uuid))
                        continue;

                r = counters_add_vm(c, saved->uuid, &entry);
                if (r < 0)
                        return r;
                entry->gone_denied = saved->gone_denied;
                entry->gone_peak = saved->gone_peak;
                for (size_t k = 0; k < saved->n_sets; k++) {
                        r = counters_add_set(entry, &saved->sets[k]);
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}

static int collect(Manager *m, Counters **ret) {
        _cleanup_(counters_freep) Counters *c = NULL;
        VM *vm;
        int r;

        r = counters_new(&c);
        if (r < 0)
                return r;

        c->resyncs = m->resyncs;
        for (EventType type = 0; type < _EVENT_TYPE_MAX; type++)
                c->events[type] = event_log_count(m->events, type);
        if (m->counters) {
                c->resyncs += m->counters->resyncs;
                for (EventType type = 0; type < _EVENT_TYPE_MAX; type++)
                        c->events[type] += m->counters->events[type];
        }

        TAILQ_FOREACH (vm, &m->vms, entries) {
                r = collect_vm(vm, c);
                if (r < 0)
                        return r;
        }

        if (m->counters && (!m->sets_listed || m->machines != MACHINES_LISTED)) {
                r = keep_others(m, c);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(c);
        return 0;
}

static int save(Manager *m, const Counters *c) {
        _cleanup_free_ char *path = NULL, *text = NULL;
        int r;

        r = counters_format(c, &text);
        if (r < 0)
                return r;
        if (streq_ptr(text, m->counters_saved))
                return 0;

        path = path_under(m->root, COUNTERS_FILE);
        r = path ? replace_text_file(path, text) : -ENOMEM;
        if (r < 0)
                return r;

        free(m->counters_saved);
        m->counters_saved = TAKE_PTR(text);
        return 0;
}

int counter_store_save(Manager *m, Counters **ret) {
        _cleanup_(counters_freep) Counters *c = NULL;
        unsigned suppressed;
        int r;

        r = collect(m, &c);
        if (r < 0)
                return r;

        r = save(m, c);
        if (r < 0 && ratelimit_below(&m->counters_log, manager_now(m), LOG_INTERVAL_USEC, 1, &suppressed))
                log_warning_errno(r, "Cannot save the counters in " COUNTERS_FILE
                                     ", after a restart they may go backwards: %m");

        *ret = TAKE_PTR(c);
        return 0;
}
