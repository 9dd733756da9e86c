/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"
#include "xml-path.h"
#include "xml-text.h"

/* Nova's metadata. The first version has no extra specs and is otherwise the same. */
#define NOVA_NAMESPACE     "http://openstack.org/xmlns/libvirt/nova/1.1"
#define NOVA_NAMESPACE_1_0 "http://openstack.org/xmlns/libvirt/nova/1.0"

#define NOVA_VALUES 8U

/* Nova's values, from its <instance>. Zero-initialised: none. */
typedef struct DomainNova {
        Metadata metadata; /* what was found so far */

        /* of the current <instance> */
        const char *namespace;
        XmlPath path;
        char *values[NOVA_VALUES];
        Metadata specs;
        char *spec; /* key of the current extra spec, NULL if it has none that fits */
        XmlText text;
} DomainNova;

/* Is this one of Nova's namespaces? */
bool domain_nova_owns(const char *namespace);

/* Is this the element that has the values? The element is in a namespace. */
bool domain_nova_is_instance(const XmlElement *element);

/*
 * Take an <instance> in the domain's <metadata>: domain_nova_start() and domain_nova_end() its start and end and those of all
 * elements in it, domain_nova_text() the text in it. Values that do not fit are skipped. Return 0 or -ENOMEM.
 */
int domain_nova_start(DomainNova *nova, const XmlElement *element);
void domain_nova_text(DomainNova *nova, const char *text, size_t n);
int domain_nova_end(DomainNova *nova, unsigned depth);

void domain_nova_clear(DomainNova *nova);
