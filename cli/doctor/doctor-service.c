/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "bus-names.h"
#include "clock.h"
#include "doctor.h"

/* Checks of the daemon and of what it depends on. */

#define UNIT       "pasidd.service"
#define UNIT_IFACE "org.freedesktop.systemd1.Unit"

static const char reinstall[] = "install pasidd again, e.g. apt install --reinstall pasidd";

static int check_user(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *passwd = doctor_read(doctor, "/etc/passwd");

        if (!passwd)
                return doctor_found(ret, CHECK_SKIP, NULL, "/etc/passwd cannot be read");
        if (strncmp(passwd, "pasidd:", 7) == 0 || strstr(passwd, "\npasidd:"))
                return doctor_found(ret, CHECK_OK, NULL, "the user pasidd exists");
        return doctor_found(ret, CHECK_FAIL, "systemd-sysusers", "there is no user pasidd");
}

static int check_config(const Doctor *doctor, Finding *ret) {
        if (doctor->config)
                return doctor_found(ret, CHECK_OK, NULL, "parses, %zu rule%s", doctor->config->n_rules,
                        doctor->config->n_rules == 1 ? "" : "s");
        if (doctor->config_unreadable)
                return doctor_found(
                        ret, CHECK_SKIP, "run this as root", "%s", strempty(doctor->config_error));
        return doctor_found(ret, CHECK_FAIL, "edit that line, then: systemctl reload pasidd", "%s",
                strempty(doctor->config_error));
}

static int check_unit(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *load = doctor_unit_string(doctor, UNIT, UNIT_IFACE, "LoadState");
        _cleanup_free_ char *active = doctor_unit_string(doctor, UNIT, UNIT_IFACE, "ActiveState");
        _cleanup_free_ char *file = doctor_unit_string(doctor, UNIT, UNIT_IFACE, "UnitFileState");

        if (!doctor->bus)
                return doctor_found(ret, CHECK_FAIL, "systemctl start dbus", "there is no system bus");
        if (!load || !active)
                return doctor_found(ret, CHECK_SKIP, NULL, "systemd does not answer on the bus");
        if (!streq(load, "loaded"))
                return doctor_found(ret, CHECK_FAIL,
                        streq(load, "masked") ? "systemctl unmask " UNIT : reinstall, UNIT " is %s", load);
        if (streq(active, "failed"))
                return doctor_found(ret, CHECK_FAIL, "journalctl -u pasidd; then: systemctl restart pasidd",
                        UNIT " has failed");
        if (!streq(active, "active"))
                return doctor_found(ret, CHECK_FAIL, "systemctl enable --now pasidd", UNIT " is %s", active);
        if (!streq_ptr(file, "enabled"))
                return doctor_found(ret, CHECK_WARN, "systemctl enable pasidd",
                        UNIT " is active, but %s: machines that start at boot can precede it",
                        strempty(file));
        return doctor_found(ret, CHECK_OK, NULL, UNIT " is active and enabled");
}

static int check_hook_socket(const Doctor *doctor, Finding *ret) {
        static const char path[] = "/run/pasidd/hook";

        if (!doctor->bus || sd_bus_get_name_creds(doctor->bus, PASIDD_BUS_NAME, 0, NULL) < 0)
                return doctor_found(ret, CHECK_SKIP, NULL, "pasidd is not on the bus");
        if (!doctor_exists(doctor, path))
                return doctor_found(ret, CHECK_WARN,
                        "systemctl daemon-reload; then: systemctl restart pasidd",
                        "%s is missing: the libvirt hook uses the system bus, where other callers can delay it",
                        path);
        return doctor_found(ret, CHECK_OK, NULL, "the libvirt hook has its own socket, %s", path);
}

static int check_version(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *version = NULL;

        if (!doctor->bus || sd_bus_get_name_creds(doctor->bus, PASIDD_BUS_NAME, 0, NULL) < 0)
                return doctor_found(ret, CHECK_SKIP, NULL, "pasidd is not on the bus");
        if (sd_bus_get_property_string(doctor->bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH,
                    PASIDD_MANAGER_INTERFACE, "Version", NULL, &version) < 0)
                return doctor_found(ret, CHECK_FAIL, "systemctl restart pasidd", "pasidd does not answer");
        if (!streq(version, PASIDD_VERSION))
                return doctor_found(ret, CHECK_WARN, "systemctl restart pasidd",
                        "the pasidd that runs is %s, pasidctl is " PASIDD_VERSION, version);
        return doctor_found(ret, CHECK_OK, NULL, "pasidd and pasidctl are " PASIDD_VERSION);
}

