/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * pasidd-bench PASIDD [VMS [IDLE-SECONDS]]: what the daemon costs on a host
 * with 1 000 VMs. Every figure is of one run, on one host: ratios say more
 * than times.
 */

#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <systemd/sd-bus.h>

#include "bus-names.h"
#include "fake-host.h"
#include "macro.h"

#define STARTS      5U
#define ROUNDS      2000U
#define LIST_ROUNDS 50U

/* More than the daemon waits between two answers to GetMetrics. */
#define METRICS_PAUSE_USEC 500000U

static char directory[] = "/dev/shm/pasidd-bench-XXXXXX";
static pid_t processes[3]; /* pasidd, systemd-machined's stand-in, dbus-daemon */
static char *probes[2];    /* files beside those that quotas are written to */

static double now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

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

static int compare(const void *a, const void *b) {
        const double *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return values[n / 2];
}

#define NO_GOAL (-1.0)

static void report(const char *what, double value, const char *unit, double goal) {
        if (goal >= 0)
                printf("%-58s %10.2f %-8s goal %g: %s\n", what, value, unit, goal,
                        value <= goal ? "met" : "MISSED");
        else
                printf("%-58s %10.2f %s\n", what, value, unit);
}

/* A number out of a line "NAME: NUMBER" of a file in /proc. */
static uint64_t read_status(pid_t pid, const char *name) {
        char path[64], line[256];
        uint64_t value = 0;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%i/status", (int) pid);
        f = fopen(path, "re");
        if (!f)
                die(path);
        while (fgets(line, sizeof(line), f))
                if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
                        value = strtoull(line + strlen(name) + 1, NULL, 10);
        fclose(f);
        return value;
}

/* Time on a CPU so far, in milliseconds; /proc/PID/stat has it in ticks only. */
static double read_cpu_msec(pid_t pid) {
        unsigned long long nsec;
        char path[64];
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%i/schedstat", (int) pid);
        f = fopen(path, "re");
        if (!f || fscanf(f, "%llu", &nsec) != 1)
                die(path);
        fclose(f);
        return (double) nsec / 1e6;
}

static int make_notify_socket(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", directory);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                die("notify socket");
        (void) setenv("NOTIFY_SOCKET", address.sun_path, true);
        return fd;
}

static pid_t start_pasidd(const char *program) {
        char argument[128];
        pid_t pid;

        snprintf(argument, sizeof(argument), "--root=%s/root", directory);
        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
                execl(program, program, argument, "--log-level=warning", NULL);
                die(program);
        }
        return pid;
}

static void wait_ready(int notify) {
        struct timeval timeout = { .tv_sec = 120 };
        char text[4096];
        ssize_t n;

        (void) setsockopt(notify, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        do {
                n = recv(notify, text, sizeof(text) - 1, 0);
                if (n < 0)
                        die("pasidd does not become ready");
                text[n] = '\0';
        } while (!strstr(text, "READY=1"));
}

static void check(int r, const char *what) {
        if (r < 0) {
                errno = -r;
                die(what);
        }
}

static void call_ping(sd_bus *bus) {
        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, "org.freedesktop.DBus.Peer",
                      "Ping", NULL, NULL, NULL),
                "Ping");
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

static void call_set_quota(sd_bus *bus, const char *vm, uint32_t quota, bool runtime) {
        check(sd_bus_call_method(bus, PASIDD_BUS_NAME, vm, PASIDD_VM_INTERFACE, "SetQuota", NULL, NULL,
                      "ua{sv}", quota, 1, "runtime", "b", runtime),
                "SetQuota");
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

static void stop(pid_t *pid) {
        (void) kill(*pid, SIGTERM);
        (void) waitpid(*pid, NULL, 0);
        *pid = 0;
}

/* Several times; the last one stays. */
static void measure_start(const char *program, int notify, size_t n_vms) {
        double wall[STARTS], own[STARTS], others[STARTS];
        char what[128];

        for (unsigned i = 0; i < STARTS; i++) {
                double begin, cpu;

                if (i > 0) {
                        stop(&processes[0]);
                        forget_run(directory, n_vms);
                }
                cpu = read_cpu_msec(processes[1]) + read_cpu_msec(processes[2]);
                begin = now_usec();
                processes[0] = start_pasidd(program);
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

int main(int argc, char **argv) {
        size_t n_vms = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000;
        unsigned idle = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : 60;
        char uuid[MACHINE_NAME_SIZE], scope[MACHINE_NAME_SIZE], what[128];
        _cleanup_free_ char *vm = NULL;
        uint64_t before;
        sd_bus *bus;
        int notify;

        if (argc < 2 || argc > 4 || n_vms == 0) {
                fprintf(stderr, "usage: pasidd-bench PASIDD [VMS [IDLE-SECONDS]]\n");
                return 2;
        }

        if (!mkdtemp(directory))
                die(directory);
        (void) atexit(clean_up);
        make_root(directory, n_vms);
        machine_scope(n_vms / 2, scope);
        probes[0] = text_new("%s/root/sys/fs/cgroup/machine.slice/%s/probe", directory, scope);
        /* Not with the sets, where the daemon would look at what was written. */
        probes[1] = text_new("%s/root/sys/class/probe/set1/probe", directory);
        for (size_t i = 0; i < ELEMENTSOF(probes); i++)
                make_file("", probes[i] + 1, "");
        processes[2] = start_bus(directory);
        processes[1] = start_machined(n_vms);
        /* Not before: dbus-daemon says READY=1, too. */
        notify = make_notify_socket();

        measure_start(argv[1], notify, n_vms);

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

        /* What was set off by the calls has its end first. */
        sleep(2);
        before = read_status(processes[0], "voluntary_ctxt_switches") +
                 read_status(processes[0], "nonvoluntary_ctxt_switches");
        sleep(idle);
        snprintf(what, sizeof(what), "wake-ups in %u idle seconds, without a watchdog", idle);
        report(what,
                (double) (read_status(processes[0], "voluntary_ctxt_switches") +
                          read_status(processes[0], "nonvoluntary_ctxt_switches") - before),
                "", 0);

        sd_bus_flush_close_unref(bus);
        return 0;
}
