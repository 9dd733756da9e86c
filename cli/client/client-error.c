/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client-error.h"

#include "bus-names.h"
#include "error-map.h"
#include "kernel.h"

CtlExitStatus client_fail_message(int r) {
        if (r == -ENOMEM)
                return fail_oom();
        return fail(CTL_EXIT_FAILURE,
                "Unexpected answer from pasidd (%s). Are pasidd and pasidctl of the same version?",
                strerror(-r));
}

/* Explains why the daemon of this host does not run. exit_status is that of its last process, 0 if unknown. */
static const char *why_not_running(int exit_status) {
        if (exit_status == PASIDD_EXIT_CONFIG)
                return "Its configuration does not parse. ";
        if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0)
                return "/sys/fs/cgroup is not the unified cgroup hierarchy (cgroup v2), which it needs. ";
        if (exit_status == PASIDD_EXIT_NO_KERNEL_SUPPORT || !kernel_has_vfio_pasid())
                return "This kernel has no module vfio_pasid: it lacks the PASID quota patches. ";
        return "";
}

CtlExitStatus client_fail_not_running(const Client *client, const char *message, int exit_status) {
        if (client->options->host)
                return fail(CTL_EXIT_NOT_RUNNING,
                        "pasidd is not running on %s: %s. See 'systemctl status pasidd' there.",
                        client->options->host, message);
        return fail(CTL_EXIT_NOT_RUNNING,
                "pasidd is not running: %s. %sSee 'systemctl status pasidd' and 'journalctl -u pasidd'.",
                message, why_not_running(exit_status));
}

/* The daemon is on the bus but hangs, or exited before it answered. */
static CtlExitStatus fail_no_answer(const Client *client, const char *message) {
        const char *host = client->options->host;

        return fail(CTL_EXIT_NOT_RUNNING, "pasidd%s%s does not answer: %s. See 'systemctl status pasidd'%s.",
                host ? " on " : "", strempty(host), message, host ? " there" : "");
}

/* The message without a full stop, because a hint follows. */
static char *strip_full_stop(const char *message) {
        char *text = text_escape_lines(message);
        size_t length;

        if (!text)
                return NULL;
        length = strlen(text);
        if (length > 0 && text[length - 1] == '.')
                text[length - 1] = 0;
        return text;
}

static const char *error_hint(const Client *client, const char *name, CtlExitStatus status) {
        if (streq_ptr(name, PASIDD_ERROR_AMBIGUOUS_VM))
                return "Use its UUID, or more digits of it.";
        if (streq_ptr(name, SD_BUS_ERROR_UNKNOWN_METHOD))
                return "The running pasidd has another version than pasidctl and does not support this. After an "
                       "upgrade, run 'systemctl restart pasidd'.";
        if (status == CTL_EXIT_DENIED && (client->options->host || geteuid() != 0))
                return "Nothing was changed. Run pasidctl as root, or have a polkit rule allow it.";
        return NULL;
}

CtlExitStatus client_fail(const Client *client, const sd_bus_error *error, int r) {
        const char *hint, *message = !isempty(error->message) ? error->message : strerror(-r);
        CtlExitStatus status = error_to_exit_status(error->name);
        _cleanup_free_ char *text = strip_full_stop(message);

        if (!text)
                return fail_oom();
        if (streq_ptr(error->name, SD_BUS_ERROR_TIMEOUT) || streq_ptr(error->name, SD_BUS_ERROR_NO_REPLY))
                return fail_no_answer(client, text);
        if (status == CTL_EXIT_NOT_RUNNING)
                return client_fail_not_running(client, text, 0);

        hint = error_hint(client, error->name, status);
        /* Some messages are lists of several lines. */
        return fail(status, "%s%s%s%s", text, strchr(text, '\n') ? "" : ".",
                !hint                ? ""
                : strchr(text, '\n') ? "\n"
                                     : " ",
                strempty(hint));
}