static int check_in_force(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *state = NULL, *text = NULL;

        if (!doctor->bus || sd_bus_get_name_creds(doctor->bus, PASIDD_BUS_NAME, 0, NULL) < 0)
                return doctor_found(ret, CHECK_SKIP, NULL, "pasidd is not on the bus");
        if (sd_bus_get_property_string(doctor->bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH,
                    PASIDD_MANAGER_INTERFACE, "State", NULL, &state) < 0 ||
                sd_bus_get_property_string(doctor->bus, PASIDD_BUS_NAME, PASIDD_OBJECT_PATH,
                        PASIDD_MANAGER_INTERFACE, "Status", NULL, &text) < 0)
                return doctor_found(ret, CHECK_FAIL, "systemctl restart pasidd", "pasidd does not answer");
        if (!streq(state, "running"))
                return doctor_found(
                        ret, CHECK_WARN, "see the checks of the IOMMU above", "%s: %s", state, text);
        if (strstr(text, PASIDD_STATUS_UNUSABLE))
                return doctor_found(ret, CHECK_FAIL,
                        "journalctl -u pasidd; repair or remove that file; then: systemctl restart pasidd",
                        "%s", text);
        return doctor_found(ret, CHECK_OK, NULL, "%s", text);
}

static int check_bus_policy(const Doctor *doctor, Finding *ret) {
        static const char *const places[] = {
                "/usr/share/dbus-1/system.d/org.pasidd1.conf",
                "/etc/dbus-1/system.d/org.pasidd1.conf",
        };

        for (size_t i = 0; i < ELEMENTSOF(places); i++)
                if (doctor_exists(doctor, places[i]))
                        return doctor_found(ret, CHECK_OK, NULL, "%s", places[i]);
        return doctor_found(ret, CHECK_FAIL, reinstall, "%s is missing", places[0]);
}

static int check_polkit(const Doctor *doctor, Finding *ret) {
        static const char policy[] = "/usr/share/polkit-1/actions/org.pasidd1.policy";

        if (!doctor_exists(doctor, policy))
                return doctor_found(ret, CHECK_FAIL, reinstall, "%s is missing", policy);
        if (!doctor_bus_has(doctor, "org.freedesktop.PolicyKit1"))
                return doctor_found(ret, CHECK_WARN, "apt install polkitd",
                        "polkit is not on the bus: only root can change a quota");
        return doctor_found(ret, CHECK_OK, NULL, "polkit is available and has pasidd's actions");
}

static int check_state(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *path = NULL, *remedy = NULL;
        char found[128] = "";
        DIR *d;

        if (asprintf(&path, "%s/var/lib/pasidd", doctor->root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        d = opendir(path);
        if (!d)
                return doctor_found(ret, errno == ENOENT ? CHECK_FAIL : CHECK_SKIP,
                        errno == ENOENT ? "systemd-tmpfiles --create pasidd.conf" : "run this as root",
                        "/var/lib/pasidd: %s", strerror(errno));
        for (struct dirent *de; (de = readdir(d));)
                if (strstr(de->d_name, ".corrupt-"))
                        snprintf(found, sizeof(found), "%.120s", de->d_name);
        closedir(d);

        if (!*found)
                return doctor_found(
                        ret, CHECK_OK, NULL, "/var/lib/pasidd contains no state file that was set aside");
        if (asprintf(&remedy, "check /var/lib/pasidd/%s, set its override again, then remove it", found) <
                0) {
                remedy = NULL;
                return -ENOMEM;
        }
        return doctor_found(ret, CHECK_WARN, remedy, "%s did not parse and was set aside", found);
}

/* An old file of metrics means that an update is missing. A time in the future misleads all readers. */
#define METRICS_OLD_USEC    (10 * 60 * USEC_PER_SEC)
#define METRICS_FUTURE_USEC (60 * USEC_PER_SEC)

static int check_metrics(const Doctor *doctor, Finding *ret) {
        static const char *const places[] = {
                "/var/lib/prometheus/node-exporter/pasidd.prom",
                "/var/lib/node_exporter/textfile_collector/pasidd.prom",
        };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *path = NULL;
                struct stat st;
                uint64_t usec;

                if (asprintf(&path, "%s%s", doctor->root, places[i]) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                if (stat(path, &st) < 0)
                        continue;

                usec = (uint64_t) st.st_mtim.tv_sec * USEC_PER_SEC + (uint64_t) st.st_mtim.tv_nsec / 1000;
                if (usec > doctor->now_usec + METRICS_FUTURE_USEC)
                        return doctor_found(ret, CHECK_FAIL,
                                "timedatectl; then: systemctl start pasidd-metrics",
                                "%s is %" PRIu64 " s in the future: the clock was set back", places[i],
                                (usec - doctor->now_usec) / USEC_PER_SEC);
                if (usec + METRICS_OLD_USEC < doctor->now_usec)
                        return doctor_found(ret, CHECK_WARN, "systemctl enable --now pasidd-metrics.timer",
                                "%s is %" PRIu64 " s old", places[i],
                                (doctor->now_usec - usec) / USEC_PER_SEC);
                return doctor_found(ret, CHECK_OK, NULL, "%s is up to date", places[i]);
        }

        return doctor_found(ret, CHECK_SKIP, NULL, "no file of metrics is written");
}

const Check service_checks[] = {
        { "user", check_user },
        { "configuration", check_config },
        { "unit", check_unit },
        { "hook-socket", check_hook_socket },
        { "version", check_version },
        { "state", check_in_force },
        { "dbus-policy", check_bus_policy },
        { "polkit", check_polkit },
        { "overrides", check_state },
        { "metrics", check_metrics },
};
const size_t n_service_checks = ELEMENTSOF(service_checks);
