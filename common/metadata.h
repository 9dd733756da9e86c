/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "macro.h"

/*
 * A domain's libvirt metadata, flattened for rules to match on: pairs of a key
 * and a value. A key can have several values. The hook extracts them from the
 * domain's XML (cli/hook/domain-metadata.h lists the keys).
 */

#define METADATA_ITEMS_MAX 128U
#define METADATA_TEXT_MAX  255U /* bytes of a key or a value */

/* Maximum size of all pairs: their strings, and what each pair takes besides them in a call (see call-limits.h). */
#define METADATA_SIZE_MAX  12288U
#define METADATA_PAIR_SIZE 24U

#define METADATA_NOVA_FLAVOR       "nova:flavor"
#define METADATA_NOVA_PROJECT      "nova:project"
#define METADATA_NOVA_PROJECT_UUID "nova:project-uuid"
#define METADATA_NOVA_EXTRA_SPEC   "nova:extra-spec:" /* followed by the name of the extra spec */

typedef struct MetadataItem {
        char *key;
        char *value;
} MetadataItem;

/* Zero-initialised: empty. */
typedef struct Metadata {
        MetadataItem *items;
        size_t n_items;
        size_t size; /* at most METADATA_SIZE_MAX */
} Metadata;

void metadata_clear(Metadata *metadata);

/*
 * Appends copies of key and value. Returns 0; -EINVAL if the key is empty or a
 * string is not printable UTF-8; -E2BIG if a string is too long; -ENOSPC if
 * there are too many pairs or METADATA_SIZE_MAX is exceeded; -ENOMEM. metadata
 * is unchanged on failure.
 */
int metadata_add(Metadata *metadata, const char *key, const char *value);

/* Makes a deep copy. *ret must be empty, and stays empty on failure. Returns 0 or -ENOMEM. */
int metadata_copy(const Metadata *metadata, Metadata *ret);

bool metadata_equal(const Metadata *a, const Metadata *b);
