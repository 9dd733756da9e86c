/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "counter-store.h"
#include "counting.h"
#include "event-log.h"
#include "set.h"
#include "usage.h"
#include "vm.h"

struct Counting {
        CounterStore store;
        Counters *earlier; /* counters saved by earlier runs */
};

int counting_new(const char *root, Counting **ret) {
        Counting *counting;
        int r;

        counting = calloc(1, sizeof(*counting));
        if (!counting)
                return -ENOMEM;

        r = counter_store_load(&counting->store, root, &counting->earlier);
        if (r < 0) {
                counting_free(counting);
                return r;
        }

        *ret = counting;
        return 0;
}

Counting *counting_free(Counting *counting) {
        if (!counting)
                return NULL;

        counter_store_done(&counting->store);
        counters_free(counting->earlier);
        free(counting);
        return NULL;
}

void counting_restore(Control *control, VM *vm) {
        CountersVM *saved = counters_find_vm(control->counting->earlier, vm->uuid);

        if (!saved)
                return;

        /* A later VM with this UUID starts at zero. */
        vm->gone.denied = saved->gone_denied;
        vm->gone.peak = saved->gone_peak;
        saved->gone_denied = saved->gone_peak = 0;
}

/* Compares the start time as well, because ids start again after a boot or when the module is reloaded. */
static bool set_still_exists(Control *control, const CountersSet *saved) {
        const Set *set = set_find(&control->world, saved->id);

        return set && counters_set_is(saved, set->kernel.id, set->kernel.start_time);
}

void counting_sets_complete(Control *control) {
        Counters *earlier = control->counting->earlier;

        for (size_t i = 0; i < earlier->n_vms; i++) {
                CountersVM *saved = &earlier->vms[i];
                VM *vm = vm_find_by_uuid(&control->world, saved->uuid);
                uint64_t denied = 0, peak = 0;

                for (size_t k = 0; k < saved->n_sets; k++)
                        if (!set_still_exists(control, &saved->sets[k])) {
                                denied += saved->sets[k].denied;
                                peak += saved->sets[k].peak;
                        }

                saved->gone_denied += denied;
                saved->gone_peak += peak;
                saved->n_sets = 0;
                if (vm) {
                        vm->gone.denied += denied;
                        vm->gone.peak += peak;
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

        entry->gone_denied = vm->gone.denied;
        entry->gone_peak = vm->gone.peak;
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

/* Keeps the counters of VMs that have not appeared yet. */
static int keep_others(const Counters *earlier, Counters *c) {
        for (size_t i = 0; i < earlier->n_vms; i++) {
                const CountersVM *saved = &earlier->vms[i];
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

static int collect(Control *control, Counters **ret) {
        const Counters *earlier = control->counting->earlier;
        _cleanup_(counters_freep) Counters *c = NULL;
        VM *vm;
        int r;

        r = counters_new(&c);
        if (r < 0)
                return r;

        c->resyncs = control->world.resyncs + earlier->resyncs;
        for (EventType type = 0; type < _EVENT_TYPE_MAX; type++)
                c->events[type] = event_log_count(control->events, type) + earlier->events[type];

        TAILQ_FOREACH (vm, &control->world.vms, entries) {
                r = collect_vm(vm, c);
                if (r < 0)
                        return r;
        }

        if (!control->world.sets_complete || control->world.machines != MACHINES_LISTED) {
                r = keep_others(earlier, c);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(c);
        return 0;
}

int counting_save(Control *control, Counters **ret) {
        int r;

        r = collect(control, ret);
        if (r < 0)
                return r;

        counter_store_save(&control->counting->store, *ret, control_now(control));
        return 0;
}
