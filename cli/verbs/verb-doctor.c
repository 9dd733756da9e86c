/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <spawn.h>
#include <sys/wait.h>

#include "clock.h"
#include "config-below.h"
#include "doctor.h"
#include "table.h"
#include "terminal.h"
#include "verbs.h"

typedef struct Findings {
        Finding *findings;
        size_t n_findings;
        size_t n[_CHECK_RESULT_MAX];
} Findings;

static void findings_clear(Findings *findings) {
        for (size_t i = 0; i < findings->n_findings; i++)
                finding_clear(findings->findings + i);
        free(findings->findings);
}

static void doctor_clear(Doctor *doctor) {
        sd_bus_flush_close_unref(doctor->bus);
        config_free(doctor->config);
        free(doctor->config_error);
}

static int doctor_prepare(const Options *options, Doctor *ret) {
        int r;

        ret->root = strempty(options->root);
        ret->now_usec = now_realtime_usec();
        ret->now_monotonic_usec = now_monotonic_usec();

        r = config_load_below(ret->root, &ret->config, &ret->config_error);
        if (r < 0 && !ret->config_error)
                return r;
        ret->config_unreadable = (r == -EACCES || r == -EPERM) && geteuid() != 0;

        /* A missing bus is reported by a check. */
        (void) sd_bus_open_system(&ret->bus);
        return 0;
}

static int run_checks(const Doctor *doctor, const Check *checks, size_t n_checks, Findings *ret) {
        int r;

        for (size_t i = 0; i < n_checks; i++) {
                Finding *finding = ret->findings + ret->n_findings;

                finding->check = strdup(checks[i].name);
                if (!finding->check)
                        return -ENOMEM;
                ret->n_findings++;
                r = checks[i].func(doctor, finding);
                if (r < 0)
                        return r;
                finding->result = strdup(check_result_to_string(r));
                if (!finding->result)
                        return -ENOMEM;
                ret->n[r]++;
        }
        return 0;
}

static int run_all(const Doctor *doctor, Findings *ret) {
        const struct {
                const Check *checks;
                size_t n_checks;
        } groups[] = {
                { kernel_checks, n_kernel_checks },
                { service_checks, n_service_checks },
                { libvirt_checks, n_libvirt_checks },
        };
        int r;

        ret->findings = calloc(n_kernel_checks + n_service_checks + n_libvirt_checks, sizeof(*ret->findings));
        if (!ret->findings)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                r = run_checks(doctor, groups[i].checks, groups[i].n_checks, ret);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Commands do not fit into a table. */
static void print_remedies(const Findings *findings, bool colors) {
        printf("\n");
        for (size_t i = 0; i < findings->n_findings; i++) {
                const Finding *finding = findings->findings + i;

                if (!isempty(finding->remedy))
                        printf("%s%s%s: %s\n", color(colors, COLOR_BOLD), finding->check,
                                color(colors, COLOR_OFF), finding->remedy);
        }
        printf("%zu ok, %zu warnings, %zu failures, %zu skipped.\n", findings->n[CHECK_OK],
                findings->n[CHECK_WARN], findings->n[CHECK_FAIL], findings->n[CHECK_SKIP]);
}

/* D-Bus gives no access to the files of another host, so run pasidctl there. */
static CtlExitStatus run_on_host(const Options *options) {
        char json[32];
        int status = 0, r;
        pid_t pid;
        const char *arguments[12] = { "ssh", "-xT" };
        size_t n = 2;

        snprintf(json, sizeof(json), "--json=%s", json_mode_to_string(options->json));
        if (*options->ssh.port) {
                arguments[n++] = "-p";
                arguments[n++] = options->ssh.port;
        }
        arguments[n++] = "--";
        arguments[n++] = options->ssh.host;
        arguments[n++] = "pasidctl";
        arguments[n++] = "doctor";
        arguments[n++] = json;
        if (options->no_legend)
                arguments[n++] = "--no-legend";
        r = posix_spawnp(&pid, arguments[0], NULL, NULL, (char *const *) arguments, environ);
        if (r != 0)
                return fail(CTL_EXIT_FAILURE, "Cannot run ssh: %s. Install openssh-client.", strerror(r));
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        /* The remote pasidctl has printed a message for its own exit statuses. 127 is the remote shell's,
         * 255 is ssh's. */
        if (WIFEXITED(status) && WEXITSTATUS(status) <= CTL_EXIT_NOT_RUNNING)
                return WEXITSTATUS(status);
        return fail(CTL_EXIT_NOT_RUNNING, "Cannot check %s. Does 'ssh %s%s%s%s pasidctl doctor' work?",
                options->host, SSH_ARGUMENTS(options->ssh));
}

CtlExitStatus verb_doctor(const Options *options, int argc, char **argv) {
        _cleanup_(findings_clear) Findings findings = {};
        _cleanup_(columns_clear) Columns columns = {};
        _cleanup_(doctor_clear) Doctor doctor = {};
        CtlExitStatus status;
        int r;

        if (options->host && (options->root || options->columns))
                return fail(CTL_EXIT_USAGE, "--root and -o cannot be used with --host.");
        if (options->host)
                return run_on_host(options);

        status = columns_from_options(&finding_table, options, &columns);
        if (status != CTL_EXIT_OK)
                return status;
        r = doctor_prepare(options, &doctor);
        if (r >= 0)
                r = run_all(&doctor, &findings);
        if (r == -ENOMEM)
                return fail_oom();
        if (r < 0)
                return fail(CTL_EXIT_FAILURE, "Cannot read the configuration: %s.", strerror(-r));

        status = table_show(
                &(Rows) { &finding_table, findings.findings, findings.n_findings }, &columns, options);
        if (status != CTL_EXIT_OK)
                return status;
        if (options->json == JSON_OFF && !options->no_legend)
                print_remedies(&findings, options->colors);
        return findings.n[CHECK_FAIL] > 0 ? CTL_EXIT_FAILURE : CTL_EXIT_OK;
}
