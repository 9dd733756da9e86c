/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* PASIDs that are attached to page tables through iommufd, for the programs that load this interface. Functions return 0 or more
 * on success and a negative errno otherwise, and print nothing. */

#include <stdint.h>

/* Arguments as Linux 7.3 has them in linux/vfio.h and linux/iommufd.h; the headers that this is built with can be older. */
#define ATTACH_PASID     (UINT32_C(1) << 0)
#define HWPT_ALLOC_PASID (UINT32_C(1) << 3)

typedef struct AttachArgs {
        uint32_t argsz, flags, pt_id, pasid;
} AttachArgs;

typedef struct DetachArgs {
        uint32_t argsz, flags, pasid;
} DetachArgs;

typedef struct AttachDevice {
        int fd;
        uint32_t id; /* in the iommufd it is bound to */
} AttachDevice;

/* Opens an iommufd with an IOAS. */
int iommufd_open(uint32_t *ret_ioas);

/* Binds the PCI device to vfio-pci and opens its character device. */
int cdev_open(const char *address);

/* Binds the file of the device to the iommufd. */
int cdev_bind(AttachDevice *d, int iommufd);

/* Makes a page table of the IOAS that PASIDs of the device can be attached to. */
int page_table_alloc(int iommufd, uint32_t ioas, const AttachDevice *d, uint32_t *ret);
int iommufd_destroy(int iommufd, uint32_t id);

/* Attaches the PASID, or with 0 the device itself; replaces the page table if there is one. */
int pasid_attach(const AttachDevice *d, uint32_t page_table, uint32_t pasid);
int pasid_detach(const AttachDevice *d, uint32_t pasid);
