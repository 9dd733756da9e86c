/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Methods of org.pasidd1.Manager for monitoring. */

#include <time.h>

#include "bus-names.h"
#include "callers.h"
#include "counting.h"
#include "metrics.h"
#include "usage.h"
#include "vm-policy.h"
#include "vm.h"

/* After an answer, the daemon does other work for this many times the CPU time that the text took. */
#define PAUSE_FACTOR 9U

/* With many VMs an answer is large, and stays in memory until it has been read. */
#define ANSWERS_AT_ONCE_MAX 8U

static const Places seats = { .max = METRICS_CALLS_MAX, .for_root = 32 };

static uint64_t clock_usec(clockid_t clock) {
        struct timespec t;

        (void) clock_gettime(clock, &t);
        return (uint64_t) t.tv_sec * 1000000 + (uint64_t) t.tv_nsec / 1000;
}

static int format_metrics(Api *api, const Counters *counters, char **ret) {
        _cleanup_free_ MetricsVM *vms = NULL;
        size_t n = 0;
        VM *vm;

        vms = calloc(api->world->n_vms + 1, sizeof(MetricsVM));
        if (!vms)
                return -ENOMEM;

        TAILQ_FOREACH (vm, &api->world->vms, entries) {
                VMCounters c;

                vm_read_counters(vm, &c);
                vms[n++] = (MetricsVM) {
                        .uuid = vm->uuid,
                        .name = vm->name,
                        .running = vm_is_running(vm),
                        .in_force = vm->quota.in_force,
                        .quota = vm->policy.quota,
                        .watermark = vm->policy.watermark,
                        .allocated = c.allocated,
                        .attached = c.attached,
                        .peak = c.peak,
                        .denied = c.denied,
                        .n_sets = vm->n_sets,
                };
        }

        const Metrics metrics = {
                .version = PASIDD_VERSION,
                .capacity = api->world->capacity,
                .default_quota = world_default_quota(api->world, NULL),
                .allocated = control_read_current(api->control, MISC_PASID),
                .attached = control_read_current(api->control, MISC_PASID_ATTACH),
                .committed = world_committed(api->world, NULL),
                .resyncs = counters->resyncs,
                .events = counters->events,
                .vms = vms,
                .n_vms = n,
        };
        return metrics_format(&metrics, ret);
}

/* Saves the counters first, because metrics must never decrease. Sets are read once per iteration of the event loop. */
static int make_text(Api *api, char **ret) {
        _cleanup_(counters_freep) Counters *counters = NULL;
        int r;

        r = counting_save(api->control, &counters);
        return r < 0 ? r : format_metrics(api, counters, ret);
}

static void reply(sd_bus_message *message, int r, const char *text) {
        r = r < 0 ? sd_bus_reply_method_errno(message, r, NULL)
                  : sd_bus_reply_method_return(message, "s", text);
        if (r < 0)
                log_debug_errno(r, "Cannot answer a method call, ignoring: %m");
}

/* Answers the oldest calls with one text, which is made after they have arrived. */
static void answer(Api *api) {
        MetricsCalls *calls = &api->metrics_calls;
        size_t n = calls->n_waiting < ANSWERS_AT_ONCE_MAX ? calls->n_waiting : ANSWERS_AT_ONCE_MAX;
        _cleanup_free_ char *text = NULL;
        uint64_t begin = clock_usec(CLOCK_PROCESS_CPUTIME_ID), cost;
        int r;

        r = make_text(api, &text);
        for (size_t i = 0; i < n; i++) {
                reply(calls->waiting[i], r, text);
                sd_bus_message_unref(calls->waiting[i]);
        }

        calls->n_waiting -= n;
        memmove(calls->waiting, calls->waiting + n, calls->n_waiting * sizeof(sd_bus_message *));

        cost = clock_usec(CLOCK_PROCESS_CPUTIME_ID) - begin;
        calls->next_usec = clock_usec(CLOCK_MONOTONIC) + cost * PAUSE_FACTOR;
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata);

