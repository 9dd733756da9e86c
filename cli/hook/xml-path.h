/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "xml-element.h"

/*
 * Follows a document through a table of the elements that matter. All others, and what is in them, are not followed.
 */

#define XML_PLACES_MAX    16U
#define XML_NAMESPACE_ANY "*"

/* An element that matters. The index in the table identifies it; index 0 is what contains the topmost ones. */
typedef struct XmlPlace {
        unsigned parent;
        const char *name;
        const char *namespace; /* NULL: none */
        bool only_first;       /* do not follow further ones in the same parent */
} XmlPlace;

typedef struct XmlPath {
        const XmlPlace *places;
        size_t n_places;               /* at most XML_PLACES_MAX */
        unsigned place;                /* the innermost element that is followed */
        unsigned depth;                /* its depth in the document */
        unsigned seen[XML_PLACES_MAX]; /* number of elements of each place in the current parent */
} XmlPath;

/* Returns the place of an element that starts, or 0 if it is not followed. */
unsigned xml_path_enter(XmlPath *path, const XmlElement *element);

/* Returns the place of the element at this depth, which ends, or 0 if it was not followed. */
unsigned xml_path_leave(XmlPath *path, unsigned depth);
