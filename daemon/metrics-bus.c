/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager for monitoring. */

#include "bus-names.h"
#include "bus.h"
#include "cgroup.h"
#include "counter-store.h"
#include "metrics.h"
#include "vm-quota.h"

static int format_metrics(Manager *m, const Counters *counters, char **ret) {
        _cleanup_free_ MetricsVM *vms = NULL;
        uint64_t allocated = 0;
        size_t n = 0;
        VM *vm;

        vms = calloc(m->n_vms + 1, sizeof(MetricsVM));
        if (!vms)
                return -ENOMEM;

        TAILQ_FOREACH (vm, &m->vms, entries) {
                VMCounters c;

                vm_read_counters(vm, &c);
                vms[n++] = (MetricsVM) {
                        .uuid = vm->uuid,
                        .name = vm->name,
                        .running = vm->state == VM_RUNNING,
                        .in_force = vm->in_force,
                        .quota = vm->policy.quota,
                        .watermark = vm->policy.watermark,
                        .allocated = c.allocated,
                        .peak = c.peak,
                        .denied = c.denied,
                        .n_sets = vm->n_sets,
                };
        }

        (void) cgroup_get_current(m->root, "/", &allocated);
        const Metrics metrics = {
                .version = PASIDD_VERSION,
                .capacity = m->capacity,
                .default_quota = manager_default_quota(m, NULL),
                .allocated = allocated,
                .committed = manager_committed(m),
                .resyncs = counters->resyncs,
                .events = counters->events,
                .vms = vms,
                .n_vms = n,
        };
        return metrics_format(&metrics, ret);
}

static int method_get_metrics(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        _cleanup_(counters_freep) Counters *counters = NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        /* Within a turn of the event loop sets are read once, so what is saved is what is told. */
        r = counter_store_save(userdata, &counters);
        if (r >= 0)
                r = format_metrics(userdata, counters, &text);
        if (r < 0)
                return r;

        return sd_bus_reply_method_return(message, "s", text);
}

static const sd_bus_vtable metrics_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("GetMetrics", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", text), method_get_metrics,
                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int metrics_bus_add(Manager *m) {
        return sd_bus_add_object_vtable(
                m->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, metrics_vtable, m);
}
