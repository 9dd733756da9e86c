/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-foreign.h"
#include "domain-nova.h"
#include "domain-quota.h"

typedef enum DomainMetadataKind {
        DOMAIN_METADATA_IGNORED,
        DOMAIN_METADATA_QUOTA,
        DOMAIN_METADATA_NOVA,
        DOMAIN_METADATA_FOREIGN,
} DomainMetadataKind;

/* What is in a domain's <metadata>. Zero-initialised: nothing. */
typedef struct DomainMetadata {
        DomainQuota quota;
        DomainNova nova;
        DomainForeign foreign;
        unsigned depth; /* of the current element in <metadata>; 0: none */
        DomainMetadataKind kind;
} DomainMetadata;

/*
 * Take the starts and ends of the elements in <metadata>, and the text in them. A quota is put into the domain; its error
 * is metadata->quota.error. Return 0 or -ENOMEM.
 */
int domain_metadata_start(DomainMetadata *metadata, const XmlElement *element, DomainXml *domain);
void domain_metadata_text(DomainMetadata *metadata, const char *text, size_t n);
int domain_metadata_end(DomainMetadata *metadata, unsigned depth);

/*
 * Adds what rules can match on: Nova's values, the domain's own elements, and then the elements of other namespaces.
 * domain-xml.h lists the keys. Skips what does not fit. Returns 0 or -ENOMEM.
 */
int domain_metadata_collect(const DomainMetadata *metadata, const Metadata *own, Metadata *ret);

void domain_metadata_clear(DomainMetadata *metadata);
