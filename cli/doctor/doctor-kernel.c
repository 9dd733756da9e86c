/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <dirent.h>
#include <inttypes.h>

#include "cgroup-path.h"
#include "doctor.h"
#include "kernel.h"

/* Checks of the kernel. */

#define CGROUP "/sys/fs/cgroup"

static const char install_kernel[] = "install a kernel with the PASID quota patches, and boot it";

static int check_kernel(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *release = doctor_read(doctor, "/proc/sys/kernel/osrelease"), *path = NULL;
        _cleanup_fclose_ FILE *f = NULL;

        if (!release)
                return doctor_found(ret, CHECK_SKIP, NULL, "/proc/sys/kernel/osrelease cannot be read");
        if (doctor_exists(doctor, "/sys/module/vfio_pasid"))
                return doctor_found(ret, CHECK_OK, NULL, "%s, vfio_pasid is loaded", release);

        if (asprintf(&path, "%s/lib/modules/%s/modules.dep", doctor->root, release) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        f = fopen(path, "re");
        if (f && modules_dep_has(f, "vfio_pasid"))
                return doctor_found(ret, CHECK_WARN, "modprobe vfio_pasid",
                        "%s has the module vfio_pasid, which is not loaded", release);
        return doctor_found(ret, CHECK_FAIL, install_kernel, "%s has no module vfio_pasid", release);
}

static int check_iommu(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *path = NULL;
        unsigned n = 0;
        DIR *d;

        if (asprintf(&path, "%s/sys/class/iommu", doctor->root) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        d = opendir(path);
        if (d) {
                for (struct dirent *de; (de = readdir(d));)
                        n += de->d_name[0] != '.';
                closedir(d);
        }

        if (n == 0)
                return doctor_found(ret, CHECK_FAIL,
                        "enable the IOMMU (VT-d, AMD-Vi, SMMU) in the firmware, and boot with intel_iommu=on "
                        "or amd_iommu=on",
                        "there is no IOMMU in /sys/class/iommu");
        return doctor_found(ret, CHECK_OK, NULL, "%u IOMMU%s", n, n == 1 ? "" : "s");
}

/* The entry of a file of the misc controller: "pasid 1048575". Returns -ENOENT without one. */
static int misc_value(const Doctor *doctor, const char *path, const char *key, uint64_t *ret) {
        _cleanup_free_ char *text = doctor_read(doctor, path);
        size_t n = strlen(key);
        char *state;

        for (char *line = text ? strtok_r(text, "\n", &state) : NULL; line;
                line = strtok_r(NULL, "\n", &state)) {
                if (strncmp(line, key, n) != 0 || line[n] != ' ')
                        continue;
                if (streq(line + n + 1, "max"))
                        *ret = UINT64_MAX;
                else if (sscanf(line + n + 1, "%" SCNu64, ret) != 1)
                        return -ENOENT;
                return 0;
        }

        return -ENOENT;
}

/*
 * Intel VT-d has its PASID width in ECAP: bit 40 is the PASID capability, bits 39 to 35 are the width minus
 * one.
 */
static unsigned intel_width(const Doctor *doctor) {
        _cleanup_free_ char *text = doctor_read(doctor, "/sys/class/iommu/dmar0/intel-iommu/ecap");
        uint64_t ecap;

        if (!text || sscanf(text, "%" SCNx64, &ecap) != 1 || !(ecap >> 40 & 1))
                return 0;
        return (unsigned) (ecap >> 35 & 0x1f) + 1;
}

static int check_width(const Doctor *doctor, Finding *ret) {
        unsigned width = intel_width(doctor), bits = 0;
        uint64_t capacity = 0;

        if (misc_value(doctor, CGROUP "/misc.capacity", "pasid", &capacity) < 0)
                return doctor_found(
                        ret, CHECK_FAIL, install_kernel, "misc.capacity of the host has no entry for PASIDs");
        if (capacity > 0) {
                while (bits < 64 && capacity >> bits)
                        bits++;
                return doctor_found(
                        ret, CHECK_OK, NULL, "%u bits, %" PRIu64 " PASIDs for all machines", bits, capacity);
        }
        if (width > 0)
                return doctor_found(ret, CHECK_FAIL, "boot with intel_iommu=on,sm_on",
                        "the IOMMU has PASIDs of %u bits, but does not run in scalable mode", width);
        return doctor_found(ret, CHECK_FAIL,
                "nothing: this IOMMU has no PASIDs; quotas are not needed on this host",
                "no IOMMU of this host supports PASIDs");
}

/* Linux 6.15 introduced VFIO_DEVICE_ATTACH_PASID. A release that does not parse counts as newer. */
static bool lets_attach(const char *release) {
        unsigned major, minor;

        return !release || sscanf(release, "%u.%u", &major, &minor) != 2 || major > 6 ||
               (major == 6 && minor >= 15);
}

/* Checks PASIDs that VMs attach to their devices through iommufd. */
static int check_iommufd(const Doctor *doctor, Finding *ret) {
        bool iommufd = doctor_exists(doctor, "/dev/iommu") || doctor_exists(doctor, "/sys/module/iommufd");
        bool devices = doctor_exists(doctor, "/dev/vfio/devices");
        _cleanup_free_ char *release = doctor_read(doctor, "/proc/sys/kernel/osrelease");
        uint64_t capacity;

        if (misc_value(doctor, CGROUP "/misc.capacity", "pasid_attach", &capacity) >= 0)
                return doctor_found(ret, CHECK_OK, NULL,
                        "PASIDs that VMs attach through iommufd are counted and limited%s",
                        !iommufd  ? "; iommufd is not loaded"
                        : devices ? ""
                                  : "; no device for it in /dev/vfio/devices");

        if (!iommufd || !devices)
                return doctor_found(ret, CHECK_SKIP, NULL,
                        "no VM can attach PASIDs through iommufd: there is no %s",
                        iommufd ? "device for it in /dev/vfio/devices" : "iommufd");
        if (!lets_attach(release))
                return doctor_found(
                        ret, CHECK_SKIP, NULL, "%s lets no VM attach PASIDs through iommufd", release);
        return doctor_found(ret, CHECK_WARN,
                "install a kernel whose misc controller has pasid_attach, or give VMs no devices through iommufd",
                "this kernel neither counts nor limits PASIDs that VMs attach through iommufd; quotas apply only "
                "to PASIDs that VMs allocate");
}

static int check_cgroup(const Doctor *doctor, Finding *ret) {
        _cleanup_free_ char *controllers = doctor_read(doctor, CGROUP "/cgroup.controllers");

        if (!controllers)
                return doctor_found(ret, CHECK_FAIL, "boot with systemd.unified_cgroup_hierarchy=1",
                        CGROUP " is not the unified hierarchy (cgroup v2)");
        if (!doctor_has_word(controllers, "misc"))
                return doctor_found(ret, CHECK_FAIL,
                        "boot a kernel with CONFIG_CGROUP_MISC=y, and without cgroup_disable=misc",
                        "cgroup v2 without the misc controller");
        return doctor_found(ret, CHECK_OK, NULL, "cgroup v2 with the misc controller");
}

/*
 * Finds the first cgroup on the way from the root to the slice that does not
 * enable the controller for its children. Returns 1 with it in *ret, 0 if there
 * is none.
 */
static int find_gap(const Doctor *doctor, const char *slice, char **ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = cgroup_path_from_slice(slice, &path);
        if (r < 0)
                return r == -EINVAL ? 0 : r;

        for (size_t length = 0;;) {
                _cleanup_free_ char *cgroup = NULL, *file = NULL, *text = NULL;

                if (asprintf(&cgroup, CGROUP "%.*s", (int) length, path) < 0) {
                        cgroup = NULL;
                        return -ENOMEM;
                }
                if (asprintf(&file, "%s/cgroup.subtree_control", cgroup) < 0) {
                        file = NULL;
                        return -ENOMEM;
                }
                text = doctor_read(doctor, file);
                if (!text) /* the slice does not exist, so it has no VMs */
                        return 0;
                if (!doctor_has_word(text, "misc")) {
                        *ret = TAKE_PTR(cgroup);
                        return 1;
                }

                if (!path[length] || streq(path, "/"))
                        return 0;
                length += 1 + strcspn(path + length + 1, "/");
        }
}

/* A cgroup with processes, other than the root, cannot enable a controller for its children. */
static bool has_processes(const Doctor *doctor, const char *cgroup) {
        _cleanup_free_ char *file = NULL, *text = NULL;

        if (streq(cgroup, CGROUP))
                return false;
        if (asprintf(&file, "%s/cgroup.procs", cgroup) < 0) {
                file = NULL;
                return false;
        }

        text = doctor_read(doctor, file);
        return text && *text;
}

static int check_misc(const Doctor *doctor, Finding *ret) {
        static const char *const default_slices[] = { "machine.slice", NULL };
        const char *const *slices =
                doctor->config ? (const char *const *) doctor->config->slices : default_slices;
        size_t n = 0;
        int r;

        if (!doctor_exists(doctor, CGROUP "/cgroup.subtree_control"))
                return doctor_found(ret, CHECK_SKIP, NULL, "there is no cgroup v2");

        for (; slices[n]; n++) {
                _cleanup_free_ char *gap = NULL, *remedy = NULL;

                r = find_gap(doctor, slices[n], &gap);
                if (r < 0)
                        return r;
                if (r == 0)
                        continue;
                if (has_processes(doctor, gap)) {
                        if (asprintf(&remedy,
                                    "move the processes in %s/cgroup.procs to a cgroup of their own (systemd-cgls %s "
                                    "shows them), then: pasidctl reconcile",
                                    gap, gap) < 0) {
                                remedy = NULL;
                                return -ENOMEM;
                        }
                        return doctor_found(ret, CHECK_FAIL, remedy,
                                "not enabled below %s, on the way to %s: the cgroup has processes of its own",
                                gap, slices[n]);
                }
                if (asprintf(&remedy, "systemctl restart pasidd, or: echo +misc >%s/cgroup.subtree_control",
                            gap) < 0) {
                        remedy = NULL;
                        return -ENOMEM;
                }
                return doctor_found(
                        ret, CHECK_FAIL, remedy, "not enabled below %s, on the way to %s", gap, slices[n]);
        }

        return doctor_found(
                ret, CHECK_OK, NULL, "enabled down to the machines of %zu slice%s", n, n == 1 ? "" : "s");
}

const Check kernel_checks[] = {
        { "kernel", check_kernel },
        { "iommu", check_iommu },
        { "pasid-width", check_width },
        { "iommufd", check_iommufd },
        { "cgroup", check_cgroup },
        { "misc-controller", check_misc },
};
const size_t n_kernel_checks = ELEMENTSOF(kernel_checks);
