/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-metadata.h"

#include "macro.h"
#include "metadata-merge.h"

static DomainMetadataKind kind_of(const XmlElement *element) {
        if (!element->namespace)
                return DOMAIN_METADATA_IGNORED;
        if (streq(element->namespace, DOMAIN_XML_NAMESPACE))
                return DOMAIN_METADATA_QUOTA;
        if (domain_nova_owns(element->namespace))
                return domain_nova_is_instance(element) ? DOMAIN_METADATA_NOVA : DOMAIN_METADATA_IGNORED;

        return DOMAIN_METADATA_FOREIGN;
}

static int begin(DomainMetadata *metadata, const XmlElement *element, DomainXml *domain) {
        metadata->depth = element->depth;
        metadata->kind = kind_of(element);

        switch (metadata->kind) {
        case DOMAIN_METADATA_QUOTA:
                return domain_quota_read(&metadata->quota, element, domain);
        case DOMAIN_METADATA_NOVA:
                return domain_nova_start(&metadata->nova, element);
        case DOMAIN_METADATA_FOREIGN:
                return domain_foreign_begin(&metadata->foreign, element);
        default:
                return 0;
        }
}

int domain_metadata_start(DomainMetadata *metadata, const XmlElement *element, DomainXml *domain) {
        if (metadata->depth == 0)
                return begin(metadata, element, domain);
        if (metadata->kind == DOMAIN_METADATA_NOVA)
                return domain_nova_start(&metadata->nova, element);
        if (metadata->kind == DOMAIN_METADATA_FOREIGN)
                return domain_foreign_start(&metadata->foreign, element);

        return 0;
}

void domain_metadata_text(DomainMetadata *metadata, const char *text, size_t n) {
        if (metadata->depth == 0)
                return;
        if (metadata->kind == DOMAIN_METADATA_NOVA)
                domain_nova_text(&metadata->nova, text, n);
        else if (metadata->kind == DOMAIN_METADATA_FOREIGN)
                domain_foreign_text(&metadata->foreign, text, n);
}

int domain_metadata_end(DomainMetadata *metadata, unsigned depth) {
        bool finish = depth == metadata->depth;

        if (metadata->depth == 0)
                return 0;
        if (finish)
                metadata->depth = 0;

        switch (metadata->kind) {
        case DOMAIN_METADATA_NOVA:
                return domain_nova_end(&metadata->nova, depth);
        case DOMAIN_METADATA_FOREIGN:
                return finish ? domain_foreign_finish(&metadata->foreign, depth)
                              : domain_foreign_end(&metadata->foreign, depth);
        default:
                return 0;
        }
}

int domain_metadata_collect(const DomainMetadata *metadata, const Metadata *own, Metadata *ret) {
        int r;

        /* Nova's values first: they are short, and rules are most likely to match on them. */
        r = metadata_merge(ret, &metadata->nova.metadata, 1);
        if (r >= 0)
                r = metadata_merge(ret, own, 1);
        if (r >= 0)
                r = metadata_merge(ret, metadata->foreign.parts, metadata->foreign.n_parts);
        return r;
}

void domain_metadata_clear(DomainMetadata *metadata) {
        domain_quota_clear(&metadata->quota);
        domain_nova_clear(&metadata->nova);
        domain_foreign_clear(&metadata->foreign);
}
