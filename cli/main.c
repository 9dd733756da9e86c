/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <getopt.h>
#include <locale.h>

#include "client.h"
#include "verbs.h"

/* Which options a verb takes. */
typedef enum OptionFlag {
        OPTION_JSON = 1 << 0,
        OPTION_NO_LEGEND = 1 << 1,
        OPTION_COLUMNS = 1 << 2,
        OPTION_RUNTIME = 1 << 3,
        OPTION_DRY_RUN = 1 << 4,
        OPTION_WATERMARK = 1 << 5,
        OPTION_NO_ASK_PASSWORD = 1 << 6,
} OptionFlag;

#define OPTIONS_CHANGE (OPTION_JSON | OPTION_RUNTIME | OPTION_DRY_RUN | OPTION_NO_ASK_PASSWORD)

static const struct {
        OptionFlag flag;
        const char *name; /* as typed */
        const char *usage;
        const char *help;
} option_table[] = {
        { OPTION_JSON, "--json", "--json=MODE", "Print JSON: short, pretty or off" },
        { OPTION_NO_LEGEND, "--no-legend", "--no-legend", "No column headings and no summary" },
        { OPTION_COLUMNS, "--output", "-o --output=LIST", "Which columns; +LIST adds to the default ones" },
        { OPTION_RUNTIME, "--runtime", "--runtime", "The setting that lasts until the next reboot" },
        { OPTION_DRY_RUN, "--dry-run", "--dry-run", "Say what would change, and change nothing" },
        { OPTION_WATERMARK, "--watermark", "--watermark=N", "Also report when N PASIDs are held; 0: never" },
        { OPTION_NO_ASK_PASSWORD, "--no-ask-password", "--no-ask-password",
                "Fail rather than have the user authenticate" },
};

typedef struct Verb {
        const char *name;
        const char *arguments;
        int n_arguments;
        unsigned options;
        VerbFunc func;
        const char *help;
} Verb;

static const Verb verb_table[] = {
        { "list", "", 0, OPTION_JSON | OPTION_NO_LEGEND | OPTION_COLUMNS, verb_list,
                "List virtual machines" },
        { "show", "VM", 1, OPTION_JSON | OPTION_NO_LEGEND, verb_show,
                "Show all about one, its PASID sets included" },
        { "set-quota", "VM N|max", 2, OPTIONS_CHANGE | OPTION_WATERMARK, verb_set_quota,
                "Override the quota of a virtual machine" },
        { "reset-quota", "VM", 1, OPTIONS_CHANGE, verb_reset_quota, "Drop the override" },
        { "set-default", "N|max", 1, OPTIONS_CHANGE, verb_set_default,
                "Change the quota of those that have none of their own" },
        { "reset-default", "", 0, OPTIONS_CHANGE, verb_reset_default,
                "Return to the configured default quota" },
        { "status", "", 0, OPTION_JSON, verb_status, "Show the state of pasidd" },
        { "monitor", "", 0, OPTION_JSON, verb_monitor, "Print events as they happen" },
        { "reload", "", 0, OPTION_NO_ASK_PASSWORD, verb_reload, "Reload the configuration of pasidd" },
};

/* Not in verb_table, for its arguments are libvirt's: even "--help" can be the name of a domain. */
static const char hook_verb[] = "libvirt-hook";

static const Verb *find_verb(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verb_table); i++)
                if (streq(verb_table[i].name, name))
                        return verb_table + i;
        return NULL;
}

static void print_options(unsigned flags) {
        printf("Options:\n"
               "  -h --help            Show this help\n"
               "     --version         Show the version\n");
        for (size_t i = 0; i < ELEMENTSOF(option_table); i++)
                if (flags & option_table[i].flag)
                        printf("  %s%-*s %s\n", option_table[i].usage[1] == '-' ? "   " : "",
                                option_table[i].usage[1] == '-' ? 17 : 20, option_table[i].usage,
                                option_table[i].help);
}

static void print_verb_help(const Verb *verb) {
        printf("pasidctl [OPTION…] %s%s%s\n\n%s.\n\n", verb->name, *verb->arguments ? " " : "",
                verb->arguments, verb->help);
        print_options(verb->options);
        printf("\nSee the pasidctl(1) man page for details.\n");
}

static void print_help(void) {
        printf("pasidctl [OPTION…] COMMAND …\n\n"
               "Query and tune how many PASIDs each virtual machine of this host may hold.\n\n"
               "Commands:\n");
        for (size_t i = 0; i < ELEMENTSOF(verb_table); i++) {
                const Verb *v = verb_table + i;

                printf("  %s%s%-*s %s\n", v->name, *v->arguments ? " " : "",
                        (int) (22 - strlen(v->name) - (*v->arguments ? 1 : 0)), v->arguments, v->help);
        }
        printf("  %-22s %s\n\n", hook_verb, "Serve libvirt's qemu hook; reads the domain from stdin");
        print_options(~0U);
        printf("\nVM is a UUID, the unique beginning of one, or a name.\n"
               "See the pasidctl(1) man page for details.\n");
}

/*
 * getopt takes "-1" for an option and complains about that; say what is wrong
 * instead. There are no options that begin with a digit.
 */
static CtlExitStatus refuse_negative(int argc, char **argv) {
        for (int i = 1; i < argc && !streq(argv[i], "--"); i++) {
                uint32_t n;

                if (argv[i][0] == '-' && argv[i][1] >= '0' && argv[i][1] <= '9')
                        return parse_quota_argument("Quota", argv[i], true, &n);
        }
        return CTL_EXIT_OK;
}

