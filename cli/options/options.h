/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"
#include "json-mode.h"
#include "ssh-host.h"

/* One bit for each option that not all verbs take. */
typedef enum OptionFlag {
        OPTION_JSON = 1 << 0,
        OPTION_NO_LEGEND = 1 << 1,
        OPTION_COLUMNS = 1 << 2,
        OPTION_NO_PAGER = 1 << 3,
        OPTION_HOST = 1 << 4,
        OPTION_RUNTIME = 1 << 5,
        OPTION_DRY_RUN = 1 << 6,
        OPTION_WATERMARK = 1 << 7,
        OPTION_NO_ASK_PASSWORD = 1 << 8,
        OPTION_ROOT = 1 << 9,
        OPTION_SORT = 1 << 10,
        OPTION_REVERSE = 1 << 11,
        OPTION_DELAY = 1 << 12,
        OPTION_ITERATIONS = 1 << 13,
        OPTION_SLICE = 1 << 14,
        OPTION_SINCE = 1 << 15,
        OPTION_FORMAT = 1 << 16,
} OptionFlag;

/* What prints a table or a record, and lets itself be scrolled through. */
#define OPTIONS_PRINT  (OPTION_JSON | OPTION_NO_LEGEND | OPTION_COLUMNS | OPTION_NO_PAGER)
#define OPTIONS_CHANGE (OPTION_HOST | OPTION_JSON | OPTION_RUNTIME | OPTION_DRY_RUN | OPTION_NO_ASK_PASSWORD)

/* What the options of the command line say. */
typedef struct Options {
        unsigned given; /* OptionFlag */
        bool help;
        bool version;
        JsonMode json;
        bool no_legend;
        const char *columns; /* as given, NULL for the default */
        bool no_pager;
        const char *host; /* whose daemon, NULL for this host's; as given, which sd-bus takes */
        SshHost ssh;      /* the same, in parts */
        bool runtime;
        bool dry_run;
        uint32_t watermark;
        bool no_ask_password;
        const char *root; /* below which doctor looks, NULL for the real one */
        const char *sort; /* the column, NULL for the default */
        bool reverse;
        uint64_t delay_usec;
        uint64_t iterations; /* 0: no end */
        const char *slice;
        const char *since;
        bool nova_provider; /* the format of export */

        /* not options: */
        bool colors;  /* what the environment says */
        bool may_ask; /* the verb is one that may have the user authenticate */
} Options;

/*
 * Parses the options, wherever on the command line they stand, and moves the
 * other arguments to the end; *ret_index is the first of them.
 */
CtlExitStatus options_parse(int argc, char **argv, Options *ret, int *ret_index);

/* Fails if an option was given that is not among the allowed ones. */
CtlExitStatus options_check(const Options *options, unsigned allowed, const char *verb);

/*
 * For verbs that change a VM or, with --slice=, a slice: argv[0] is the verb,
 * and n arguments come with a VM, one fewer with a slice.
 */
CtlExitStatus check_target(const Options *options, int argc, char **argv, int n);

/* One line for each of these and of those that are always there. */
void options_print_help(unsigned flags);

/*
 * Parses a quota or watermark from the command line; what is its name at
 * the beginning of a message.
 */
CtlExitStatus parse_quota_argument(const char *what, const char *s, bool allow_max, uint32_t *ret);
