/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "clock.h"
#include "doctor.h"

/* Checks of machined, libvirt, the libvirt hook, and of what can keep libvirt from running the hook. */

#define HOOK "/etc/libvirt/hooks/qemu.d/50-pasidd"

static const char *const libvirt_daemons[] = { "libvirtd", "virtqemud" };

static bool has_libvirt(const Doctor *doctor) {
        for (size_t i = 0; i < ELEMENTSOF(libvirt_daemons); i++) {
                char path[64];

                snprintf(path, sizeof(path), "/usr/sbin/%s", libvirt_daemons[i]);
                if (doctor_exists(doctor, path))
                        return true;
        }
        return false;
}

static int check_machined(const Doctor *doctor, Finding *ret) {
        if (!doctor->bus)
                return doctor_found(ret, CHECK_SKIP, NULL, "there is no system bus");
        if (!doctor_bus_has(doctor, "org.freedesktop.machine1"))
                return doctor_found(ret, CHECK_FAIL, "apt install systemd-container",
                        "systemd-machined is missing: machines are identified by their unit, not by libvirt's UUID");
        return doctor_found(ret, CHECK_OK, NULL, "systemd-machined is available");
}

static int hook_path(const Doctor *doctor, char **ret) {
        char *path;

        if (asprintf(&path, "%s" HOOK, doctor->root) < 0)
                return -ENOMEM;
        *ret = path;
        return 0;
}

/* The executed file: AppArmor and SELinux check it instead of the link. */
static int hook_program(const Doctor *doctor, char **ret) {
        _cleanup_free_ char *path = NULL;
        char target[PATH_MAX];
        ssize_t n;

        if (hook_path(doctor, &path) < 0)
                return -ENOMEM;
        n = readlink(path, target, sizeof(target) - 1);
        if (n > 0)
                target[n] = 0;
        *ret = strdup(n > 0 && *target == '/' ? target : HOOK);
        return *ret ? 0 : -ENOMEM;
}

static int check_hook(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (!has_libvirt(doctor))
                return doctor_found(ret, CHECK_SKIP, NULL, "libvirt is not installed");
        if (hook_path(doctor, &path) < 0)
                return -ENOMEM;
        if (lstat(path, &st) < 0)
                return doctor_found(ret, CHECK_FAIL, "ln -s \"$(command -v pasidctl)\" " HOOK,
                        HOOK ": %s: quotas in domain metadata have no effect", strerror(errno));
        if (stat(path, &st) < 0)
                return doctor_found(ret, CHECK_FAIL,
                        "install pasidd again, e.g. apt install --reinstall pasidd",
                        HOOK " is a dangling link");
        if (!(st.st_mode & 0111))
                return doctor_found(ret, CHECK_FAIL, "chmod 755 " HOOK, HOOK " is not executable");
        return doctor_found(ret, CHECK_OK, NULL, HOOK);
}

/* Creation time of the hook directory; UINT64_MAX if its file system has none. */
static uint64_t directory_made(const Doctor *doctor) {
        _cleanup_free_ char *path = NULL;
        struct statx stx;

        if (hook_path(doctor, &path) < 0)
                return UINT64_MAX;
        *strrchr(path, '/') = 0;
        if (statx(AT_FDCWD, path, 0, STATX_BTIME, &stx) < 0 || !(stx.stx_mask & STATX_BTIME))
                return UINT64_MAX;
        return (uint64_t) stx.stx_btime.tv_sec * USEC_PER_SEC;
}

/*
 * libvirt checks when it starts or is reloaded whether there are hooks, and lists
 * them at each operation. An upgrade replaces the hook, but not the directory.
 */
static int check_reload(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *path = NULL;
        bool running = false;
        struct stat st;

        if (hook_path(doctor, &path) < 0)
                return -ENOMEM;
        if (!has_libvirt(doctor) || lstat(path, &st) < 0)
                return doctor_found(ret, CHECK_SKIP, NULL, "there is no libvirt with the hook");
        if (!doctor->bus)
                return doctor_found(ret, CHECK_SKIP, NULL, "there is no system bus");

        for (size_t i = 0; i < ELEMENTSOF(libvirt_daemons); i++) {
                uint64_t installed = (uint64_t) st.st_ctim.tv_sec * USEC_PER_SEC, started;
                _cleanup_free_ char *active = NULL, *remedy = NULL;
                char unit[64];

                snprintf(unit, sizeof(unit), "%s.service", libvirt_daemons[i]);
                active = doctor_unit_string(doctor, unit, "org.freedesktop.systemd1.Unit", "ActiveState");
                if (!streq_ptr(active, "active"))
                        continue;

                running = true;
                /* The last state change of an active unit is its start or a reload. */
                started = doctor_unit_changed(doctor, unit);
                if (started >= installed)
                        continue;
                if (asprintf(&remedy, "systemctl reload %s", unit) < 0) {
                        remedy = NULL;
                        return -ENOMEM;
                }
                if (started >= directory_made(doctor))
                        return doctor_found(ret, CHECK_WARN, remedy,
                                "%s was started before the hook was replaced; unless that was an upgrade, it does not "
                                "use it",
                                unit);
                return doctor_found(ret, CHECK_FAIL, remedy,
                        "%s was started before the hook was installed and does not use it", unit);
        }

        if (!running)
                return doctor_found(
                        ret, CHECK_OK, NULL, "libvirt does not run, and will find the hook when it starts");
        return doctor_found(
                ret, CHECK_OK, NULL, "libvirt was started or reloaded after the hook was installed");
}

