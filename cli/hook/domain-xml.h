/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metadata.h"
#include "uuid.h"

/* Far above any real domain: a domain with hundreds of devices stays below 1 MiB. */
#define DOMAIN_XML_SIZE_MAX ((size_t) 4 * 1024 * 1024)

#define DOMAIN_XML_NAMESPACE "urn:pasidd:domain:1"

/* The parts of a libvirt domain's XML that pasidd uses. */
typedef struct DomainXml {
        char *name;                  /* can contain control characters */
        char uuid[UUID_STRING_SIZE]; /* canonical */
        uint32_t quota;              /* <pasid:quota max="N"/> in the metadata */
        uint32_t watermark;          /* its watermark="N" */
        bool quota_set;
        bool watermark_set;
        bool running;
        char *slice;       /* in which libvirt starts the domain, from <partition> */
        Metadata metadata; /* for rules to match on, see below */
} DomainXml;

/*
 * Keys of the metadata:
 *
 *   iommufd, viommu-pasids how the domain attaches PASIDs, see viommu.h
 *   title, description     the domain's own elements
 *   nova:name, nova:flavor, nova:flavor-id, nova:project, nova:project-uuid, nova:user, nova:user-uuid,
 *   nova:image             of Nova's <instance>; the image by its UUID
 *   nova:extra-spec:NAME   of its flavor
 *   {NAMESPACE}a/b         the text of an element <b> in an <a> of another namespace
 *   {NAMESPACE}a/b@c       an attribute of it
 *
 * Items that are too long, not printable or beyond the total size (metadata.h) are
 * skipped: tenants write them, and must not be able to keep a domain from
 * starting. Nova's values and the domain's elements come first, then one value of
 * each other namespace in turn, so that no namespace displaces another.
 */

/*
 * Parses the XML of a domain; xml-reader.h lists what is refused. Unknown elements and attributes in pasidd's namespace are
 * errors, so that a misspelt quota is not ignored.
 *
 * Returns 0; -EBADMSG with a one-line message in *ret_error, which the caller
 * frees; or -ENOMEM. *ret is untouched on failure.
 */
int domain_xml_parse(const char *xml, size_t size, DomainXml *ret, char **ret_error);

void domain_xml_clear(DomainXml *domain);
