/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pasidd-bench PASIDD [VMS [IDLE-SECONDS]]: what the daemon costs on a host
 * with 1 000 VMs. Every figure is of one run, on one host: ratios say more
 * than times.
 *
 * pasidd-bench --flood [VMS [EVENTS]]: only the last part, a flood of so many
 * kernel events a second.
 */

#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#include <systemd/sd-bus.h>

#include "bus-names.h"
#include "daemon-process.h"
#include "fake-host.h"
#include "flood.h"
#include "macro.h"
#include "measure.h"

#define STARTS      5U
#define ROUNDS      2000U
#define LIST_ROUNDS 50U

/* Kernel events a second. */
#define RATE     10000U
#define RATE_MAX 1000000U

/* More than the daemon waits between two answers to GetMetrics. */
#define METRICS_PAUSE_USEC 500000U

static char directory[] = "/dev/shm/pasidd-bench-XXXXXX";
static pid_t processes[3]; /* pasidd, systemd-machined's stand-in, dbus-daemon */
static char *probes[2];    /* files beside those that quotas are written to */

static int remove_file(const char *path, const struct stat *st, int type, struct FTW *where) {
        return remove(path);
}

static void clean_up(void) {
        for (size_t i = 0; i < ELEMENTSOF(processes); i++)
                if (processes[i] > 0) {
                        (void) kill(processes[i], SIGTERM);
                        (void) waitpid(processes[i], NULL, 0);
                }
        (void) nftw(directory, remove_file, 32, FTW_DEPTH | FTW_PHYS);
}

static void call_list(sd_bus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE,
                      "ListVMs", NULL, &reply, NULL),
                "ListVMs");
}

static void call_metrics(sd_bus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE,
                      "GetMetrics", NULL, &reply, NULL),
                "GetMetrics");
}

/* As the daemon writes an attribute. */
static void write_file(const char *path, const char *text) {
        _cleanup_close_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOCTTY);

        if (fd < 0 || write(fd, text, strlen(text)) < 0)
                die(path);
}

/* A quota goes into a limit and a set. */
static void write_two_files(unsigned i) {
        char text[32];

        snprintf(text, sizeof(text), "pasid %u\n", i);
        write_file(probes[0], text);
        write_file(probes[1], text);
}

/* As the daemon replaces its persistent state file, but in memory, where a sync costs nothing but the system call. */
static void replace_file(const char *text) {
        static const char name[] = "probe", aside[] = "probe.tmp";
        _cleanup_free_ char *path = text_new("%s/root/run", directory);
        _cleanup_close_ int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -EBADF;

        fd = openat(dir, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0 || write(fd, text, strlen(text)) < 0 || fsync(fd) < 0 ||
                renameat(dir, aside, dir, name) < 0 || fsync(dir) < 0)
                die(path);
}

/* Interleaved, so that whatever else the host does meets all alike. */
static void measure_calls(sd_bus *bus, const char *vm) {
        static double ping[ROUNDS], files[ROUNDS], state[ROUNDS], set_quota[ROUNDS], persistent[ROUNDS];
        double base, cpu = 0;

        for (unsigned i = 0; i < ROUNDS; i++) {
                double t[4];

                t[0] = now_usec();
                call_ping(bus);
                t[1] = now_usec();
                write_two_files(i);
                t[2] = now_usec();
                replace_file(
                        "{ \"version\": 1, \"vms\": { \"a VM\": { \"override\": { \"quota\": 1 } } } }\n");
                files[i] = t[2] - t[1];
                state[i] = now_usec() - t[2];
                cpu -= read_cpu_msec(processes[0]);
                t[2] = now_usec();
                call_set_quota(bus, vm, 1 + i % 2, true);
                t[3] = now_usec();
                ping[i] = t[1] - t[0];
                set_quota[i] = t[3] - t[2];
                /* What the change sets off, signals to begin with, is not to be counted as the next call's. */
                call_ping(bus);
                cpu += read_cpu_msec(processes[0]);
                t[2] = now_usec();
                call_set_quota(bus, vm, 3 + i % 2, false);
                persistent[i] = now_usec() - t[2];
                call_ping(bus);
        }

        base = median(ping, ROUNDS) + median(files, ROUNDS);
        report("an empty method, median round trip", median(ping, ROUNDS), "us", NO_GOAL);
        report("two file writes, median", median(files, ROUNDS), "us", NO_GOAL);
        report("an atomic and synced write, as of the state, median", median(state, ROUNDS), "us", NO_GOAL);
        report("SetQuota, median round trip", median(set_quota, ROUNDS), "us", NO_GOAL);
        report("    CPU time of pasidd for one, and all that it sets off", cpu * 1000 / ROUNDS, "us",
                NO_GOAL);
        report("SetQuota : (empty method + two file writes)", median(set_quota, ROUNDS) / base, "times", 1.5);
        report("    the same with the atomic write",
                median(set_quota, ROUNDS) / (base + median(state, ROUNDS)), "times", NO_GOAL);
        report("SetQuota that is kept on the disk, median round trip", median(persistent, ROUNDS), "us",
                NO_GOAL);
        report("    to (empty method + two file writes + atomic write)",
                median(persistent, ROUNDS) / (base + median(state, ROUNDS)), "times", NO_GOAL);
}

