/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "metadata.h"
#include "xml-element.h"
#include "xml-text.h"

/*
 * The metadata of other projects, flattened: domain-xml.h has the form of the keys. Each namespace has its own author, and
 * libvirt keeps one element for each, so each element has a part of its own: a long one must not displace those that a rule
 * matches on. Zero-initialised: none.
 */
typedef struct DomainForeign {
        Metadata parts[METADATA_ITEMS_MAX]; /* of each element that has any */
        size_t n_parts;

        /* the current element */
        char key[METADATA_TEXT_MAX + 1];
        size_t prefix;    /* length of the part of the key for the namespace */
        unsigned skipped; /* depth of the element that is skipped, with all in it; 0: none is */
        bool leaf;        /* no element was in it so far */
        XmlText text;
} DomainForeign;

/*
 * Take an element in the domain's <metadata>, in a namespace: domain_foreign_begin() its start, domain_foreign_start() and
 * domain_foreign_end() the starts and ends of the elements in it, domain_foreign_text() the text in it, and
 * domain_foreign_finish() its end. What does not fit is skipped. Return 0 or -ENOMEM.
 */
int domain_foreign_begin(DomainForeign *foreign, const XmlElement *element);
int domain_foreign_start(DomainForeign *foreign, const XmlElement *element);
void domain_foreign_text(DomainForeign *foreign, const char *text, size_t n);
int domain_foreign_end(DomainForeign *foreign, unsigned depth);
int domain_foreign_finish(DomainForeign *foreign, unsigned depth);

void domain_foreign_clear(DomainForeign *foreign);
