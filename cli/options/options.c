/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "options.h"

#include <getopt.h>
#include <inttypes.h>

#include "clock.h"
#include "quota.h"
#include "text-escape.h"
#include "utf8.h"

typedef CtlExitStatus (*OptionParse)(const char *s, Options *options);

typedef struct OptionInfo {
        OptionFlag flag; /* 0: accepted by all verbs */
        char letter;     /* 0: none */
        const char *name;
        const char *argument; /* NULL: none */
        const char *help;
        size_t offset;     /* of the bool or string member to set */
        OptionParse parse; /* used instead of offset if not NULL */
} OptionInfo;

static CtlExitStatus parse_json(const char *s, Options *options) {
        _cleanup_free_ char *escaped = NULL;
        JsonMode mode = json_mode_from_string(s);

        if (mode >= 0) {
                options->json = mode;
                return CTL_EXIT_OK;
        }

        escaped = text_escape(s);
        if (!escaped)
                return fail_oom();
        return fail(CTL_EXIT_USAGE, "Invalid --json=%s: must be short, pretty or off.", escaped);
}

static CtlExitStatus parse_watermark(const char *s, Options *options) {
        return parse_quota_argument("Watermark", s, false, &options->watermark);
}

static CtlExitStatus parse_host(const char *s, Options *options) {
        _cleanup_free_ char *escaped = NULL;

        if (ssh_host_parse(s, &options->ssh) >= 0) {
                options->host = s;
                return CTL_EXIT_OK;
        }

        escaped = text_escape(s);
        if (!escaped)
                return fail_oom();
        return fail(CTL_EXIT_USAGE,
                "Invalid --host=%s: must be [USER@]HOST or [USER@]HOST:PORT, with an IPv6 address in brackets.",
                escaped);
}

/* Parses a number from 1 to max. */
static CtlExitStatus parse_number(const char *name, const char *s, uint64_t max, uint64_t *ret) {
        _cleanup_free_ char *escaped = NULL;
        unsigned long long n = 0;
        char *end = NULL;

        errno = 0;
        if (*s >= '0' && *s <= '9')
                n = strtoull(s, &end, 10);
        if (end && !*end && errno == 0 && n > 0 && n <= max) {
                *ret = n;
                return CTL_EXIT_OK;
        }

        escaped = text_escape(s);
        if (!escaped)
                return fail_oom();
        return fail(CTL_EXIT_USAGE, "Invalid --%s=%s: must be an integer from 1 to %" PRIu64 ".", name,
                escaped, max);
}

static CtlExitStatus parse_delay(const char *s, Options *options) {
        uint64_t seconds = 0;
        CtlExitStatus status;

        status = parse_number("delay", s, 24 * 60 * 60, &seconds);
        options->delay_usec = seconds * USEC_PER_SEC;
        return status;
}

static CtlExitStatus parse_iterations(const char *s, Options *options) {
        return parse_number("iterations", s, UINT32_MAX, &options->iterations);
}

static CtlExitStatus parse_format(const char *s, Options *options) {
        _cleanup_free_ char *escaped = NULL;

        options->nova_provider = streq(s, "nova-provider");
        if (options->nova_provider || streq(s, "json"))
                return CTL_EXIT_OK;

        escaped = text_escape(s);
        if (!escaped)
                return fail_oom();
        return fail(CTL_EXIT_USAGE, "Invalid --format=%s: must be json or nova-provider.", escaped);
}

#define OPTION(flag, letter, name, argument, help, member)                                                   \
        { flag, letter, name, argument, help, offsetof(Options, member), NULL }
#define OPTION_PARSED(flag, letter, name, argument, help, parse)                                             \
        { flag, letter, name, argument, help, 0, parse }

static const OptionInfo option_table[] = {
        OPTION(0, 'h', "help", NULL, "Show this help", help),
        OPTION(0, 0, "version", NULL, "Show the version", version),
        OPTION_PARSED(
                OPTION_HOST, 'H', "host", "[USER@]HOST", "Ask the pasidd of that host, over ssh", parse_host),
        OPTION_PARSED(OPTION_JSON, 0, "json", "MODE", "Print JSON: short, pretty or off", parse_json),
        OPTION(OPTION_NO_LEGEND, 0, "no-legend", NULL, "Do not print headings, labels and summary",
                no_legend),
        OPTION(OPTION_COLUMNS, 'o', "output", "LIST", "Which columns; +LIST adds to the default ones",
                columns),
        OPTION(OPTION_NO_PAGER, 0, "no-pager", NULL, "Do not pipe the output into a pager", no_pager),
        OPTION(OPTION_RUNTIME, 0, "runtime", NULL, "The override that lasts until the next reboot", runtime),
        OPTION(OPTION_DRY_RUN, 0, "dry-run", NULL, "Show what would change; change nothing", dry_run),
        OPTION_PARSED(OPTION_WATERMARK, 0, "watermark", "N", "Also report when N PASIDs are held; 0: never",
                parse_watermark),
        OPTION(OPTION_SLICE, 0, "slice", "SLICE", "The limit of SLICE instead of the quota of a VM", slice),
        OPTION(OPTION_SINCE, 0, "since", "TIME", "Only events since TIME, e.g. 2h, 10:30 or today", since),
        OPTION_PARSED(OPTION_FORMAT, 0, "format", "FORMAT", "json or nova-provider", parse_format),
        OPTION(OPTION_ROOT, 0, "root", "DIR", "Use the files below DIR", root),
        OPTION(OPTION_SORT, 's', "sort", "COLUMN", "Sort by COLUMN", sort),
        OPTION(OPTION_REVERSE, 'r', "reverse", NULL, "Reverse the sort order", reverse),
        OPTION_PARSED(
                OPTION_DELAY, 'd', "delay", "SECONDS", "Seconds between updates (default: 2)", parse_delay),
        OPTION_PARSED(OPTION_ITERATIONS, 'n', "iterations", "N", "Exit after N updates", parse_iterations),
        OPTION(OPTION_NO_ASK_PASSWORD, 0, "no-ask-password", NULL, "Do not ask the user to authenticate",
                no_ask_password),
};

