/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <locale.h>

#include "libvirt-hook.h"
#include "pager.h"
#include "suggest.h"
#include "text-escape.h"
#include "terminal.h"
#include "verbs.h"

typedef struct Verb {
        const char *name;
        const char *arguments;
        int n_arguments; /* required */
        int n_optional;  /* allowed in addition */
        unsigned options;
        VerbFunc func;
        const char *help;
} Verb;

static const Verb verb_table[] = {
        { "list", "", 0, 0, OPTIONS_PRINT | OPTION_HOST, verb_list, "List virtual machines" },
        { "show", "VM", 1, 0, OPTIONS_PRINT | OPTION_HOST, verb_show,
                "Show a virtual machine and its PASID sets" },
        { "explain", "VM", 1, 0, OPTION_JSON | OPTION_NO_LEGEND | OPTION_NO_PAGER | OPTION_HOST, verb_explain,
                "Show where the quota of a virtual machine comes from" },
        { "set-quota", "VM|--slice=SLICE N|max", 1, 1, OPTIONS_CHANGE | OPTION_WATERMARK | OPTION_SLICE,
                verb_set_quota, "Override the quota of a virtual machine or the limit of a slice" },
        { "reset-quota", "VM|--slice=SLICE", 0, 1, OPTIONS_CHANGE | OPTION_SLICE, verb_reset_quota,
                "Remove the override" },
        { "set-default", "N|max", 1, 0, OPTIONS_CHANGE, verb_set_default, "Change the default quota" },
        { "reset-default", "", 0, 0, OPTIONS_CHANGE, verb_reset_default,
                "Restore the configured default quota" },
        { "slices", "", 0, 0, OPTIONS_PRINT | OPTION_HOST, verb_slices, "List slices and their limits" },
        { "status", "", 0, 0, OPTIONS_PRINT | OPTION_HOST, verb_status, "Show the state of pasidd" },
        { "top", "", 0, 0,
                OPTION_JSON | OPTION_NO_LEGEND | OPTION_COLUMNS | OPTION_HOST | OPTION_SORT | OPTION_REVERSE |
                        OPTION_DELAY | OPTION_ITERATIONS,
                verb_top, "Show virtual machines by PASIDs held, refreshed periodically" },
        { "events", "", 0, 0, OPTIONS_PRINT | OPTION_HOST | OPTION_SINCE, verb_events, "List recent events" },
        { "monitor", "", 0, 0, OPTION_JSON | OPTION_HOST, verb_monitor, "Print events as they happen" },
        { "metrics", "[FILE]", 0, 1, OPTION_HOST, verb_metrics,
                "Print metrics for Prometheus, or write them to a file" },
        { "reload", "", 0, 0, OPTION_NO_ASK_PASSWORD | OPTION_HOST, verb_reload,
                "Reload the configuration of pasidd" },
        { "reconcile", "", 0, 0, OPTIONS_PRINT | OPTION_HOST | OPTION_NO_ASK_PASSWORD, verb_reconcile,
                "Compare the kernel with the desired state and fix differences" },
        { "export", "", 0, 0, OPTION_JSON | OPTION_NO_PAGER | OPTION_HOST | OPTION_FORMAT, verb_export,
                "Write all overrides, or the host's inventory for Nova" },
        { "import", "FILE", 1, 0, OPTION_JSON | OPTION_HOST | OPTION_DRY_RUN | OPTION_NO_ASK_PASSWORD,
                verb_import, "Set the overrides from a file written by export" },
        { "doctor", "", 0, 0, OPTIONS_PRINT | OPTION_HOST | OPTION_ROOT, verb_doctor,
                "Check everything that quotas depend on, and suggest fixes" },
        { "test-hook", "FILE.xml", 1, 0, OPTIONS_PRINT | OPTION_HOST | OPTION_ROOT, verb_test_hook,
                "Show what the libvirt hook would do for a domain" },
        { "libvirt-watch", "", 0, 0, 0, verb_libvirt_watch,
                "Report metadata changes of running domains to pasidd" },
};

/* Not in verb_table, because libvirt gives the arguments: even "--help" can be the name of a domain. */
static const char hook_verb[] = "libvirt-hook";

/*
 * The program acts as the hook when it is called by the name of a link in libvirt's hook directory: AppArmor allows
 * libvirt to run a program in /usr/bin. The installed link is "50-pasidd". A link with another number must work as
 * well, so that no libvirt operation fails because of its arguments.
 */
static bool is_hook_link(const char *name) {
        static const char suffix[] = "-pasidd";
        size_t length = strlen(name);

        return length >= sizeof(suffix) && streq(name + length - (sizeof(suffix) - 1), suffix);
}

static const Verb *find_verb(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(verb_table); i++)
                if (streq(verb_table[i].name, name))
                        return verb_table + i;
        return NULL;
}

