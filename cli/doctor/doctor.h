/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "info.h"
#include "config-file.h"

/*
 * The checks of "pasidctl doctor". A check is a small function. It examines one
 * thing, by files below a root directory and by D-Bus, and returns a finding: a
 * result and, for a failure, the command that fixes it.
 */

typedef enum CheckResult {
        CHECK_OK,
        CHECK_SKIP, /* not applicable, or cannot be checked */
        CHECK_WARN, /* works with restrictions */
        CHECK_FAIL,
        _CHECK_RESULT_MAX,
} CheckResult;

const char *check_result_to_string(CheckResult result);

typedef struct Finding {
        char *check;  /* name of the check */
        char *result; /* of CheckResult */
        char *found;
        char *remedy; /* a command or an instruction; empty if none is needed */
} Finding;

extern const InfoTable finding_table;

void finding_clear(Finding *finding);

typedef struct Doctor {
        const char *root; /* root directory, "" for the real one */
        sd_bus *bus;      /* system bus, NULL if there is none */
        Config *config;   /* NULL if it does not parse */
        char *config_error;
        bool config_unreadable; /* this user must not read it; it can be valid */
        uint64_t now_usec;      /* CLOCK_REALTIME */
        uint64_t now_monotonic_usec;
} Doctor;

/*
 * A check. Sets the finding by doctor_found() and returns its result, or
 * -ENOMEM.
 */
typedef int (*CheckFunc)(const Doctor *doctor, Finding *ret);

typedef struct Check {
        const char *name;
        CheckFunc func;
} Check;

/* Fills in the finding. Returns result, or -ENOMEM. remedy can be NULL. */
int doctor_found(Finding *ret, CheckResult result, const char *remedy, const char *format, ...)
        _printf_(4, 5);

/* Does the path, which is a format, exist below the root directory? */
bool doctor_exists(const Doctor *doctor, const char *path);

/*
 * Reads the beginning of a file below the root, without the final newline. NULL if it cannot be read. The
 * caller frees it.
 */
char *doctor_read(const Doctor *doctor, const char *path);

/* Does the text contain this word, separated by blanks or newlines? */
bool doctor_has_word(const char *text, const char *word);

/* Gets a string property of a systemd unit. NULL if it cannot be read. The caller frees it. */
char *doctor_unit_string(const Doctor *doctor, const char *unit, const char *interface, const char *property);

/*
 * When the unit last changed its state, in µs of the current CLOCK_REALTIME; 0 if
 * unknown. Computed from the monotonic time, because systemd's realtime stamp is
 * wrong if the clock was set later, as on a host that boots with a wrong clock.
 */
uint64_t doctor_unit_changed(const Doctor *doctor, const char *unit);

/* Does the name have an owner, or can the bus activate it? */
bool doctor_bus_has(const Doctor *doctor, const char *name);

/* Groups of checks, each in a file of its own, in the order of the output. */
extern const Check kernel_checks[], service_checks[], libvirt_checks[];
extern const size_t n_kernel_checks, n_service_checks, n_libvirt_checks;
