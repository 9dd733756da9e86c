/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event-log.h"

/* Metrics in Prometheus' text exposition format, version 0.0.4. Pure. */

typedef struct MetricsVM {
        const char *uuid;
        const char *name;
        bool running;
        bool in_force;
        uint32_t quota, watermark, allocated, attached, peak;
        uint64_t denied;
        size_t n_sets;
} MetricsVM;

typedef struct Metrics {
        const char *version;
        uint32_t capacity, default_quota;
        uint64_t allocated, attached, committed;
        uint64_t resyncs;
        const uint64_t *events; /* array of _EVENT_TYPE_MAX */
        const MetricsVM *vms;
        size_t n_vms;
} Metrics;

/* Formats the metrics. The caller frees *ret. Returns 0 or -ENOMEM. */
int metrics_format(const Metrics *m, char **ret);
