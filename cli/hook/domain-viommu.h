/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>

#include "metadata.h"

/*
 * Adds the domain's use of iommufd and the number of PASIDs of its vIOMMU to the
 * metadata, under the keys of viommu.h, if the XML has them. libvirt has no
 * element for the vIOMMU's PASIDs, so they are read from <qemu:commandline>.
 * Returns 0 or -ENOMEM.
 */
int domain_viommu_collect(const xmlNode *root, Metadata *ret);