/* What getopt returns for an option without a letter. */
#define FIRST_VALUE 0x100

/*
 * getopt takes "-1" for an unknown option; print a better message. No option
 * begins with a digit, and "-2h" can be the argument of an option.
 */
static CtlExitStatus refuse_negative(int argc, char **argv) {
        for (int i = 1; i < argc && !streq(argv[i], "--"); i++) {
                uint32_t n;

                if (argv[i][0] == '-' && argv[i][1] && !argv[i][1 + strspn(argv[i] + 1, "0123456789")])
                        return parse_quota_argument("Quota", argv[i], true, &n);
        }
        return CTL_EXIT_OK;
}

static CtlExitStatus option_apply(const OptionInfo *option, const char *argument, Options *options) {
        void *p = (uint8_t *) options + option->offset;

        options->given |= option->flag;
        if (option->parse)
                return option->parse(argument, options);
        if (option->argument)
                *(const char **) p = argument;
        else
                *(bool *) p = true;
        return CTL_EXIT_OK;
}

CtlExitStatus options_parse(int argc, char **argv, Options *ret, int *ret_index) {
        struct option long_options[ELEMENTSOF(option_table) + 1] = {};
        char letters[2 * ELEMENTSOF(option_table) + 1], *p = letters;
        CtlExitStatus status;
        int c;

        status = refuse_negative(argc, argv);
        if (status != CTL_EXIT_OK)
                return status;

        for (size_t i = 0; i < ELEMENTSOF(option_table); i++) {
                const OptionInfo *option = option_table + i;

                long_options[i] = (struct option) {
                        .name = option->name,
                        .has_arg = option->argument ? required_argument : no_argument,
                        .val = FIRST_VALUE + (int) i,
                };
                if (option->letter) {
                        *p++ = option->letter;
                        if (option->argument)
                                *p++ = ':';
                }
        }
        *p = 0;

        while ((c = getopt_long(argc, argv, letters, long_options, NULL)) >= 0) {
                const OptionInfo *option = NULL;

                for (size_t i = 0; i < ELEMENTSOF(option_table) && !option; i++)
                        if (c == FIRST_VALUE + (int) i || c == option_table[i].letter)
                                option = option_table + i;
                if (!option) /* getopt has printed a message */
                        return CTL_EXIT_USAGE;

                status = option_apply(option, optarg, ret);
                if (status != CTL_EXIT_OK)
                        return status;
        }

        *ret_index = optind;
        return CTL_EXIT_OK;
}

CtlExitStatus options_check(const Options *options, unsigned allowed, const char *verb) {
        for (size_t i = 0; i < ELEMENTSOF(option_table); i++)
                if (options->given & option_table[i].flag & ~allowed)
                        return fail(CTL_EXIT_USAGE,
                                "--%s cannot be used with '%s', see 'pasidctl %s --help'.",
                                option_table[i].name, verb, verb);
        return CTL_EXIT_OK;
}

static bool is_utf8(const char *s) {
        for (size_t left = strlen(s), n; left > 0; s += n, left -= n) {
                uint32_t c;

                n = utf8_decode(s, left, &c);
                if (n == 0)
                        return false;
        }
        return true;
}

CtlExitStatus check_target(const Options *options, int argc, char **argv, int n) {
        if (options->slice) {
                n--;
                /* sd-bus refuses to send it. */
                if (!is_utf8(options->slice))
                        return fail(CTL_EXIT_USAGE, "The name of the slice is not valid UTF-8.");
        }
        if (argc - 1 < n)
                return fail(CTL_EXIT_USAGE, "Too few arguments, see 'pasidctl %s --help'.", argv[0]);
        if (argc - 1 > n)
                return fail(CTL_EXIT_USAGE,
                        "Unexpected argument '%s': name either a VM or a slice (--slice=).", argv[1]);
        return CTL_EXIT_OK;
}

void options_print_help(unsigned flags) {
        printf("Options:\n");
        for (size_t i = 0; i < ELEMENTSOF(option_table); i++) {
                const OptionInfo *option = option_table + i;
                int width;

                if (option->flag && !(flags & option->flag))
                        continue;

                if (option->letter)
                        printf("  -%c ", option->letter);
                else
                        printf("     ");
                width = printf(
                        "--%s%s%s", option->name, option->argument ? "=" : "", strempty(option->argument));
                printf("%*s %s\n", width < 20 ? 20 - width : 0, "", option->help);
        }
}

CtlExitStatus parse_quota_argument(const char *what, const char *s, bool allow_max, uint32_t *ret) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = quota_parse(s, allow_max ? QUOTA_ALLOW_MAX : 0, ret);
        if (r >= 0)
                return CTL_EXIT_OK;

        escaped = text_escape(s);
        if (!escaped)
                return fail_oom();
        return fail(CTL_EXIT_USAGE, "%s '%s' %s.", what, escaped, quota_parse_error(r));
}
