/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "info.h"
#include "config-file.h"

/*
 * The checks of "pasidctl doctor". Each is a small function that looks at one
 * thing, below a root directory and on a bus, and says what it found and, where
 * that is wrong, the command that mends it.
 */

typedef enum CheckResult {
        CHECK_OK,
        CHECK_SKIP, /* does not matter here, or cannot be seen */
        CHECK_WARN, /* works, but not as it should */
        CHECK_FAIL,
        _CHECK_RESULT_MAX,
} CheckResult;

const char *check_result_to_string(CheckResult result);

typedef struct Finding {
        char *check;  /* its name */
        char *result; /* of CheckResult */
        char *found;
        char *remedy; /* a command, or what to do; empty if nothing is to be done */
} Finding;

extern const InfoTable finding_table;

void finding_clear(Finding *finding);

typedef struct Doctor {
        const char *root; /* "" for the real one */
        sd_bus *bus;      /* NULL if there is none */
        Config *config;   /* NULL if it does not parse */
        char *config_error;
        bool config_unreadable; /* to this user: it may well parse */
        uint64_t now_usec;      /* CLOCK_REALTIME */
        uint64_t now_monotonic_usec;
} Doctor;

/*
 * A check. Sets the finding by doctor_found() and returns its result, or a
 * negative errno, which is lack of memory.
 */
typedef int (*CheckFunc)(const Doctor *doctor, Finding *ret);

typedef struct Check {
        const char *name;
        CheckFunc func;
} Check;

/* Fills in what was found; returns result, or -ENOMEM. remedy may be NULL. */
int doctor_found(Finding *ret, CheckResult result, const char *remedy, const char *format, ...)
        _printf_(4, 5);

/* Below the root: does this exist, the path being formatted? */
bool doctor_exists(const Doctor *doctor, const char *path);

/* The beginning of a file below the root, without line end at its end; NULL if it cannot be read. To be freed. */
char *doctor_read(const Doctor *doctor, const char *path);

/* Has the file a line that is this word, or blank-separated words one of which is it? */
bool doctor_has_word(const char *text, const char *word);

/* A string property of a unit of systemd; NULL if it cannot be had. To be freed. */
char *doctor_unit_string(const Doctor *doctor, const char *unit, const char *interface, const char *property);

/*
 * When the unit last changed its state, in µs of CLOCK_REALTIME as it goes now;
 * 0 if systemd does not say. Computed from the monotonic time, because systemd's
 * realtime stamp is wrong if the clock was set later, as it is on a host that
 * boots with a wrong one.
 */
uint64_t doctor_unit_changed(const Doctor *doctor, const char *unit);

/* Is the name on the bus, or can the bus start it? */
bool doctor_bus_has(const Doctor *doctor, const char *name);

/* Groups of checks, each in a file of its own, in the order of the output. */
extern const Check kernel_checks[], service_checks[], libvirt_checks[];
extern const size_t n_kernel_checks, n_service_checks, n_libvirt_checks;
