/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>

#include "metadata.h"

/*
 * Adds what a libvirt domain's XML says of iommufd and of the PASIDs of its
 * vIOMMU to the metadata, under the keys of viommu.h; nothing if it says
 * nothing. libvirt has no element for the vIOMMU's PASIDs, so those are read
 * from the arguments that <qemu:commandline> passes on. -ENOMEM.
 */
int domain_viommu_collect(const xmlNode *root, Metadata *ret);
