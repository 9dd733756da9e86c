/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libxml/tree.h>

#include "metadata.h"

/*
 * Adds what rules can match on to the metadata: Nova's values, the domain's title and description, and then the elements of
 * other namespaces. domain-xml.h has the keys. Leaves out what does not fit. Returns 0, or -EBADMSG with *ret_error set when
 * there are two <metadata> elements, or -ENOMEM.
 */
int domain_metadata_collect(const xmlNode *root, Metadata *metadata, char **ret_error);
