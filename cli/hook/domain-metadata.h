/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>

#include "metadata.h"

/*
 * Adds to the metadata what rules can match on: Nova's values, the domain's title and description, and
 * then the elements of other namespaces. domain-xml.h lists the keys. Skips what does not fit. Returns 0,
 * -EBADMSG with *ret_error set if there are two <metadata> elements, or -ENOMEM. */
int domain_metadata_collect(const xmlNode *root, Metadata *metadata, char **ret_error);
