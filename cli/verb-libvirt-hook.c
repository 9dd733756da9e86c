/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/time.h>
#include <syslog.h>

#include <systemd/sd-bus.h>

#include "announce.h"
#include "bus-names.h"
#include "clock.h"
#include "config-file.h"
#include "domain-xml.h"
#include "error-map.h"
#include "hook-config.h"
#include "hook-connection.h"
#include "hook-op.h"
#include "journal.h"
#include "kernel.h"
#include "output.h"
#include "stderr-line.h"
#include "verbs.h"

/*
 * libvirt waits for this program, and for whoever holds its stdout and stderr,
 * without a time limit and with the domain locked. So: no child, nothing on
 * stdout (on "migrate" and "restore" that would become the domain's XML), all
 * input read (or libvirt gets EPIPE), and an end after two seconds whatever
 * happens.
 */

/* When the alarm ends the process, and how much earlier reading and D-Bus calls give up. */
#define HARD_DEADLINE_SEC 2
#define HARD_DEADLINE_MAX 600
#define RESERVE_USEC      (300 * USEC_PER_MSEC)

/*
 * For the answer to "started", so that a start, which waits for "prepare", too, waits for a daemon that hangs
 * no longer than the deadline in all. What is wrong then the daemon logs itself.
 */
#define CONFIRM_USEC (200 * USEC_PER_MSEC)

typedef struct Hook {
        const char *name; /* of the domain, as libvirt calls it */
        HookAction action;
        bool deny_without_daemon;
        uint64_t deadline;
        DomainXml domain;
} Hook;

/* For the signal handler: what to say and what to exit with. */
static char alarm_text[512];
static volatile sig_atomic_t alarm_status = CTL_EXIT_OK;

static void on_alarm(int signal_number) {
        struct pollfd pollfd = { .fd = STDERR_FILENO, .events = POLLOUT };

        /* A pipe that nobody empties has no room, and would have us wait. */
        if (poll(&pollfd, 1, 0) > 0)
                (void) !write(STDERR_FILENO, alarm_text, strlen(alarm_text));
        _exit(alarm_status);
}

/*
 * PASIDCTL_HOOK_SECONDS= is for tests in which everybody answers: they must
 * pass on a machine so busy that two seconds are not enough for that.
 */
static unsigned hard_deadline_sec(void) {
        const char *seconds = secure_getenv("PASIDCTL_HOOK_SECONDS");
        unsigned long n = isempty(seconds) ? 0 : strtoul(seconds, NULL, 10);

        return n > 0 && n <= HARD_DEADLINE_MAX ? (unsigned) n : HARD_DEADLINE_SEC;
}

static int alarm_arm(const char *name, unsigned seconds) {
        const struct itimerval timer = { .it_value.tv_sec = seconds };
        struct sigaction action = { .sa_handler = on_alarm }, ignore = { .sa_handler = SIG_IGN };
        _cleanup_free_ char *escaped = text_escape(name);
        sigset_t set;

        if (!escaped)
                return -ENOMEM;
        snprintf(alarm_text, sizeof(alarm_text),
                "pasidctl: The libvirt hook gave up on '%.255s': the system bus or pasidd does not answer.\n",
                escaped);

        /* Nobody reads what it says: no reason to die of, which would count as a failure. */
        if (sigaction(SIGPIPE, &ignore, NULL) < 0)
                return -errno;
        /* Both a handler and a mask could be inherited. */
        if (sigaction(SIGALRM, &action, NULL) < 0)
                return -errno;
        sigemptyset(&set);
        sigaddset(&set, SIGALRM);
        if (sigprocmask(SIG_UNBLOCK, &set, NULL) < 0)
                return -errno;
        if (setitimer(ITIMER_REAL, &timer, NULL) < 0)
                return -errno;
        return 0;
}

/* 0 when it has passed. */
static uint64_t time_left(const Hook *hook) {
        uint64_t now = now_monotonic_usec();

        return now < hook->deadline ? hook->deadline - now : 0;
}

/*
 * To stderr, which libvirt shows to whoever starts the domain if the hook
 * fails, and to the journal, for libvirt drops what a hook that succeeds says.
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

        /* Neither waits for who reads it. */
        (void) stderr_line("pasidctl", escaped);
        (void) journal_send("pasidctl", priority, escaped,
                (const JournalField[]) {
                        { "PASID_VM_NAME", hook->name },
                        { "PASID_VM_UUID", *hook->domain.uuid ? hook->domain.uuid : NULL },
                },
                2);
}

