/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/*
 * The namespace declarations that are in force at a place of an XML document. Not expat's own: that one refuses a
 * document with a prefix that is not declared, which libvirt accepts in the metadata of a domain and passes on.
 */

#define XML_SCOPE_MAX 256U

typedef struct XmlDeclaration {
        char *prefix;    /* "" for the default namespace */
        char *namespace; /* "": no namespace */
        unsigned depth;  /* of the element that declares it */
} XmlDeclaration;

/* Zero-initialised: no declarations. */
typedef struct XmlScope {
        XmlDeclaration declarations[XML_SCOPE_MAX];
        size_t n;
} XmlScope;

/* Length of the prefix of a name as written, without the colon; 0 if it has none. */
size_t xml_prefix_length(const char *name);

/*
 * Adds the declaration that an attribute of an element at this depth makes, if it makes one. Returns 0; -ENOSPC if there
 * are XML_SCOPE_MAX declarations; or -ENOMEM. Declarations that the standard forbids are ignored.
 */
int xml_scope_declare(XmlScope *scope, unsigned depth, const char *attribute, const char *value);

/*
 * The namespace of a prefix, whose length is n; the default namespace if n is 0. Valid until the scope changes. NULL if
 * the prefix is not declared or there is no default namespace.
 */
const char *xml_scope_find(const XmlScope *scope, const char *prefix, size_t n);

/* Removes the declarations of elements at this depth and below. */
void xml_scope_leave(XmlScope *scope, unsigned depth);

void xml_scope_clear(XmlScope *scope);