/* Does the profile have a rule for the program or for its directory? */
static bool profile_names(const char *profile, const char *program) {
        char directory[PATH_MAX + 2];
        char *slash;

        snprintf(directory, sizeof(directory), "%s", program);
        slash = strrchr(directory, '/');
        if (slash)
                strcpy(slash, "/*");
        return strstr(profile, program) || strstr(profile, directory);
}

/* Does the profile allow libvirt to run hooks? Debian's does. */
static int check_apparmor(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *profiles = doctor_read(doctor, "/sys/kernel/security/apparmor/profiles");
        _cleanup_free_ char *program = NULL;

        if (hook_program(doctor, &program) < 0)
                return -ENOMEM;
        if (!doctor_exists(doctor, "/sys/kernel/security/apparmor"))
                return doctor_found(ret, CHECK_SKIP, NULL, "AppArmor is off");
        if (!profiles)
                return doctor_found(
                        ret, CHECK_SKIP, "run this as root", "AppArmor's profiles cannot be read");

        for (size_t i = 0; i < ELEMENTSOF(libvirt_daemons); i++) {
                _cleanup_free_ char *profile = NULL, *remedy = NULL;
                char entry[64], file[64];

                snprintf(entry, sizeof(entry), "%s (enforce)", libvirt_daemons[i]);
                if (!strstr(profiles, entry))
                        continue;
                snprintf(file, sizeof(file), "/etc/apparmor.d/usr.sbin.%s", libvirt_daemons[i]);
                profile = doctor_read(doctor, file);
                if (!profile || profile_names(profile, program))
                        continue;
                if (asprintf(&remedy,
                            "echo '%s PUx,' >>/etc/apparmor.d/local/usr.sbin.%s; apparmor_parser -r %s",
                            program, libvirt_daemons[i], file) < 0) {
                        remedy = NULL;
                        return -ENOMEM;
                }
                return doctor_found(
                        ret, CHECK_FAIL, remedy, "the profile %s does not let libvirt run %s", file, program);
        }

        return doctor_found(ret, CHECK_OK, NULL, "AppArmor lets libvirt run the hook");
}

/* A program that was copied instead of installed can have a label that libvirt must not execute. */
static int check_selinux(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *enforce = doctor_read(doctor, "/sys/fs/selinux/enforce");
        _cleanup_free_ char *program = NULL, *path = NULL, *remedy = NULL;
        char label[256] = "";
        ssize_t n;

        if (!enforce)
                return doctor_found(ret, CHECK_SKIP, NULL, "SELinux is off");
        if (!streq(enforce, "1"))
                return doctor_found(ret, CHECK_OK, NULL, "SELinux is permissive");

        if (hook_program(doctor, &program) < 0)
                return -ENOMEM;
        if (asprintf(&path, "%s%s", doctor->root, program) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (asprintf(&remedy, "restorecon -v %s", program) < 0) {
                remedy = NULL;
                return -ENOMEM;
        }

        n = getxattr(path, "security.selinux", label, sizeof(label) - 1);
        if (n < 0)
                return doctor_found(ret, CHECK_WARN, remedy, "%s has no label: %s", program, strerror(errno));
        if (strstr(label, ":user_home_t:") || strstr(label, ":user_tmp_t:") || strstr(label, ":unlabeled_t:"))
                return doctor_found(ret, CHECK_FAIL, remedy,
                        "%s is labelled %s, which libvirt may not execute", program, label);
        return doctor_found(ret, CHECK_OK, NULL, "%s is labelled %s", program, label);
}

const Check libvirt_checks[] = {
        { "machined", check_machined },
        { "hook", check_hook },
        { "libvirt", check_reload },
        { "apparmor", check_apparmor },
        { "selinux", check_selinux },
};
const size_t n_libvirt_checks = ELEMENTSOF(libvirt_checks);
