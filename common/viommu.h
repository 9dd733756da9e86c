/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "metadata.h"

/*
 * A domain's vIOMMU and iommufd settings, which the hook finds in its XML and
 * passes on with the metadata. The keys cannot occur in a tenant's metadata.
 */

#define METADATA_IOMMUFD       "iommufd" /* "yes": the domain's host devices are attached through iommufd */
#define METADATA_VIOMMU_PASIDS "viommu-pasids" /* number of PASIDs that the vIOMMU offers to the guest */

/* Are the domain's host devices attached through iommufd? */
bool viommu_uses_iommufd(const Metadata *metadata);

/* Number of PASIDs that the vIOMMU offers; 0 if unknown. */
uint32_t viommu_pasids(const Metadata *metadata);

/*
 * Returns in *ret a sentence if the vIOMMU offers more PASIDs than the quota
 * allows: the guest does not learn which attach was denied. *ret is NULL if the
 * quota suffices; the caller frees it. Returns 0 or -ENOMEM.
 */
int viommu_describe(uint32_t pasids, uint32_t quota, char **ret);
