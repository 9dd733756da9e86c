/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"

/*
 * Tenants write metadata, and must not be able to keep a domain from starting: what metadata_add() rejects is skipped.
 * Both functions return 0 or -ENOMEM.
 */

/* Adds an item, unless its value is empty. */
int metadata_add_fitting(Metadata *metadata, const char *key, const char *value);

/*
 * Adds the first item of each part, then the second of each, and so on: the first items of all parts fit, however many items
 * one has.
 */
int metadata_merge(Metadata *metadata, const Metadata *parts, size_t n_parts);
