/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "metadata.h"

/*
 * What the hook finds out about a domain's way to PASIDs and hands over with
 * the metadata, under keys that no metadata of tenants can have.
 */

#define METADATA_IOMMUFD       "iommufd" /* "yes": the domain's host devices are attached through iommufd */
#define METADATA_VIOMMU_PASIDS "viommu-pasids" /* how many PASIDs its vIOMMU lets the guest name */

bool viommu_uses_iommufd(const Metadata *metadata);

/* 0 if that is not known. */
uint32_t viommu_pasids(const Metadata *metadata);

/*
 * A sentence if the guest can name more PASIDs than it may have, for it does
 * not learn which of them it did not get. *ret is to be freed, NULL if there is
 * nothing to say. -ENOMEM.
 */
int viommu_describe(uint32_t pasids, uint32_t quota, char **ret);
