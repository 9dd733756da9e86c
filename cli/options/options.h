/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"
#include "json-mode.h"
#include "ssh-host.h"

/* One bit for each option that only some verbs accept. */
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

/* The options of verbs that print a table or a record, through a pager. */
#define OPTIONS_PRINT  (OPTION_JSON | OPTION_NO_LEGEND | OPTION_COLUMNS | OPTION_NO_PAGER)
#define OPTIONS_CHANGE (OPTION_HOST | OPTION_JSON | OPTION_RUNTIME | OPTION_DRY_RUN | OPTION_NO_ASK_PASSWORD)

/* The parsed options of the command line. */
typedef struct Options {
        unsigned given; /* OptionFlag */
        bool help;
        bool version;
        JsonMode json;
        bool no_legend;
        const char *columns; /* unparsed, NULL for the default */
        bool no_pager;
        const char *host; /* remote host in sd-bus's form; NULL for the local host */
        SshHost ssh;      /* the same host for ssh */
        bool runtime;
        bool dry_run;
        uint32_t watermark;
        bool no_ask_password;
        const char *root; /* root directory for doctor and test-hook; NULL for the real one */
        const char *sort; /* the column, NULL for the default */
        bool reverse;
        uint64_t delay_usec;
        uint64_t iterations; /* 0: unlimited */
        const char *slice;
        const char *since;
        bool nova_provider; /* the format of export */

        /* not options: */
        bool colors;  /* use colours, according to the environment */
        bool may_ask; /* the verb can ask the user to authenticate */
} Options;

/*
 * Parses the options, at any position of the command line, and moves the other
 * arguments to the end. *ret_index is the index of the first of them.
 */
CtlExitStatus options_parse(int argc, char **argv, Options *ret, int *ret_index);

/* Fails if an option was given that is not among the allowed ones. */
CtlExitStatus options_check(const Options *options, unsigned allowed, const char *verb);

/*
 * Checks the number of arguments of verbs that change a VM or, with --slice=, a
 * slice: n with a VM, n - 1 with a slice. argv[0] is the verb.
 */
CtlExitStatus check_target(const Options *options, int argc, char **argv, int n);

/* Prints a help line for each of these options and each option that all verbs accept. */
void options_print_help(unsigned flags);

/*
 * Parses a quota or watermark from the command line. Error messages begin with
 * what, the name of the value.
 */
CtlExitStatus parse_quota_argument(const char *what, const char *s, bool allow_max, uint32_t *ret);
