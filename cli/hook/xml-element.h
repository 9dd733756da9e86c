/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "xml-scope.h"

/* The start of an element of an XML document. */
typedef struct XmlElement {
        const char *namespace; /* NULL: none */
        const char *name;      /* without its prefix, unless that is not declared */
        unsigned depth;        /* 1 for the root */
        const char *const
                *attributes;   /* names and values in turn, then NULL; as written, with declarations */
        const XmlScope *scope; /* for the prefixes of attributes */
} XmlElement;

/* Is the element one of this name, in this namespace, or in none if that is NULL? */
bool xml_element_is(const XmlElement *element, const char *namespace, const char *name);

/* The value of the attribute of this name, in no namespace. NULL without one. */
const char *xml_element_attribute(const XmlElement *element, const char *name);

/*
 * Iterates over the attributes in no namespace, except declarations of namespaces. *i is 0 for the first one. An attribute
 * with a prefix that is not declared is in no namespace, and has the prefix in its name. Returns false at the end.
 */
bool xml_element_next_attribute(
        const XmlElement *element, size_t *i, const char **ret_name, const char **ret_value);
