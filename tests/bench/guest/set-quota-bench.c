/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * set-quota-bench VM SCOPE [ROUNDS [PROCESSES]]: what it costs to change a VM's
 * quota, in ratios to what systemd takes to change a weight of its scope. Call
 * against call on one connection each, program against program; one after the
 * other in turn, so that whatever else the host does meets all alike.
 */

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include <systemd/sd-bus.h>

#include "bus-names.h"
#include "macro.h"

#define GOAL 5.0

extern char **environ;

typedef struct Target {
        sd_bus *bus;
        const char *vm, *scope;
        char *path; /* the VM's object */
} Target;

typedef void (*Action)(const Target *t, unsigned n);

static void die(int error, const char *what) {
        fprintf(stderr, "set-quota-bench: %s: %s\n", what, strerror(error < 0 ? -error : error));
        exit(EXIT_FAILURE);
}

static double now_msec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e3 + (double) t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b) {
        const double *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* What is set is another value each time. */
static unsigned value(unsigned n) {
        return 500 + n % 2;
}

static void set_quota(const Target *t, unsigned n, bool runtime) {
        int r;

        r = sd_bus_call_method(t->bus, PASIDD_BUS_NAME, t->path, PASIDD_VM_INTERFACE, "SetQuota", NULL, NULL,
                "ua{sv}", value(n), 1, "runtime", "b", runtime);
        if (r < 0)
                die(r, "SetQuota");
}

static void call_set_quota(const Target *t, unsigned n) {
        set_quota(t, n, false);
}

static void call_set_quota_runtime(const Target *t, unsigned n) {
        set_quota(t, n, true);
}

static void call_set_weight(const Target *t, unsigned n) {
        int r;

        r = sd_bus_call_method(t->bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                "org.freedesktop.systemd1.Manager", "SetUnitProperties", NULL, NULL, "sba(sv)", t->scope,
                true, 1, "CPUWeight", "t", (uint64_t) value(n));
        if (r < 0)
                die(r, "SetUnitProperties");
}

static void run_program(const char *const *argv) {
        posix_spawn_file_actions_t actions;
        int status, r;
        pid_t pid;

        (void) posix_spawn_file_actions_init(&actions);
        (void) posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *) argv, environ);
        (void) posix_spawn_file_actions_destroy(&actions);
        if (r != 0 || waitpid(pid, &status, 0) < 0)
                die(r != 0 ? r : errno, argv[0]);
        if (status != 0)
                die(EIO, argv[0]);
}

static void run_pasidctl(const Target *t, unsigned n) {
        char number[16];

        snprintf(number, sizeof(number), "%u", value(n));
        run_program((const char *const[]) { "pasidctl", "set-quota", "--runtime", t->vm, number, NULL });
}

static void run_systemctl(const Target *t, unsigned n) {
        char assignment[32];

        snprintf(assignment, sizeof(assignment), "CPUWeight=%u", value(n));
        run_program((const char *const[]) {
                "systemctl", "set-property", "--runtime", t->scope, assignment, NULL });
}

typedef struct Contender {
        const char *what;
        Action action;
        double *times, median;
} Contender;

/* The last one is what the others are compared with. */
static bool measure(const Target *t, Contender *contenders, size_t n_contenders, unsigned rounds) {
        bool met = true;

        for (size_t i = 0; i < n_contenders; i++) {
                contenders[i].times = calloc(rounds, sizeof(double));
                if (!contenders[i].times)
                        die(ENOMEM, "rounds");
        }

        for (unsigned n = 0; n < rounds; n++)
                for (size_t i = 0; i < n_contenders; i++) {
                        double begin = now_msec();

                        contenders[i].action(t, n);
                        contenders[i].times[n] = now_msec() - begin;
                }

        for (size_t i = 0; i < n_contenders; i++) {
                contenders[i].median = median(contenders[i].times, rounds);
                free(contenders[i].times);
        }

        for (size_t i = 0; i < n_contenders; i++) {
                double ratio = contenders[n_contenders - 1].median / contenders[i].median;

                printf("%-58s %9.2f ms", contenders[i].what, contenders[i].median);
                if (i < n_contenders - 1) {
                        printf("  %6.1f times as fast, goal %g: %s", ratio, GOAL,
                                ratio >= GOAL ? "met" : "MISSED");
                        met = met && ratio >= GOAL;
                }
                printf("\n");
        }

        return met;
}

static void find_vm(Target *t) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *path;
        int r;

        r = sd_bus_call_method(t->bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, "GetVM",
                NULL, &reply, "s", t->vm);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                die(r, t->vm);

        t->path = strdup(path);
        if (!t->path)
                die(ENOMEM, t->vm);
}

int main(int argc, char **argv) {
        Contender persistent[] = {
                { .what = "SetQuota, persistent", .action = call_set_quota },
                { .what = "SetUnitProperties(CPUWeight), runtime", .action = call_set_weight },
        };
        Contender runtime[] = {
                { .what = "SetQuota, runtime", .action = call_set_quota_runtime },
                { .what = "SetUnitProperties(CPUWeight), runtime", .action = call_set_weight },
        };
        Contender programs[] = {
                { .what = "pasidctl set-quota --runtime VM", .action = run_pasidctl },
                { .what = "systemctl set-property --runtime SCOPE CPUWeight=", .action = run_systemctl },
        };
        unsigned rounds, processes;
        Target t = {};
        bool met;
        int r;

        if (argc < 3 || argc > 5) {
                fprintf(stderr, "usage: set-quota-bench VM SCOPE [ROUNDS [PROCESSES]]\n");
                return 2;
        }
        t.vm = argv[1];
        t.scope = argv[2];
        rounds = argc > 3 ? (unsigned) strtoul(argv[3], NULL, 10) : 200;
        processes = argc > 4 ? (unsigned) strtoul(argv[4], NULL, 10) : 30;
        if (rounds == 0 || processes == 0)
                die(EINVAL, "rounds");

        r = sd_bus_open_system(&t.bus);
        if (r < 0)
                die(r, "bus");
        find_vm(&t);

        /* In this order: where there is a runtime quota a persistent one does not get to the kernel. */
        printf("median of %u calls\n", rounds);
        met = measure(&t, persistent, ELEMENTSOF(persistent), rounds);
        met = measure(&t, runtime, ELEMENTSOF(runtime), rounds) && met;
        printf("median of %u runs\n", processes);
        met = measure(&t, programs, ELEMENTSOF(programs), processes) && met;

        free(t.path);
        sd_bus_flush_close_unref(t.bus);
        return met ? EXIT_SUCCESS : EXIT_FAILURE;
}
