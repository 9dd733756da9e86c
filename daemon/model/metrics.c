/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <inttypes.h>

#include "macro.h"
#include "metrics.h"
#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* The length of the prefix that needs no escape. */
static size_t span_plain(const char *s, size_t size) {
        size_t n, i;
        uint32_t unused;

        for (i = 0; i < size && !strchr("\n\\\"", s[i]); i += n) {
                n = utf8_decode(s + i, size - i, &unused);
                if (n == 0)
                        break;
        }

        return i;
}

/* Escapes backslash, quote and newline, and replaces bytes that are not valid UTF-8. */
static void put_label(FILE *f, const char *name, const char *value) {
        size_t left = strlen(value), n;

        fprintf(f, "%s=\"", name);
        for (; left > 0; value += n, left -= n) {
                n = span_plain(value, left);
                if (n > 0) {
                        fwrite(value, 1, n, f);
                        continue;
                }

                n = 1;
                if (*value == '\n')
                        fputs("\\n", f);
                else if (*value == '\\' || *value == '"')
                        fprintf(f, "\\%c", *value);
                else
                        fputs(REPLACEMENT, f);
        }
        fputc('"', f);
}

static void put_head(FILE *f, const char *name, const char *type, const char *help) {
        fprintf(f, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_gauge(FILE *f, const char *name, uint64_t value, const char *help) {
        put_head(f, name, "gauge", help);
        fprintf(f, "%s %" PRIu64 "\n", name, value);
}

static void put_host(FILE *f, const Metrics *m) {
        size_t n_running = 0;

        for (size_t i = 0; i < m->n_vms; i++)
                n_running += m->vms[i].running;

        put_head(f, "pasidd_build_info", "gauge", "1, with the version of pasidd as a label.");
        fputs("pasidd_build_info{", f);
        put_label(f, "version", m->version);
        fputs("} 1\n", f);

        put_gauge(f, "pasidd_capacity", m->capacity, "PASIDs that exist on this host.");
        put_gauge(f, "pasidd_allocated", m->allocated, "PASIDs currently allocated, over all processes.");
        put_gauge(f, "pasidd_attached", m->attached,
                "PASIDs currently attached to devices through iommufd, over all processes.");
        put_gauge(f, "pasidd_committed", m->committed,
                "Sum of the quotas of all running and announced VMs, and of what other processes hold.");
        put_gauge(
                f, "pasidd_default_quota", m->default_quota, "Quota of VMs that have no quota of their own.");

        put_head(f, "pasidd_vms", "gauge", "VMs by state.");
        fprintf(f, "pasidd_vms{state=\"running\"} %zu\n", n_running);
        fprintf(f, "pasidd_vms{state=\"reserved\"} %zu\n", m->n_vms - n_running);

        put_head(f, "pasidd_resyncs_total", "counter",
                "Number of times that kernel events were lost and the state was read again.");
        fprintf(f, "pasidd_resyncs_total %" PRIu64 "\n", m->resyncs);

        put_head(f, "pasidd_events_total", "counter", "Number of events by type.");
        for (EventType type = 0; type < _EVENT_TYPE_MAX; type++)
                fprintf(f, "pasidd_events_total{type=\"%s\"} %" PRIu64 "\n", event_type_to_string(type),
                        m->events[type]);
}

static uint64_t get_quota(const MetricsVM *vm) {
        return vm->quota;
}

static uint64_t get_watermark(const MetricsVM *vm) {
        return vm->watermark;
}

static uint64_t get_in_force(const MetricsVM *vm) {
        return vm->in_force;
}

static uint64_t get_allocated(const MetricsVM *vm) {
        return vm->allocated;
}

static uint64_t get_attached(const MetricsVM *vm) {
        return vm->attached;
}

static uint64_t get_peak(const MetricsVM *vm) {
        return vm->peak;
}

static uint64_t get_sets(const MetricsVM *vm) {
        return vm->n_sets;
}

static uint64_t get_denied(const MetricsVM *vm) {
        return vm->denied;
}

/*
 * Formats "{uuid="…",name="…"} " for all VMs into one string; (*ret_ends)[k] is the offset at which that of VM k ends.
 */
static int format_labels(const Metrics *m, char **ret, size_t **ret_ends) {
        _cleanup_free_ size_t *ends = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        FILE *f;

        ends = calloc(m->n_vms + 1, sizeof(size_t));
        if (!ends)
                return -ENOMEM;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;

        for (size_t k = 0; k < m->n_vms; k++) {
                fputc('{', f);
                put_label(f, "uuid", m->vms[k].uuid);
                fputc(',', f);
                put_label(f, "name", m->vms[k].name);
                fputs("} ", f);
                ends[k] = (size_t) ftell(f);
        }

        if (fclose(f) != 0)
                return -ENOMEM;

        *ret = TAKE_PTR(text);
        *ret_ends = TAKE_PTR(ends);
        return 0;
}

int metrics_format(const Metrics *m, char **ret) {
        static const struct {
                const char *name, *type, *help;
                uint64_t (*get)(const MetricsVM *vm);
        } table[] = {
                { "pasidd_vm_quota", "gauge", "PASIDs that the VM may hold.", get_quota },
                { "pasidd_vm_watermark", "gauge", "Count whose upward crossing raises an event; 0: none.",
                        get_watermark },
                { "pasidd_vm_quota_in_force", "gauge",
                        "1 if the quota is in force in all limits of the VM, else 0 (also before the VM runs).",
                        get_in_force },
                { "pasidd_vm_allocated", "gauge", "PASIDs that the VM currently holds.", get_allocated },
                { "pasidd_vm_attached", "gauge",
                        "PASIDs that the VM has currently attached to devices through iommufd.",
                        get_attached },
                { "pasidd_vm_peak", "gauge", "Most PASIDs that the VM has held.", get_peak },
                { "pasidd_vm_sets", "gauge", "PASID sets of the VM, one for each process that has any.",
                        get_sets },
                { "pasidd_vm_denied_total", "counter", "Allocations and attaches that were denied to the VM.",
                        get_denied },
        };
        _cleanup_free_ char *text = NULL, *labels = NULL;
        _cleanup_free_ size_t *ends = NULL;
        size_t size;
        FILE *f;
        int r;

        r = format_labels(m, &labels, &ends);
        if (r < 0)
                return r;

        f = open_memstream(&text, &size);
        if (!f)
                return -ENOMEM;

        put_host(f, m);

        /* The format requires all samples of a metric to be adjacent. */
        for (size_t i = 0; i < ELEMENTSOF(table); i++) {
                put_head(f, table[i].name, table[i].type, table[i].help);
                for (size_t k = 0, begin = 0; k < m->n_vms; begin = ends[k++]) {
                        fputs(table[i].name, f);
                        fwrite(labels + begin, 1, ends[k] - begin, f);
                        fprintf(f, "%" PRIu64 "\n", table[i].get(&m->vms[k]));
                }
        }

        if (fclose(f) != 0)
                return -ENOMEM;

        *ret = TAKE_PTR(text);
        return 0;
}
