/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <inttypes.h>

#include <systemd/sd-bus.h>

#include "bus-names.h"
#include "daemon-process.h"
#include "fake-host.h"
#include "fake-kernel.h"
#include "flood.h"
#include "listeners.h"
#include "macro.h"
#include "measure.h"

#define SECONDS       4U
#define CALM_USEC     2e6
#define LOSS_USEC     2e6
#define CALLS_MAX     200000U
#define P99_RATIO_MAX 10.0

/* The daemon has nothing left to do when nothing has been read from it for this time. */
#define SILENCE_USEC      300000U
#define SILENCE_WAITS_MAX 60U

typedef struct Calls {
        double usec[CALLS_MAX];
        size_t n;
        double wall_msec, cpu_msec, bus_cpu_msec; /* the latter of the daemon, and of dbus-daemon */
} Calls;

/* What the daemon counts, by GetMetrics. */
typedef struct Totals {
        uint64_t exceeded, reached, resyncs;
} Totals;

typedef struct Bench {
        const FloodSetup *setup;
        FakeKernel *kernel;
        Listeners *listeners;
        sd_bus *bus;
        char *vm; /* path of the VM whose quota is set */
        pid_t pid;
        uint64_t events, records, others, suspensions, dropped, dumps; /* when the flood began */
        Totals totals;
} Bench;

static void call_once(Bench *b, Calls *calls) {
        double begin = now_usec();

        call_set_quota(b->bus, b->vm, 1 + calls->n % 2, true);
        calls->usec[calls->n++] = now_usec() - begin;
}

/* Adds what has passed since: sign -1 at the beginning, 1 at the end. */
static void add_times(const Bench *b, Calls *calls, double sign) {
        calls->wall_msec += sign * now_usec() / 1000;
        calls->cpu_msec += sign * read_cpu_msec(b->pid);
        calls->bus_cpu_msec += sign * read_cpu_msec(b->setup->bus);
}

/* Before and after the flood, so that whatever else the host does meets both alike. */
static void call_in_calm(Bench *b, Calls *calls) {
        double end = now_usec() + CALM_USEC / 2;

        add_times(b, calls, -1);
        while (now_usec() < end && calls->n < CALLS_MAX)
                call_once(b, calls);
        call_ping(b->bus);
        add_times(b, calls, 1);
}

static void call_in_flood(Bench *b, Calls *calls) {
        uint64_t floods = b->kernel->floods;

        add_times(b, calls, -1);
        fake_kernel_flood(b->kernel, b->setup->rate, SECONDS);
        while (b->kernel->floods == floods && calls->n < CALLS_MAX)
                call_once(b, calls);
        while (b->kernel->floods == floods)
                usleep(1000);
        add_times(b, calls, 1);
}

/* Until everything that the flood has set off has been read. Returns the time until the last of it. */
static double wait_for_silence(const Bench *b) {
        double begin = now_usec(), last = begin;
        uint64_t seen = 0;

        for (unsigned i = 0; i < SILENCE_WAITS_MAX && now_usec() - last < SILENCE_USEC; i++) {
                uint64_t now = b->listeners->events + b->listeners->records;

                if (now != seen)
                        last = now_usec();
                seen = now;
                usleep(SILENCE_USEC / 10);
        }
        call_ping(b->bus);
        return last - begin;
}

static uint64_t find_metric(const char *text, const char *name) {
        const char *p = strstr(text, name);

        return p ? strtoull(p + strlen(name), NULL, 10) : 0;
}

static Totals read_totals(sd_bus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *text;

        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE,
                      "GetMetrics", NULL, &reply, NULL),
                "GetMetrics");
        check(sd_bus_message_read(reply, "s", &text), "GetMetrics");
        return (Totals) {
                .exceeded = find_metric(text, "pasidd_events_total{type=\"quota-exceeded\"} "),
                .reached = find_metric(text, "pasidd_events_total{type=\"watermark-reached\"} "),
                .resyncs = find_metric(text, "\npasidd_resyncs_total "),
        };
}

static void forget_peak(pid_t pid) {
        _cleanup_free_ char *path = text_new("/proc/%i/clear_refs", (int) pid);
        _cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || write(fd, "5", 1) != 1)
                die(path);
}

static void start_daemon(Bench *b) {
        const FloodSetup *setup = b->setup;
        char uuid[MACHINE_NAME_SIZE];
        double begin = now_usec();

        b->pid = *setup->daemon = start_pasidd(setup->program, setup->dir, "info", true);
        wait_ready(setup->notify);
        report("from start to READY=1 with netlink, once", (now_usec() - begin) / 1000, "ms", NO_GOAL);
        report("    CPU time of pasidd", read_cpu_msec(b->pid), "ms", NO_GOAL);

        check(sd_bus_open_system(&b->bus), "bus");
        machine_uuid(setup->n_vms / 2, uuid);
        check(sd_bus_path_encode(PASIDD_VM_PATH_PREFIX, uuid, &b->vm), "path");
        start_subscriber(b->listeners);
}

static void begin_counting(Bench *b) {
        b->totals = read_totals(b->bus);
        (void) wait_for_silence(b);
        b->events = b->listeners->events;
        b->others = b->listeners->others;
        b->records = b->listeners->records;
        b->dropped = b->listeners->dropped;
        b->suspensions = b->listeners->suspensions;
        b->dumps = b->kernel->dumps;
        forget_peak(b->pid);
}