/* *ret_given: which options were there. *ret_help: was it asked for. */
static CtlExitStatus parse_options(
        int argc, char **argv, Options *options, unsigned *ret_given, bool *ret_help, bool *ret_version) {
        enum {
                ARG_VERSION = 0x100,
                ARG_JSON,
                ARG_NO_LEGEND,
                ARG_RUNTIME,
                ARG_DRY_RUN,
                ARG_WATERMARK,
                ARG_NO_ASK_PASSWORD,
        };
        static const struct option long_options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, ARG_VERSION },
                { "json", required_argument, NULL, ARG_JSON },
                { "no-legend", no_argument, NULL, ARG_NO_LEGEND },
                { "output", required_argument, NULL, 'o' },
                { "runtime", no_argument, NULL, ARG_RUNTIME },
                { "dry-run", no_argument, NULL, ARG_DRY_RUN },
                { "watermark", required_argument, NULL, ARG_WATERMARK },
                { "no-ask-password", no_argument, NULL, ARG_NO_ASK_PASSWORD },
                {},
        };
        CtlExitStatus status;
        JsonMode mode;
        int c;

        while ((c = getopt_long(argc, argv, "ho:", long_options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        *ret_help = true;
                        break;
                case ARG_VERSION:
                        *ret_version = true;
                        break;
                case ARG_JSON:
                        mode = json_mode_from_string(optarg);
                        if (mode < 0)
                                return fail(
                                        CTL_EXIT_USAGE, "Bad --json=%s: it is short, pretty or off.", optarg);
                        options->json = mode;
                        *ret_given |= OPTION_JSON;
                        break;
                case ARG_NO_LEGEND:
                        options->legend = false;
                        *ret_given |= OPTION_NO_LEGEND;
                        break;
                case 'o':
                        options->columns = optarg;
                        *ret_given |= OPTION_COLUMNS;
                        break;
                case ARG_RUNTIME:
                        options->runtime = true;
                        *ret_given |= OPTION_RUNTIME;
                        break;
                case ARG_DRY_RUN:
                        options->dry_run = true;
                        *ret_given |= OPTION_DRY_RUN;
                        break;
                case ARG_WATERMARK:
                        status = parse_quota_argument("Watermark", optarg, false, &options->watermark);
                        if (status != CTL_EXIT_OK)
                                return status;
                        options->watermark_set = true;
                        *ret_given |= OPTION_WATERMARK;
                        break;
                case ARG_NO_ASK_PASSWORD:
                        options->ask_password = false;
                        *ret_given |= OPTION_NO_ASK_PASSWORD;
                        break;
                default: /* getopt said why */
                        return CTL_EXIT_USAGE;
                }

        return CTL_EXIT_OK;
}

static CtlExitStatus check_verb(const Verb *verb, unsigned given, int n_arguments, const char *first_extra) {
        const char *separator = *verb->arguments ? " " : "";

        for (size_t i = 0; i < ELEMENTSOF(option_table); i++)
                if (given & option_table[i].flag & ~verb->options)
                        return fail(CTL_EXIT_USAGE, "%s has no meaning for '%s'.", option_table[i].name,
                                verb->name);

        if (n_arguments > verb->n_arguments)
                return fail(CTL_EXIT_USAGE, "'%s' is one argument too many. Usage: pasidctl %s%s%s",
                        first_extra, verb->name, separator, verb->arguments);
        if (n_arguments < verb->n_arguments)
                return fail(CTL_EXIT_USAGE, "An argument is missing. Usage: pasidctl %s%s%s", verb->name,
                        separator, verb->arguments);
        return CTL_EXIT_OK;
}

static CtlExitStatus run(int argc, char **argv) {
        Options options = { .legend = true, .ask_password = true };
        bool help = false, version = false;
        const Verb *verb = NULL;
        CtlExitStatus status;
        unsigned given = 0;

        if (argc > 1 && streq(argv[1], hook_verb))
                return verb_libvirt_hook(argc - 1, argv + 1);

        status = refuse_negative(argc, argv);
        if (status != CTL_EXIT_OK)
                return status;
        status = parse_options(argc, argv, &options, &given, &help, &version);
        if (status != CTL_EXIT_OK)
                return status;
        argc -= optind;
        argv += optind;

        if (version) {
                printf("pasidctl " PASIDD_VERSION "\n");
                return CTL_EXIT_OK;
        }

        if (argc > 0) {
                if (streq(argv[0], hook_verb))
                        return fail(CTL_EXIT_USAGE, "No option may precede '%s'.", hook_verb);
                verb = find_verb(argv[0]);
                if (!verb)
                        return fail(CTL_EXIT_USAGE, "Unknown command '%s', see 'pasidctl --help'.", argv[0]);
        }
        if (help) {
                if (verb)
                        print_verb_help(verb);
                else
                        print_help();
                return CTL_EXIT_OK;
        }
        if (!verb)
                return fail(CTL_EXIT_USAGE, "No command given, see 'pasidctl --help'.");

        status = check_verb(
                verb, given, argc - 1, argc - 1 > verb->n_arguments ? argv[verb->n_arguments + 1] : NULL);
        if (status != CTL_EXIT_OK)
                return status;
        return verb->func(&options, argc, argv);
}

int main(int argc, char **argv) {
        CtlExitStatus status;

        setlocale(LC_ALL, "");

        /* What getopt puts in front of its messages. */
        if (argc > 0)
                argv[0] = program_invocation_short_name;

        status = run(argc, argv);

        /* A full disk behind a redirection must not look like success. */
        if (fflush(stdout) != 0 || ferror(stdout))
                return fail(CTL_EXIT_FAILURE, "Cannot write the output: %s.", strerror(errno));
        return status;
}