/* Of a VM that is off: the files are all that changes. */
static void call_set_override(sd_bus *bus, unsigned number, uint32_t quota) {
        char uuid[64];

        snprintf(uuid, sizeof(uuid), "0000ffff-0000-4000-8000-%012u", number);
        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE,
                      "SetOverride", NULL, NULL, "ssssa{sv}a{sv}", "persistent", "vm", uuid, "", 1, "quota",
                      "u", quota, 0),
                "SetOverride");
}

/* Bytes that were handed to write() so far. */
static uint64_t read_written(pid_t pid) {
        char path[64], line[256];
        unsigned long long value = 0;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%i/io", (int) pid);
        f = fopen(path, "re");
        if (!f)
                die(path);
        while (fgets(line, sizeof(line), f))
                if (sscanf(line, "wchar: %llu", &value) == 1)
                        break;
        fclose(f);
        return value;
}

/* Does one change cost more where others have overrides, too? */
static void measure_overrides(sd_bus *bus) {
        static const unsigned counts[] = { 10, 1000 };
        static double values[ROUNDS];
        unsigned n = 0;

        for (size_t i = 0; i < ELEMENTSOF(counts); i++) {
                uint64_t written;
                double cpu;
                char what[128];

                for (; n < counts[i]; n++)
                        call_set_override(bus, n, 1);

                cpu = read_cpu_msec(processes[0]);
                written = read_written(processes[0]);
                for (unsigned k = 0; k < ROUNDS; k++) {
                        double begin = now_usec();

                        call_set_override(bus, n / 2, 2 + k % 2);
                        values[k] = now_usec() - begin;
                }
                snprintf(what, sizeof(what), "SetOverride, %u VMs have one, median round trip", n);
                report(what, median(values, ROUNDS), "us", NO_GOAL);
                report("    CPU time of pasidd", (read_cpu_msec(processes[0]) - cpu) * 1000 / ROUNDS, "us",
                        NO_GOAL);
                report("    written", (double) (read_written(processes[0]) - written) / ROUNDS, "bytes",
                        NO_GOAL);
        }
}

static void measure_call(
        sd_bus *bus, const char *what, void (*call)(sd_bus *bus), unsigned pause_usec, double goal) {
        double values[LIST_ROUNDS], cpu[LIST_ROUNDS];

        for (unsigned i = 0; i < LIST_ROUNDS; i++) {
                double begin, cpu_begin = read_cpu_msec(processes[0]);

                begin = now_usec();
                call(bus);
                values[i] = (now_usec() - begin) / 1000;
                cpu[i] = read_cpu_msec(processes[0]) - cpu_begin;
                usleep(pause_usec);
        }
        report(what, median(values, LIST_ROUNDS), "ms", goal);
        report("    CPU time of pasidd", median(cpu, LIST_ROUNDS), "ms", NO_GOAL);
}

/* Several times; the last one stays. */
static void measure_start(const char *program, int notify, size_t n_vms) {
        double wall[STARTS], own[STARTS], others[STARTS];
        char what[128];

        for (unsigned i = 0; i < STARTS; i++) {
                double begin, cpu;

                if (i > 0) {
                        stop_process(&processes[0]);
                        forget_run(directory, n_vms);
                }
                cpu = read_cpu_msec(processes[1]) + read_cpu_msec(processes[2]);
                begin = now_usec();
                processes[0] = start_pasidd(program, directory, "warning", false);
                wait_ready(notify);
                wall[i] = (now_usec() - begin) / 1000;
                own[i] = read_cpu_msec(processes[0]);
                others[i] = read_cpu_msec(processes[1]) + read_cpu_msec(processes[2]) - cpu;
        }

        snprintf(what, sizeof(what), "from start to READY=1, %zu VMs, median of %u", n_vms, STARTS);
        report(what, median(wall, STARTS), "ms", 200);
        report("    CPU time of pasidd", median(own, STARTS), "ms", NO_GOAL);
        report("    CPU time of dbus-daemon and machined's stand-in", median(others, STARTS), "ms", NO_GOAL);
        report("resident memory when ready", (double) read_status(processes[0], "VmRSS") / 1024, "MiB", 8);
}