/* Answers now, or sets a timer. There is no timer if no call is pending. */
static int answer_in_time(Api *api) {
        MetricsCalls *calls = &api->metrics_calls;

        if (!calls->timer && clock_usec(CLOCK_MONOTONIC) >= calls->next_usec)
                answer(api);
        if (calls->timer || calls->n_waiting == 0)
                return 0;

        return sd_event_add_time(
                api->event, &calls->timer, CLOCK_MONOTONIC, calls->next_usec, 1, on_time, api);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Api *api = userdata;
        int r;

        api->metrics_calls.timer = sd_event_source_disable_unref(api->metrics_calls.timer);
        r = answer_in_time(api);
        if (r < 0) {
                log_warning_errno(r, "Cannot set a timer: %m");
                metrics_bus_forget(api);
        }

        return 0;
}

/* *ret_first: root's calls are answered before others. */
static bool has_seat(const Api *api, const char *sender, bool *ret_first) {
        const MetricsCalls *calls = &api->metrics_calls;
        uint32_t uid = UINT32_MAX, of_waiting, pid;
        PlacesTaken taken = {};

        if (!callers_find(api, sender, &uid, &pid))
                return false;
        *ret_first = uid == 0;

        for (size_t i = 0; i < calls->n_waiting; i++) {
                /* Only root's connections can be dropped from the cache while they exist. */
                if (!callers_find(api, sd_bus_message_get_sender(calls->waiting[i]), &of_waiting, &pid))
                        of_waiting = 0;
                places_count(&taken, of_waiting, of_waiting == uid, 1);
        }
        return places_allow(&seats, &taken, uid, 1);
}

/*
 * Every user may call this, and it reads several files for each VM. So that
 * frequent calls do not delay other callers, answers are limited to a part of the
 * daemon's time; calls in between wait.
 */
static int method_get_metrics(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Api *api = userdata;
        MetricsCalls *calls = &api->metrics_calls;
        bool first;
        size_t at;
        int r;

        if (!has_seat(api, sd_bus_message_get_sender(message), &first))
                return sd_bus_error_set(
                        error, SD_BUS_ERROR_LIMITS_EXCEEDED, "There are too many calls of GetMetrics.");

        at = first ? 0 : calls->n_waiting;
        memmove(calls->waiting + at + 1, calls->waiting + at,
                (calls->n_waiting - at) * sizeof(sd_bus_message *));
        calls->waiting[at] = sd_bus_message_ref(message);
        calls->n_waiting++;

        r = answer_in_time(api);
        if (r < 0) {
                log_warning_errno(r, "Cannot set a timer: %m");
                metrics_bus_forget(api);
        }

        return 1;
}

void metrics_bus_caller_gone(Api *api, const char *name) {
        MetricsCalls *calls = &api->metrics_calls;
        size_t n = 0;

        for (size_t i = 0; i < calls->n_waiting; i++)
                if (streq_ptr(sd_bus_message_get_sender(calls->waiting[i]), name))
                        sd_bus_message_unref(calls->waiting[i]);
                else
                        calls->waiting[n++] = calls->waiting[i];
        calls->n_waiting = n;
}

void metrics_bus_forget(Api *api) {
        MetricsCalls *calls = &api->metrics_calls;

        calls->timer = sd_event_source_disable_unref(calls->timer);
        while (calls->n_waiting > 0)
                sd_bus_message_unref(calls->waiting[--calls->n_waiting]);
}

static const sd_bus_vtable metrics_vtable[] = {
        SD_BUS_VTABLE_START(0),

        SD_BUS_METHOD_WITH_ARGS("GetMetrics", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", text), method_get_metrics,
                SD_BUS_VTABLE_UNPRIVILEGED),

        SD_BUS_VTABLE_END,
};

int metrics_bus_add(Api *api) {
        return sd_bus_add_object_vtable(
                api->bus, NULL, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, metrics_vtable, api);
}
