/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metadata.h"
#include "uuid.h"

/* No domain comes near it: libvirt's own hosts with hundreds of devices stay below 1 MiB. */
#define DOMAIN_XML_SIZE_MAX ((size_t) 4 * 1024 * 1024)

#define DOMAIN_XML_NAMESPACE "urn:pasidd:domain:1"

/* Nova's metadata. The first version knew no extra specs, the rest is the same. */
#define NOVA_NAMESPACE     "http://openstack.org/xmlns/libvirt/nova/1.1"
#define NOVA_NAMESPACE_1_0 "http://openstack.org/xmlns/libvirt/nova/1.0"

/* What a libvirt domain's XML says that matters to pasidd. */
typedef struct DomainXml {
        char *name;                  /* can hold control characters */
        char uuid[UUID_STRING_SIZE]; /* canonical */
        uint32_t quota;              /* <pasid:quota max="N"/> in the metadata */
        uint32_t watermark;          /* its watermark="N" */
        bool quota_set;
        bool watermark_set;
        bool running;
        char *slice;       /* in which libvirt starts it: what its <partition> gives */
        Metadata metadata; /* for rules to match on, see below */
} DomainXml;

/*
 * Keys of the metadata:
 *
 *   iommufd, viommu-pasids what the domain says of its way to PASIDs, see viommu.h
 *   title, description     the domain's own elements
 *   nova:name, nova:flavor, nova:flavor-id, nova:project, nova:project-uuid, nova:user, nova:user-uuid,
 *   nova:image             of Nova's <instance>; the image by its UUID
 *   nova:extra-spec:NAME   of its flavor
 *   {NAMESPACE}a/b         the text of an element <b> in an <a> of another namespace
 *   {NAMESPACE}a/b@c       an attribute of it
 *
 * What is too long, not printable, or too much in all (metadata.h) is left out:
 * tenants write this, and must not be able to keep a domain from starting.
 * Nova's values and the domain's own come first, then one value of each other
 * namespace in turn, so that a long element cannot crowd out another namespace's.
 */

/*
 * Parses it. No network, no DTD and no entities: a document with a DOCTYPE is
 * refused. Whatever stands in pasidd's namespace must be understood, so that a
 * misspelt quota does not become no quota.
 *
 * Returns 0; -EBADMSG with *ret_error saying in one line what is wrong (to be
 * freed); -ENOMEM. *ret is untouched on failure.
 */
int domain_xml_parse(const char *xml, size_t size, DomainXml *ret, char **ret_error);

void domain_xml_clear(DomainXml *domain);
