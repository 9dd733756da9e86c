/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"
#include "xml-path.h"

/*
 * The domain's use of iommufd and the number of PASIDs of its vIOMMU. libvirt has no element for the vIOMMU's PASIDs, so
 * they are read from <qemu:commandline>.
 */
typedef struct DomainViommu {
        XmlPath path;
        bool iommufd;
        uint32_t pasids;
        bool device; /* the argument before was "-device" */
} DomainViommu;

void domain_viommu_init(DomainViommu *viommu);

/* Take the starts and ends of all elements of the domain. */
void domain_viommu_start(DomainViommu *viommu, const XmlElement *element);
void domain_viommu_end(DomainViommu *viommu, unsigned depth);

/* Adds what was found to the metadata, under the keys of viommu.h. Returns 0 or -ENOMEM. */
int domain_viommu_collect(const DomainViommu *viommu, Metadata *ret);
