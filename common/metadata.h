/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "macro.h"

/*
 * What libvirt's metadata says of a domain, flat, for rules to match on: pairs
 * of a key and a value, of which one key may have several. The hook makes them
 * out of the domain's XML (cli/domain-xml.h has the keys).
 */

#define METADATA_ITEMS_MAX 128U
#define METADATA_TEXT_MAX  255U /* bytes of a key or a value */

/* Of all pairs together: their texts, and what a pair takes beside them in a call (see call-limits.h). */
#define METADATA_SIZE_MAX  12288U
#define METADATA_PAIR_SIZE 24U

#define METADATA_NOVA_FLAVOR       "nova:flavor"
#define METADATA_NOVA_PROJECT      "nova:project"
#define METADATA_NOVA_PROJECT_UUID "nova:project-uuid"
#define METADATA_NOVA_EXTRA_SPEC   "nova:extra-spec:" /* and the name of the extra spec */

typedef struct MetadataItem {
        char *key;
        char *value;
} MetadataItem;

/* All zero is an empty one. */
typedef struct Metadata {
        MetadataItem *items;
        size_t n_items;
        size_t size; /* of METADATA_SIZE_MAX */
} Metadata;

void metadata_clear(Metadata *metadata);

/*
 * Appends a copy. -EINVAL for an empty key and for text that is not printable
 * UTF-8, -E2BIG for what is too long, -ENOSPC for one too
 * many or more than METADATA_SIZE_MAX in all, -ENOMEM. Unchanged on failure.
 */
int metadata_add(Metadata *metadata, const char *key, const char *value);

/* *ret must be empty, and stays so on failure. */
int metadata_copy(const Metadata *metadata, Metadata *ret);

bool metadata_equal(const Metadata *a, const Metadata *b);
