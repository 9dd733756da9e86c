/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "libvirt-hook.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "bus-names.h"
#include "clock.h"
#include "config-file.h"
#include "error-map.h"
#include "fail.h"
#include "hook-call.h"
#include "hook-config.h"
#include "hook-deadline.h"
#include "hook-input.h"
#include "journal.h"
#include "kernel.h"
#include "stderr-line.h"
#include "text-escape.h"

/* Reading and D-Bus calls end this long before the alarm. */
#define RESERVE_USEC (300 * USEC_PER_MSEC)

/*
 * Logs to stderr and to the journal. libvirt shows stderr to the user if the hook
 * fails, and discards it if the hook succeeds.
 */
static void hook_log(const Hook *hook, int priority, const char *format, ...) _printf_(3, 4);

static void hook_log(const Hook *hook, int priority, const char *format, ...) {
        _cleanup_free_ char *message = NULL, *escaped = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&message, format, ap);
        va_end(ap);
        if (r < 0) {
                message = NULL;
                return;
        }

        escaped = text_escape(message);
        if (!escaped)
                return;

        /* Neither blocks on a slow reader. */
        (void) stderr_line("pasidctl", escaped);
        (void) journal_send("pasidctl", priority, escaped,
                (const JournalField[]) {
                        { "PASID_VM_NAME", hook->name },
                        { "PASID_VM_UUID", *hook->domain.uuid ? hook->domain.uuid : NULL },
                },
                2);
}

/* The daemon could not be reached or did not decide. */
static CtlExitStatus without_daemon(const Hook *hook, const char *why) {
        CtlExitStatus status =
                hook_decide(hook_action_may_fail(hook->action) && hook->deny_without_daemon ? CTL_EXIT_FAILURE
                                                                                            : CTL_EXIT_OK);

        if (!hook_action_may_fail(hook->action)) {
                hook_log(hook, LOG_WARNING, "Cannot tell pasidd about '%s': %s", hook->name, why);
                return status;
        }
        if (hook->deny_without_daemon) {
                hook_log(hook, LOG_ERR,
                        "Cannot reserve a PASID quota for '%s', and HookWithoutDaemon=deny: %s", hook->name,
                        why);
                return status;
        }
        hook_log(hook, LOG_WARNING,
                "Cannot reserve a PASID quota for '%s', it starts with the kernel's default: %s", hook->name,
                why);
        return status;
}

/* The domain's XML is invalid. */
static CtlExitStatus bad_domain(const Hook *hook, const char *what) {
        CtlExitStatus status =
                hook_decide(hook_action_may_fail(hook->action) ? CTL_EXIT_FAILURE : CTL_EXIT_OK);

        hook_log(hook, LOG_ERR, "The XML of domain '%s' %s.", hook->name, what);
        return status;
}

static bool bad_config_denies(const char *const *dirs) {
        static const char *const main_file[] = { PKGCONFDIR "/" CONFIG_NAME, NULL };
        _cleanup_(strv_freep) char **files = NULL;
        _cleanup_free_ char *error = NULL;

        if (config_list_files(dirs, CONFIG_NAME, &files, &error) < 0)
                return hook_config_denies(main_file);

        return hook_config_denies((const char *const *) files);
}

static void load_config(Hook *hook) {
        static const char *const dirs[] = CONFIG_DIRS;
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = config_load(dirs, CONFIG_NAME, &config, &error);
        if (r < 0) {
                hook->deny_without_daemon = bad_config_denies(dirs);
                hook_log(hook, LOG_WARNING, "The configuration is bad, HookWithoutDaemon=%s is assumed: %s",
                        hook->deny_without_daemon ? "deny" : "allow", error ?: strerror(-r));
        } else
                hook->deny_without_daemon = config->hook_without_daemon == HOOK_WITHOUT_DAEMON_DENY;

        if (hook->deny_without_daemon)
                (void) hook_decide(CTL_EXIT_FAILURE);
}

