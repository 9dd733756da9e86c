/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "viommu.h"

#include <inttypes.h>

#include "macro.h"
#include "quota.h"

static const char *find_value(const Metadata *metadata, const char *key) {
        for (size_t i = 0; i < metadata->n_items; i++)
                if (streq(metadata->items[i].key, key))
                        return metadata->items[i].value;

        return NULL;
}

bool viommu_uses_iommufd(const Metadata *metadata) {
        const char *value = find_value(metadata, METADATA_IOMMUFD);

        return value && streq(value, "yes");
}

uint32_t viommu_pasids(const Metadata *metadata) {
        const char *value = find_value(metadata, METADATA_VIOMMU_PASIDS);
        uint32_t pasids;

        return value && quota_parse(value, 0, &pasids) >= 0 ? pasids : 0;
}

int viommu_describe(uint32_t pasids, uint32_t quota, char **ret) {
        char *text = NULL;

        if (pasids > quota && asprintf(&text,
                                      "its vIOMMU offers %" PRIu32 " PASIDs, its quota is %" PRIu32
                                      ": the guest does not learn which attach is denied",
                                      pasids, quota) < 0)
                return -ENOMEM;

        *ret = text;
        return 0;
}
