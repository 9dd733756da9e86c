/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <time.h>

#include "fake-host.h"
#include "measure.h"

double now_usec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        const double *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

double percentile(double *values, size_t n, unsigned percent) {
        qsort(values, n, sizeof(*values), compare);
        return values[(n - 1) * percent / 100];
}

double median(double *values, size_t n) {
        qsort(values, n, sizeof(*values), compare);
        return values[n / 2];
}

void report(const char *what, double value, const char *unit, double goal) {
        if (goal >= 0)
                printf("%-58s %10.2f %-8s goal %g: %s\n", what, value, unit, goal,
                        value <= goal ? "met" : "MISSED");
        else
                printf("%-58s %10.2f %s\n", what, value, unit);
}

uint64_t read_status(pid_t pid, const char *name) {
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

/* /proc/PID/stat has it in ticks only. */
double read_cpu_msec(pid_t pid) {
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
