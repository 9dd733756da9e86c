/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "metadata.h"
#include "utf8.h"

void metadata_clear(Metadata *metadata) {
        for (size_t i = 0; i < metadata->n_items; i++) {
                free(metadata->items[i].key);
                free(metadata->items[i].value);
        }
        free(metadata->items);
        *metadata = (Metadata) {};
}

int metadata_add(Metadata *metadata, const char *key, const char *value) {
        _cleanup_free_ char *k = NULL, *v = NULL;
        MetadataItem *items;
        size_t size;

        if (isempty(key) || !utf8_is_printable(key) || !utf8_is_printable(value))
                return -EINVAL;
        if (strlen(key) > METADATA_TEXT_MAX || strlen(value) > METADATA_TEXT_MAX)
                return -E2BIG;
        size = METADATA_PAIR_SIZE + strlen(key) + strlen(value);
        if (metadata->n_items >= METADATA_ITEMS_MAX || size > METADATA_SIZE_MAX - metadata->size)
                return -ENOSPC;

        k = strdup(key);
        v = strdup(value);
        items = reallocarray(metadata->items, metadata->n_items + 1, sizeof(*items));
        if (items)
                metadata->items = items;
        if (!k || !v || !items)
                return -ENOMEM;

        metadata->size += size;
        items[metadata->n_items++] = (MetadataItem) { .key = TAKE_PTR(k), .value = TAKE_PTR(v) };
        return 0;
}

int metadata_copy(const Metadata *metadata, Metadata *ret) {
        _cleanup_(metadata_clear) Metadata copy = {};
        int r;

        for (size_t i = 0; i < metadata->n_items; i++) {
                r = metadata_add(&copy, metadata->items[i].key, metadata->items[i].value);
                if (r < 0)
                        return r;
        }

        *ret = copy;
        copy = (Metadata) {};
        return 0;
}

bool metadata_equal(const Metadata *a, const Metadata *b) {
        if (a->n_items != b->n_items)
                return false;

        for (size_t i = 0; i < a->n_items; i++)
                if (!streq(a->items[i].key, b->items[i].key) || !streq(a->items[i].value, b->items[i].value))
                        return false;

        return true;
}