static CtlExitStatus fail_unknown(const char *name) {
        const char *names[ELEMENTSOF(verb_table) + 1], *meant;
        _cleanup_free_ char *escaped = text_escape(name);

        if (!escaped)
                return fail_oom();

        for (size_t i = 0; i < ELEMENTSOF(verb_table); i++)
                names[i] = verb_table[i].name;
        names[ELEMENTSOF(verb_table)] = hook_verb;

        meant = suggest(name, names, ELEMENTSOF(names));
        if (meant)
                return fail(CTL_EXIT_USAGE, "Unknown command '%s'. Did you mean '%s'?", escaped, meant);
        return fail(CTL_EXIT_USAGE, "Unknown command '%s', see 'pasidctl --help'.", escaped);
}

static void print_verb_help(const Verb *verb) {
        printf("pasidctl [OPTION…] %s%s%s\n\n%s.\n\n", verb->name, *verb->arguments ? " " : "",
                verb->arguments, verb->help);
        options_print_help(verb->options);
        printf("\nSee the pasidctl(1) man page for details.\n");
}

static void print_help(void) {
        printf("pasidctl [OPTION…] COMMAND …\n\n"
               "Query and tune how many PASIDs each virtual machine of this host may hold.\n\n"
               "Commands:\n");
        for (size_t i = 0; i < ELEMENTSOF(verb_table); i++) {
                const Verb *v = verb_table + i;
                int width;

                width = printf("  %s%s%s", v->name, *v->arguments ? " " : "", v->arguments);
                if (width > 24) {
                        putchar('\n');
                        width = 0;
                }
                printf("%*s %s\n", 24 - width, "", v->help);
        }
        printf("  %-22s %s\n\n", hook_verb, "Act as libvirt's qemu hook; reads the domain XML from stdin");
        options_print_help(~0U);
        printf("\nVM is a UUID, the unique beginning of one, or a name.\n"
               "See the pasidctl(1) man page for details.\n");
}

static CtlExitStatus check_arguments(const Verb *verb, int n, char **arguments) {
        const char *separator = *verb->arguments ? " " : "";
        int n_max = verb->n_arguments + verb->n_optional;

        if (n > n_max)
                return fail(CTL_EXIT_USAGE, "Unexpected argument '%s'. Usage: pasidctl %s%s%s",
                        arguments[n_max], verb->name, separator, verb->arguments);
        if (n < verb->n_arguments)
                return fail(CTL_EXIT_USAGE, "Too few arguments. Usage: pasidctl %s%s%s", verb->name,
                        separator, verb->arguments);
        return CTL_EXIT_OK;
}

/* Runs the verb, with a pager if possible. The pager has ended on return. */
static CtlExitStatus run_verb(const Verb *verb, const Options *options, int argc, char **argv) {
        _cleanup_(pager_close) Pager pager = PAGER_NONE;

        if (verb->options & OPTION_NO_PAGER && !options->no_pager && options->json == JSON_OFF)
                pager_open(&pager);

        return verb->func(options, argc, argv);
}

static CtlExitStatus run(int argc, char **argv) {
        Options options = {};
        CtlExitStatus status;
        const Verb *verb;
        int i;

        if (is_hook_link(program_invocation_short_name))
                return verb_libvirt_hook(argc, argv);
        if (argc > 1 && streq(argv[1], hook_verb))
                return verb_libvirt_hook(argc - 1, argv + 1);

        status = options_parse(argc, argv, &options, &i);
        if (status != CTL_EXIT_OK)
                return status;
        argc -= i;
        argv += i;

        if (options.version) {
                printf("pasidctl " PASIDD_VERSION "\n");
                return CTL_EXIT_OK;
        }
        if (argc == 0) {
                if (!options.help)
                        return fail(CTL_EXIT_USAGE, "No command given, see 'pasidctl --help'.");
                print_help();
                return CTL_EXIT_OK;
        }

        if (streq(argv[0], hook_verb))
                return fail(CTL_EXIT_USAGE, "No option may precede '%s'.", hook_verb);
        verb = find_verb(argv[0]);
        if (!verb)
                return fail_unknown(argv[0]);
        if (options.help) {
                print_verb_help(verb);
                return CTL_EXIT_OK;
        }

        status = options_check(&options, verb->options, verb->name);
        if (status != CTL_EXIT_OK)
                return status;
        status = check_arguments(verb, argc - 1, argv + 1);
        if (status != CTL_EXIT_OK)
                return status;

        options.colors = terminal_has_colors(STDOUT_FILENO);
        options.may_ask = verb->options & OPTION_NO_ASK_PASSWORD && !options.no_ask_password;
        return run_verb(verb, &options, argc, argv);
}

int main(int argc, char **argv) {
        CtlExitStatus status;

        setlocale(LC_ALL, "");
        /* Programs parse the numbers, so they do not depend on the locale. */
        setlocale(LC_NUMERIC, "C");

        /* The prefix of getopt's messages. */
        if (argc > 0)
                argv[0] = program_invocation_short_name;

        status = run(argc, argv);

        /* A full disk behind a redirection must not look like success. */
        if (fflush(stdout) != 0 || ferror(stdout))
                return fail(CTL_EXIT_FAILURE, "Cannot write the output: %s.", strerror(errno));
        return status;
}
