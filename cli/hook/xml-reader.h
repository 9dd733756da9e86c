/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "xml-element.h"

/*
 * Reads an XML document with expat, element by element: no tree is in memory. Documents are refused that have a DOCTYPE, and
 * so can have entities, or that are not in UTF-8, or that exceed a limit.
 */

#define XML_DEPTH_MAX      256U
#define XML_ATTRIBUTES_MAX 1024U /* of one element, with declarations of namespaces */

/* Called in the order of the document. Each returns 0, or -ENOMEM, which ends the reading. */
typedef struct XmlHandlers {
        int (*start)(void *userdata, const XmlElement *element); /* which is valid during the call */
        int (*text)(
                void *userdata, const char *text, size_t n); /* a part of the text of the innermost element */
        int (*end)(void *userdata, unsigned depth);          /* of the element with this depth */
} XmlHandlers;

/*
 * Calls the handlers for what is in the document. Returns 0; -EBADMSG with a message in *ret_error, which completes a
 * sentence that begins with the document, and which the caller frees; or -ENOMEM. Handlers can have been called before an
 * error is found.
 */
int xml_read(const char *xml, size_t size, const XmlHandlers *handlers, void *userdata, char **ret_error);