static void measure_idle(unsigned seconds) {
        char what[128];
        uint64_t before;

        /* What was set off by the calls has its end first. */
        sleep(2);
        before = read_status(processes[0], "voluntary_ctxt_switches") +
                 read_status(processes[0], "nonvoluntary_ctxt_switches");
        sleep(seconds);
        snprintf(what, sizeof(what), "wake-ups in %u idle seconds, without a watchdog", seconds);
        report(what,
                (double) (read_status(processes[0], "voluntary_ctxt_switches") +
                          read_status(processes[0], "nonvoluntary_ctxt_switches") - before),
                "", 0);
}

static void make_probes(size_t n_vms) {
        char scope[MACHINE_NAME_SIZE];

        machine_scope(n_vms / 2, scope);
        probes[0] = text_new("%s/root/sys/fs/cgroup/machine.slice/%s/probe", directory, scope);
        /* Not with the sets, where the daemon would look at what was written. */
        probes[1] = text_new("%s/root/sys/class/probe/set1/probe", directory);
        for (size_t i = 0; i < ELEMENTSOF(probes); i++)
                make_file("", probes[i] + 1, "");
}

/* Everything but the flood, with sets that are files. */
static void measure_daemon(const char *program, size_t n_vms, unsigned idle, int notify) {
        char uuid[MACHINE_NAME_SIZE], what[128];
        _cleanup_free_ char *vm = NULL;
        sd_bus *bus;

        measure_start(program, notify, n_vms);

        check(sd_bus_open_system(&bus), "bus");
        machine_uuid(n_vms / 2, uuid);
        check(sd_bus_path_encode(PASIDD_VM_PATH_PREFIX, uuid, &vm), "path");
        measure_calls(bus, vm);
        measure_overrides(bus);
        snprintf(what, sizeof(what), "ListVMs of %zu VMs in one answer, median", n_vms);
        measure_call(bus, what, call_list, 0, 10);
        measure_call(bus, "GetMetrics, median", call_metrics, METRICS_PAUSE_USEC, NO_GOAL);
        report("resident memory after that", (double) read_status(processes[0], "VmRSS") / 1024, "MiB", 8);
        report("    at its highest", (double) read_status(processes[0], "VmHWM") / 1024, "MiB", NO_GOAL);
        measure_idle(idle);

        sd_bus_flush_close_unref(bus);
        stop_process(&processes[0]);
        forget_run(directory, n_vms);
}

/* The daemon for the flood is beside this program. */
static char *flood_program(void) {
        char path[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

        if (n < 0)
                die("/proc/self/exe");
        path[n] = '\0';
        return text_new("%s/pasidd-netlink", dirname(path));
}

int main(int argc, char **argv) {
        bool flood_only = argc > 1 && streq(argv[1], "--flood");
        size_t n_vms = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
        unsigned long number = argc > 3 ? strtoul(argv[3], NULL, 10) : flood_only ? RATE : 60;
        _cleanup_free_ char *program = flood_program();
        int notify;

        if (argc < 2 || argc > 4 || n_vms == 0 || number > RATE_MAX) {
                fprintf(stderr, "usage: pasidd-bench PASIDD [VMS [IDLE-SECONDS]]\n"
                                "       pasidd-bench --flood [VMS [EVENTS]]\n");
                return 2;
        }

        if (!mkdtemp(directory))
                die(directory);
        (void) atexit(clean_up);
        make_root(directory, n_vms);
        make_probes(n_vms);
        processes[2] = start_bus(directory);
        processes[1] = start_machined(n_vms);
        /* Not before: dbus-daemon says READY=1, too. */
        notify = make_notify_socket(directory);

        if (!flood_only)
                measure_daemon(argv[1], n_vms, (unsigned) number, notify);
        measure_flood(&(FloodSetup) {
                .program = program,
                .dir = directory,
                .n_vms = n_vms,
                .rate = flood_only ? (unsigned) number : RATE,
                .notify = notify,
                .bus = processes[2],
                .daemon = &processes[0],
        });
        return 0;
}
