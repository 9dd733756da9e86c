/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/iommufd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "attach-lib.h"
#include "vfio-lib.h"

int iommufd_open(uint32_t *ret_ioas) {
        struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
        int fd;

        fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (ioctl(fd, IOMMU_IOAS_ALLOC, &alloc) < 0) {
                int r = -errno;

                close(fd);
                return r;
        }
        *ret_ioas = alloc.out_ioas_id;
        return fd;
}

int cdev_open(const char *address) {
        char pattern[128], path[64];
        glob_t found;
        int fd, r;

        r = device_bind(address, "vfio-pci");
        if (r < 0)
                return r;
        snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/vfio-dev/vfio*", address);
        if (glob(pattern, 0, NULL, &found) != 0)
                return -ENODEV;
        snprintf(path, sizeof(path), "/dev/vfio/devices/%s", strrchr(found.gl_pathv[0], '/') + 1);
        globfree(&found);
        fd = open(path, O_RDWR | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int cdev_bind(AttachDevice *d, int iommufd) {
        struct vfio_device_bind_iommufd bound = { .argsz = sizeof(bound), .iommufd = iommufd };

        if (ioctl(d->fd, VFIO_DEVICE_BIND_IOMMUFD, &bound) < 0)
                return -errno;
        d->id = bound.out_devid;
        return 0;
}

int page_table_alloc(int iommufd, uint32_t ioas, const AttachDevice *d, uint32_t *ret) {
        struct iommu_hwpt_alloc hwpt = {
                .size = sizeof(hwpt),
                .flags = HWPT_ALLOC_PASID,
                .dev_id = d->id,
                .pt_id = ioas,
        };

        if (ioctl(iommufd, IOMMU_HWPT_ALLOC, &hwpt) < 0)
                return -errno;
        *ret = hwpt.out_hwpt_id;
        return 0;
}

int iommufd_destroy(int iommufd, uint32_t id) {
        struct iommu_destroy destroy = { .size = sizeof(destroy), .id = id };

        return ioctl(iommufd, IOMMU_DESTROY, &destroy) < 0 ? -errno : 0;
}

int pasid_attach(const AttachDevice *d, uint32_t page_table, uint32_t pasid) {
        AttachArgs args = {
                .argsz = sizeof(args),
                .flags = pasid > 0 ? ATTACH_PASID : 0,
                .pt_id = page_table,
                .pasid = pasid,
        };

        return ioctl(d->fd, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &args) < 0 ? -errno : 0;
}

int pasid_detach(const AttachDevice *d, uint32_t pasid) {
        DetachArgs args = {
                .argsz = sizeof(args),
                .flags = pasid > 0 ? ATTACH_PASID : 0,
                .pasid = pasid,
        };

        return ioctl(d->fd, VFIO_DEVICE_DETACH_IOMMUFD_PT, &args) < 0 ? -errno : 0;
}
