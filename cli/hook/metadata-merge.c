/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metadata-merge.h"

int metadata_add_fitting(Metadata *metadata, const char *key, const char *value) {
        int r;

        if (isempty(value))
                return 0;

        r = metadata_add(metadata, key, value);
        return r == -ENOMEM ? r : 0;
}

int metadata_merge(Metadata *metadata, const Metadata *parts, size_t n_parts) {
        bool more = true;

        for (size_t i = 0; more; i++) {
                more = false;
                for (const Metadata *part = parts; part < parts + n_parts; part++) {
                        int r;

                        if (i >= part->n_items)
                                continue;
                        more = true;
                        r = metadata_add_fitting(metadata, part->items[i].key, part->items[i].value);
                        if (r < 0)
                                return r;
                }
        }

        return 0;
}