static void report_counts(Bench *b, double msec) {
        uint64_t limits = b->kernel->limit_hits, watermarks = b->kernel->watermark_hits;
        uint64_t quotas = b->kernel->quota_changes;
        Totals now = read_totals(b->bus);
        uint64_t reported = now.exceeded - b->totals.exceeded + now.reached - b->totals.reached;
        char what[128];

        snprintf(what, sizeof(what), "kernel events in %.1f s", msec / 1000);
        report(what, (double) (limits + watermarks + quotas), "", NO_GOAL);
        report("    limit-hit", (double) limits, "", NO_GOAL);
        report("    watermark-hit", (double) watermarks, "", NO_GOAL);
        report("    did not fit into the socket", (double) b->kernel->lost, "", NO_GOAL);
        report("    times that the daemon noticed a loss", (double) (now.resyncs - b->totals.resyncs), "",
                NO_GOAL);
        report("signals of limit-hit and watermark-hit", (double) (b->listeners->events - b->events), "",
                NO_GOAL);
        report("    other signals", (double) (b->listeners->others - b->others), "", NO_GOAL);
        report("    times that signals were suspended", (double) (b->listeners->suspensions - b->suspensions),
                "", NO_GOAL);
        report("limit-hit and watermark-hit in the log of events", (double) reported, "", NO_GOAL);
        report("    not in it, counted as suppressed", (double) (limits + watermarks - reported), "",
                NO_GOAL);
        report("records that the journal got", (double) (b->listeners->records - b->records), "", NO_GOAL);
        report("    dropped, as far as reported", (double) (b->listeners->dropped - b->dropped), "", NO_GOAL);
}

static void report_calls(Calls *calm, Calls *flood) {
        double calm_median = median(calm->usec, calm->n), calm_p99 = percentile(calm->usec, calm->n, 99);
        double flood_median = median(flood->usec, flood->n),
               flood_p99 = percentile(flood->usec, flood->n, 99);

        report("SetQuota without events, median round trip", calm_median, "us", NO_GOAL);
        report("    99th percentile", calm_p99, "us", NO_GOAL);
        report("    calls a second", (double) calm->n * 1000 / calm->wall_msec, "", NO_GOAL);
        report("SetQuota during the events, median round trip", flood_median, "us", NO_GOAL);
        report("    99th percentile", flood_p99, "us", NO_GOAL);
        report("    the longest", flood->usec[flood->n - 1], "us", NO_GOAL);
        report("    calls a second", (double) flood->n * 1000 / flood->wall_msec, "", NO_GOAL);
        report("    CPU time of pasidd", flood->cpu_msec * 100 / flood->wall_msec, "%", NO_GOAL);
        report("    CPU time of dbus-daemon", flood->bus_cpu_msec * 100 / flood->wall_msec, "%", NO_GOAL);
        report("SetQuota during to without events, median", flood_median / calm_median, "times", NO_GOAL);
        report("    99th percentile", flood_p99 / calm_p99, "times", P99_RATIO_MAX);
}

/* Once more, without calls: what the daemon does for events alone, whose log is suppressed now. */
static void measure_cpu(Bench *b, const Calls *calm) {
        uint64_t floods = b->kernel->floods, lost = b->kernel->lost;
        double cpu = read_cpu_msec(b->pid);

        fake_kernel_flood(b->kernel, b->setup->rate, SECONDS);
        while (b->kernel->floods == floods)
                usleep(1000);
        (void) wait_for_silence(b);
        cpu = read_cpu_msec(b->pid) - cpu;
        report("CPU time of pasidd for one event, the signal included",
                cpu * 1000 / (b->setup->rate * SECONDS - (double) (b->kernel->lost - lost)), "us", NO_GOAL);
        report("    for one SetQuota without events", calm->cpu_msec * 1000 / (double) calm->n, "us",
                NO_GOAL);
}

/* The daemon reads and compares all sets at once, and a call that arrives meanwhile waits. */
static void measure_loss(Bench *b, Calls *calls) {
        double end = now_usec() + LOSS_USEC;
        uint64_t dumps = b->kernel->dumps;

        calls->n = 0;
        fake_kernel_lose_event(b->kernel);
        while (now_usec() < end && calls->n < CALLS_MAX)
                call_once(b, calls);
        if (b->kernel->dumps == dumps) {
                errno = ENODATA;
                die("the daemon does not notice a lost event");
        }
        report("SetQuota when an event was lost, the longest", percentile(calls->usec, calls->n, 100), "us",
                NO_GOAL);
}

void measure_flood(const FloodSetup *setup) {
        static Calls calm, flood;
        Bench b = {
                .setup = setup,
                .kernel = start_fake_kernel(setup->dir, setup->n_vms),
                .listeners = start_journal(setup->dir),
        };
        double silence, peak;

        start_daemon(&b);
        (void) wait_for_silence(&b);
        call_in_calm(&b, &calm);
        begin_counting(&b);
        call_in_flood(&b, &flood);
        silence = wait_for_silence(&b);
        peak = (double) read_status(b.pid, "VmHWM") / 1024;
        report_counts(&b, flood.wall_msec);
        call_in_calm(&b, &calm);

        report("from the last event to the last signal or record", silence / 1000, "ms", NO_GOAL);
        report_calls(&calm, &flood);
        report("peak of resident memory during the events", peak, "MiB", NO_GOAL);
        measure_cpu(&b, &calm);
        measure_loss(&b, &flood);

        sd_bus_flush_close_unref(b.bus);
        free(b.vm);
        stop_process(setup->daemon);
        stop_listeners(b.listeners);
        stop_process(&b.kernel->pid);
}
