/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <libxml/tree.h>

/* Is the node an element of that name, in no namespace? */
bool xml_is_element(const xmlNode *node, const char *name);

/*
 * The only child of that name, in no namespace. *ret is NULL without one. Returns 0, or -EBADMSG with *ret_error set when there
 * are several, or -ENOMEM.
 */
int xml_find_child(const xmlNode *parent, const char *name, xmlNode **ret, char **ret_error);

static inline void xml_freep(xmlChar **p) {
        if (*p)
                xmlFree(*p);
}