/* What is decided stands before anything is said of it: whatever happens meanwhile, the hook ends with that. */
static CtlExitStatus decide(CtlExitStatus status) {
        alarm_status = status;
        return status;
}

/* The daemon could not be asked, whyever. */
static CtlExitStatus without_daemon(const Hook *hook, const char *why) {
        CtlExitStatus status =
                decide(hook_action_may_fail(hook->action) && hook->deny_without_daemon ? CTL_EXIT_FAILURE
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

/* The domain itself is wrong. */
static CtlExitStatus bad_domain(const Hook *hook, const char *what) {
        CtlExitStatus status = decide(hook_action_may_fail(hook->action) ? CTL_EXIT_FAILURE : CTL_EXIT_OK);

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
                alarm_status = CTL_EXIT_FAILURE;
}

/*
 * All of stdin, of which *ret gets as much as a domain may have, and one byte
 * more for the parser to see that it is too much. -ETIMEDOUT when it does not
 * end in time.
 */
static int read_domain(const Hook *hook, char **ret, size_t *ret_size) {
        const size_t size_max = DOMAIN_XML_SIZE_MAX + 1;
        _cleanup_free_ char *buffer = NULL;
        size_t size = 0, room = 0;
        char overflow[4096];

        for (;;) {
                struct pollfd pollfd = { .fd = STDIN_FILENO, .events = POLLIN };
                ssize_t n;
                int r;

                r = poll(&pollfd, 1, (int) (time_left(hook) / 1000));
                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        return -ETIMEDOUT;

                if (room - size == 0 && room < size_max) {
                        char *grown;

                        room = room == 0 ? 64 * 1024 : room * 2;
                        if (room > size_max)
                                room = size_max;
                        grown = realloc(buffer, room);
                        if (!grown)
                                return -ENOMEM;
                        buffer = grown;
                }

                n = size < room ? read(STDIN_FILENO, buffer + size, room - size)
                                : read(STDIN_FILENO, overflow, sizeof(overflow));
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                if (size < room)
                        size += (size_t) n;
        }

        *ret = TAKE_PTR(buffer);
        *ret_size = size;
        return 0;
}

/* Who runs the hook waits for it, and lives at least as long as the start takes. */
static int append_reserve(sd_bus_message *m, const Hook *hook) {
        static const AnnounceKind kinds[_HOOK_ACTION_MAX] = {
                [HOOK_RESERVE] = ANNOUNCE_START,
                [HOOK_CONFIRM] = ANNOUNCE_UPDATE,
                [HOOK_RECONNECT] = ANNOUNCE_RECONNECT,
        };

        return announce_append(m, kinds[hook->action], &hook->domain, hook->name, (uint32_t) getppid());
}

/* dbus-daemon would not learn that the daemon gave up for lack of the module, and have us wait. */
static bool hook_starts_daemon(const Hook *hook) {
        return hook_action_starts_daemon(hook->action) && kernel_has_vfio_pasid();
}

static bool is_not_running(const sd_bus_error *error) {
        return streq_ptr(error->name, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
               streq_ptr(error->name, SD_BUS_ERROR_SERVICE_UNKNOWN);
}

/* destination: NULL on the hook's own socket, where nobody else listens. */
static int new_call(
        const Hook *hook, sd_bus *bus, const char *destination, const char *method, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(
                bus, &m, destination, PASIDD_OBJECT_PATH, PASIDD_MANAGER_INTERFACE, method);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, hook_starts_daemon(hook));
        if (r >= 0)
                r = streq(method, "Reserve") ? append_reserve(m, hook)
                                             : sd_bus_message_append(m, "s", hook->domain.uuid);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

/* Once more what "prepare" has told: the daemon may not have run then, or not have answered. */
static int tell_again(const Hook *hook, sd_bus *bus, const char *destination) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(hook, bus, destination, "Reserve", &m);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_send(bus, m, NULL);
        /* A busy bus takes a connection in its own time, which is not the daemon's: what is told is not lost for that. */
        if (r >= 0 && destination)
                r = sd_bus_flush(bus);

        return r;
}

/* In microseconds, for connecting to the daemon and for its answer. */
static uint64_t time_for_daemon(const Hook *hook) {
        uint64_t left = time_left(hook);

        return hook->action == HOOK_CONFIRM && left > CONFIRM_USEC ? CONFIRM_USEC : left;
}

/* Calls the daemon. Returns 0, or a negative errno with the error set. */
static int call_on(const Hook *hook, sd_bus *bus, const char *destination, sd_bus_error *error) {
        static const char *const methods[_HOOK_ACTION_MAX] = {
                [HOOK_RESERVE] = "Reserve",
                [HOOK_CONFIRM] = "Confirm",
                [HOOK_RECONNECT] = "Reserve",
                [HOOK_RELEASE] = "Release",
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        uint64_t left;
        int r;

        r = new_call(hook, bus, destination, methods[hook->action], &m);
        if (r >= 0 && hook->action == HOOK_CONFIRM)
                r = tell_again(hook, bus, destination);
        if (r < 0)
                return sd_bus_error_set_errno(error, r);

        left = time_for_daemon(hook);
        if (left == 0)
                return sd_bus_error_set_errno(error, -ETIMEDOUT);
        return sd_bus_call(bus, m, left, error, NULL);
}

static int call_by_bus(const Hook *hook, sd_bus_error *error) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0)
                return sd_bus_error_set_errnof(error, r, "no system bus: %s", strerror(-r));

        return call_on(hook, bus, PASIDD_BUS_NAME, error);
}

/*
 * By the daemon's own socket, where no other caller is in the way. It is there
 * while the daemon is wanted. Without it, and when the daemon closes the
 * connection, by the system bus, which can start the daemon.
 */
static int call_daemon(const Hook *hook, sd_bus_error *error) {
        _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;
        int r;

        r = hook_connect(now_monotonic_usec() + time_for_daemon(hook), &bus);
        if (r == -ETIMEDOUT)
                return sd_bus_error_set(error, SD_BUS_ERROR_TIMEOUT, strerror(-r));
        if (r < 0)
                return call_by_bus(hook, error);

        r = call_on(hook, bus, NULL, error);
        if (!hook_connection_is_lost(r))
                return r;

        sd_bus_error_free(error);
        return call_by_bus(hook, error);
}

static CtlExitStatus tell_daemon(const Hook *hook) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *why;
        int r;

        r = call_daemon(hook, &error);
        if (r >= 0)
                return CTL_EXIT_OK;
        why = !isempty(error.message) ? error.message : strerror(-r);

        /* It left, or never knew the machine; there is nothing to confirm or to release. */
        if (!hook_action_starts_daemon(hook->action) && error_is_unreachable(error.name)) {
                hook_log(hook, LOG_NOTICE, "pasidd %s, '%s' is not %s.",
                        is_not_running(&error) ? "is not running" : "does not answer", hook->name,
                        hook->action == HOOK_CONFIRM ? "checked" : "released");
                return CTL_EXIT_OK;
        }
        if (is_not_running(&error) && !kernel_has_vfio_pasid()) {
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
                (void) decide(CTL_EXIT_FAILURE);
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

        r = read_domain(hook, &xml, &size);
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
 * A user's own libvirt (qemu:///session) runs the hooks of the system, too, as
 * the user. Its machines are not the daemon's, which would ask polkit about
 * each call. PASIDCTL_HOOK_ANY_USER= is for tests.
 */
static bool is_system_libvirt(void) {
        return geteuid() == 0 || !isempty(secure_getenv("PASIDCTL_HOOK_ANY_USER"));
}

/* Takes what libvirt sends, so that it does not get EPIPE. */
static CtlExitStatus ignore_session(const Hook *hook) {
        _cleanup_free_ char *xml = NULL;
        size_t size;

        (void) read_domain(hook, &xml, &size);
        return CTL_EXIT_OK;
}

CtlExitStatus verb_libvirt_hook(int argc, char **argv) {
        unsigned seconds = hard_deadline_sec();
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
                return fail(CTL_EXIT_USAGE, "An argument is missing. Usage: "
                                            "pasidctl libvirt-hook NAME OPERATION SUBOPERATION EXTRA");

        hook.name = argv[1];
        hook.action = hook_action(argv[2], argc > 3 ? argv[3] : NULL);

        r = alarm_arm(hook.name, seconds);
        if (r < 0)
                status = without_daemon(&hook, strerror(-r));
        else if (!is_system_libvirt())
                status = ignore_session(&hook);
        else
                status = run_hook(&hook);

        domain_xml_clear(&hook.domain);
        return status;
}
