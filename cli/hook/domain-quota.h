/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-xml.h"
#include "xml-element.h"

/* Zero-initialised: no element was read. */
typedef struct DomainQuota {
        bool seen;
        char *error; /* the first one */
} DomainQuota;

/*
 * Reads an element of pasidd's namespace in a domain's metadata. Puts what it asks for into the domain, or what is wrong
 * with it into quota->error, which domain_quota_clear() frees. Returns 0 or -ENOMEM.
 */
int domain_quota_read(DomainQuota *quota, const XmlElement *element, DomainXml *domain);

void domain_quota_clear(DomainQuota *quota);
