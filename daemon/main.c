/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <malloc.h>

#include "config-file.h"
#include "daemon.h"
#include "exit-status.h"
#include "log.h"

#define LARGE (128 * 1024)

typedef struct Arguments {
        DaemonOptions daemon;
        int log_level;
        bool check_config;
} Arguments;

static void help(void) {
        printf("pasidd [OPTIONS…]\n\n"
               "Enforces PASID quotas of virtual machines.\n\n"
               "  -h --help             Show this help\n"
               "     --version          Show the version\n"
               "     --config=FILE      Configuration file (its drop-ins are in FILE.d/)\n"
               "     --check-config     Check the configuration and exit\n"
               "     --log-level=LEVEL  Log up to LEVEL: emerg … debug, or 0 … 7 (default: info)\n"
               "     --root=DIR         Use the files below DIR, for tests\n\n"
               "See pasidd(8) and pasidd.conf(5).\n");
}

static int set_log_level(const char *level, Arguments *args) {
        int n = log_level_from_string(level);

        if (n < 0) {
                fprintf(stderr, "pasidd: Invalid log level \"%s\".\n", level);
                return -EINVAL;
        }

        args->log_level = n;
        return 0;
}

static int set_root(const char *root, Arguments *args) {
        if (root[0] != '/') {
                fprintf(stderr, "pasidd: --root= requires an absolute path, not \"%s\".\n", root);
                return -EINVAL;
        }

        args->daemon.root = root;
        return 0;
}

enum {
        ARG_VERSION = 0x100,
        ARG_CONFIG,
        ARG_CHECK_CONFIG,
        ARG_LOG_LEVEL,
        ARG_ROOT,
};

/* Returns 0, 1 if the program is to exit successfully, or -EINVAL. */
static int apply_option(int option, const char *value, Arguments *args) {
        switch (option) {
        case 'h':
                help();
                return 1;
        case ARG_VERSION:
                printf("pasidd " PASIDD_VERSION "\n");
                return 1;
        case ARG_CONFIG:
                args->daemon.config = value;
                return 0;
        case ARG_CHECK_CONFIG:
                args->check_config = true;
                return 0;
        case ARG_LOG_LEVEL:
                return set_log_level(value, args);
        case ARG_ROOT:
                return set_root(value, args);
        default:
                return -EINVAL;
        }
}

/* Returns 0 if the daemon is to run, 1 if the program is to exit successfully, or -EINVAL. */
static int parse_arguments(int argc, char *argv[], Arguments *args) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, ARG_VERSION },
                { "config", required_argument, NULL, ARG_CONFIG },
                { "check-config", no_argument, NULL, ARG_CHECK_CONFIG },
                { "log-level", required_argument, NULL, ARG_LOG_LEVEL },
                { "root", required_argument, NULL, ARG_ROOT },
                {},
        };
        int c, r;

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                r = apply_option(c, optarg, args);
                if (r != 0)
                        return r;
        }

        if (optind < argc) {
                fprintf(stderr, "pasidd: Unexpected argument \"%s\".\n", argv[optind]);
                return -EINVAL;
        }

        return 0;
}

static int check_config(const DaemonOptions *options) {
        _cleanup_(config_place_done) ConfigPlace place = {};
        _cleanup_free_ char *error = NULL;
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        r = config_place_init(&place, options->root, options->config);
        if (r >= 0)
                r = config_place_load(&place, &config, &error);
        if (r < 0) {
                fprintf(stderr, "%s\n", error ? error : strerror(-r));
                return PASIDD_EXIT_CONFIG;
        }

        printf("OK\n");
        return EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        _cleanup_(daemon_freep) Daemon *d = NULL;
        Arguments args = { .daemon = { .root = "", .sockets = PASSED_SOCKETS_NONE }, .log_level = LOG_INFO };
        int r;

        r = daemon_block_signals();
        if (r < 0)
                return EXIT_FAILURE;

        r = parse_arguments(argc, argv, &args);
        if (r != 0)
                return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;

        /* Returns large blocks, such as answers to callers, to the system immediately, and turns off malloc()'s dynamic
         * threshold. */
        (void) mallopt(M_MMAP_THRESHOLD, LARGE);
        (void) mallopt(M_TRIM_THRESHOLD, LARGE);

        log_setup(args.log_level);
        if (args.check_config)
                return check_config(&args.daemon);

        /* First of all, so that systemd does not start the daemon again by these sockets if it fails. */
        r = passed_sockets_get(&args.daemon.sockets);
        if (r < 0)
                return EXIT_FAILURE;

        r = daemon_new(&args.daemon, &d);
        if (r >= 0)
                r = daemon_run(d);
        if (r >= 0)
                return r;

        return d ? d->exit_status : EXIT_FAILURE;
}