static CtlExitStatus tell_daemon(const Hook *hook) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *why;
        int r;

        r = hook_call_daemon(hook, &error);
        if (r >= 0)
                return CTL_EXIT_OK;
        why = !isempty(error.message) ? error.message : strerror(-r);

        /* The daemon stopped, or does not know the machine: nothing to confirm or to release. */
        if (!hook_action_starts_daemon(hook->action) && error_is_unreachable(error.name)) {
                hook_log(hook, LOG_NOTICE, "pasidd %s, '%s' is not %s.",
                        hook_error_is_not_running(&error) ? "is not running" : "does not answer", hook->name,
                        hook->action == HOOK_CONFIRM ? "checked" : "released");
                return CTL_EXIT_OK;
        }
        if (hook_error_is_not_running(&error) && !kernel_has_vfio_pasid()) {
                hook_log(hook, LOG_INFO, "This kernel has no PASID quotas, nothing is reserved for '%s'.",
                        hook->name);
                return CTL_EXIT_OK;
        }
        if (streq_ptr(error.name, SD_BUS_ERROR_TIMEOUT))
                why = "pasidd did not answer in time";
        if (hook->action == HOOK_CONFIRM && streq_ptr(error.name, PASIDD_ERROR_NOT_APPLIED)) {
                hook_log(hook, LOG_ERR, "The PASID quota of '%s' is not in force: %s", hook->name, why);
                return CTL_EXIT_OK;
        }
        if (hook->action != HOOK_RESERVE)
                return without_daemon(hook, why);

        switch (hook_verdict(error.name)) {
        case HOOK_VERDICT_REFUSED:
                (void) hook_decide(CTL_EXIT_FAILURE);
                hook_log(hook, LOG_ERR, "pasidd refuses to start '%s': %s", hook->name, why);
                return CTL_EXIT_FAILURE;
        case HOOK_VERDICT_UNLIMITED:
                return CTL_EXIT_OK;
        default:
                return without_daemon(hook, why);
        }
}

static CtlExitStatus run_hook(Hook *hook) {
        _cleanup_free_ char *xml = NULL, *error = NULL;
        size_t size = 0;
        int r;

        if (hook_action_may_fail(hook->action))
                load_config(hook);

        r = hook_read_domain(hook, &xml, &size);
        if (hook->action == HOOK_NOTHING)
                return CTL_EXIT_OK;
        if (r == -ETIMEDOUT)
                return without_daemon(hook, "libvirt did not send all of the domain's XML in time");
        if (r < 0)
                return without_daemon(hook, strerror(-r));

        r = domain_xml_parse(xml, size, &hook->domain, &error);
        if (r == -EBADMSG)
                return bad_domain(hook, error);
        if (r < 0)
                return without_daemon(hook, strerror(-r));
        if (!streq(hook->domain.name, hook->name))
                hook_log(hook, LOG_WARNING, "The XML of domain '%s' has another <name>, '%s'.", hook->name,
                        hook->domain.name);

        return tell_daemon(hook);
}

/*
 * A user's libvirt (qemu:///session) also runs the system's hooks, as the user.
 * pasidd does not manage its machines and would ask polkit about each call.
 * PASIDCTL_HOOK_ANY_USER= is for tests.
 */
static bool is_system_libvirt(void) {
        return geteuid() == 0 || !isempty(secure_getenv("PASIDCTL_HOOK_ANY_USER"));
}

/* Reads stdin to its end, so that libvirt does not get EPIPE. */
static CtlExitStatus ignore_session(const Hook *hook) {
        _cleanup_free_ char *xml = NULL;
        size_t size;

        (void) hook_read_domain(hook, &xml, &size);
        return CTL_EXIT_OK;
}

CtlExitStatus verb_libvirt_hook(int argc, char **argv) {
        unsigned seconds = hook_deadline_seconds();
        Hook hook = { .deadline = now_monotonic_usec() + seconds * USEC_PER_SEC - RESERVE_USEC };
        CtlExitStatus status;
        int r;

        if (argc == 2 && streq(argv[1], "--help")) {
                printf("pasidctl libvirt-hook NAME OPERATION SUBOPERATION EXTRA\n\n"
                       "What libvirt's qemu hook runs; the domain's XML comes from stdin.\n"
                       "See the pasidctl(1) man page for details.\n");
                return CTL_EXIT_OK;
        }
        if (argc < 3)
                return fail(CTL_EXIT_USAGE, "Too few arguments. Usage: "
                                            "pasidctl libvirt-hook NAME OPERATION SUBOPERATION EXTRA");

        hook.name = argv[1];
        hook.action = hook_action(argv[2], argc > 3 ? argv[3] : NULL);

        r = hook_deadline_arm(hook.name, seconds);
        if (r < 0)
                status = without_daemon(&hook, strerror(-r));
        else if (!is_system_libvirt())
                status = ignore_session(&hook);
        else
                status = run_hook(&hook);

        domain_xml_clear(&hook.domain);
        return status;
}
