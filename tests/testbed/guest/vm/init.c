/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only process of the virtual machine that puts PASIDs to use inside the testbed: a user of a device through VFIO and
 * iommufd, as a user-space driver would be. It says "ready" on the console and then does what it is told there, one line
 * each:
 *
 *   bind FIRST LAST       attaches the page table to these PASIDs of the device
 *   release FIRST LAST    detaches them
 *   off                   ends the machine
 *
 * It answers with one line for each PASID, "bound 3" or "bind 3: REASON", and "done" in the end.
 */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/iommufd.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <unistd.h>

static int device = -1;
static int iommufd = -1;
static __u32 page_table;

static void off(void) {
        fflush(stdout);
        (void) reboot(RB_POWER_OFF);
        for (;;)
                pause();
}

static void die(const char *what) {
        printf("failed: %s: %s\n", what, strerror(errno));
        off();
}

/* The character device of the one device that the kernel's command line gives to vfio-pci. */
static int open_device(void) {
        glob_t found;
        char *path = NULL;
        int fd;

        if (glob("/sys/bus/pci/drivers/vfio-pci/*/vfio-dev/vfio*", 0, NULL, &found) != 0) {
                errno = ENODEV;
                die("a device that is bound to vfio-pci");
        }
        if (asprintf(&path, "/dev/vfio/devices/%s", strrchr(found.gl_pathv[0], '/') + 1) < 0)
                die("asprintf");
        fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                die(path);
        free(path);
        globfree(&found);
        return fd;
}

/* pasid 0 is the device's own page table, for which there is no flag. */
static int attach(__u32 pasid) {
        struct vfio_device_attach_iommufd_pt args = {
                .argsz = sizeof(args),
                .flags = pasid ? VFIO_DEVICE_ATTACH_PASID : 0,
                .pt_id = page_table,
                .pasid = pasid,
        };

        return ioctl(device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &args);
}

static int detach(__u32 pasid) {
        struct vfio_device_detach_iommufd_pt args = {
                .argsz = sizeof(args),
                .flags = VFIO_DEVICE_DETACH_PASID,
                .pasid = pasid,
        };

        return ioctl(device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &args);
}

static void set_up(void) {
        struct vfio_device_bind_iommufd bound = { .argsz = sizeof(bound) };
        struct iommu_hw_info info = { .size = sizeof(info) };
        struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
        struct iommu_hwpt_alloc hwpt = { .size = sizeof(hwpt), .flags = IOMMU_HWPT_ALLOC_PASID };

        device = open_device();
        iommufd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
        if (iommufd < 0)
                die("/dev/iommu");
        bound.iommufd = iommufd;
        if (ioctl(device, VFIO_DEVICE_BIND_IOMMUFD, &bound) < 0)
                die("VFIO_DEVICE_BIND_IOMMUFD");
        info.dev_id = bound.out_devid;
        if (ioctl(iommufd, IOMMU_GET_HW_INFO, &info) < 0)
                die("IOMMU_GET_HW_INFO");
        if (ioctl(iommufd, IOMMU_IOAS_ALLOC, &ioas) < 0)
                die("IOMMU_IOAS_ALLOC");
        hwpt.dev_id = bound.out_devid;
        hwpt.pt_id = ioas.out_ioas_id;
        if (ioctl(iommufd, IOMMU_HWPT_ALLOC, &hwpt) < 0)
                die("IOMMU_HWPT_ALLOC");
        page_table = hwpt.out_hwpt_id;
        if (attach(0) < 0)
                die("VFIO_DEVICE_ATTACH_IOMMUFD_PT of the device itself");
        printf("ready, PASIDs of %u bits\n", info.out_max_pasid_log2);
}

static void do_range(const char *verb, const char *verbed, int (*call)(__u32), __u32 first, __u32 last) {
        for (__u32 pasid = first; pasid <= last; pasid++)
                if (call(pasid) < 0)
                        printf("%s %u: %s\n", verb, pasid, strerror(errno));
                else
                        printf("%s %u\n", verbed, pasid);
        printf("done\n");
}

int main(void) {
        char line[128];
        unsigned first, last;

        setvbuf(stdout, NULL, _IOLBF, 0);
        if (mount("dev", "/dev", "devtmpfs", 0, NULL) < 0 && errno != EBUSY)
                die("/dev");
        if (mount("sys", "/sys", "sysfs", 0, NULL) < 0)
                die("/sys");
        set_up();
        while (fgets(line, sizeof(line), stdin)) {
                if (sscanf(line, "bind %u %u", &first, &last) == 2)
                        do_range("bind", "bound", attach, first, last);
                else if (sscanf(line, "release %u %u", &first, &last) == 2)
                        do_range("release", "released", detach, first, last);
                else if (strcmp(line, "off\n") == 0)
                        break;
                else
                        printf("not understood: %s", line);
        }
        off();
}
