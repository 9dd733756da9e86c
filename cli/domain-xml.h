/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uuid.h"

/* No domain comes near it: libvirt's own hosts with hundreds of devices stay below 1 MiB. */
#define DOMAIN_XML_SIZE_MAX ((size_t) 4 * 1024 * 1024)

#define DOMAIN_XML_NAMESPACE "urn:pasidd:domain:1"

/* What a libvirt domain's XML says that matters to pasidd. */
typedef struct DomainXml {
        char *name;                  /* can hold control characters */
        char uuid[UUID_STRING_SIZE]; /* canonical */
        uint32_t quota;              /* <pasid:quota max="N"/> in the metadata */
        uint32_t watermark;          /* its watermark="N" */
        bool quota_set;
        bool watermark_set;
} DomainXml;

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
