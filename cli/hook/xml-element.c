/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "xml-element.h"

#include "error-text.h"
#include "macro.h"

bool xml_is_element(const xmlNode *node, const char *name) {
        return node->type == XML_ELEMENT_NODE && !node->ns && streq((const char *) node->name, name);
}

/* The only child of that name. *ret is NULL without one. */
int xml_find_child(const xmlNode *parent, const char *name, xmlNode **ret, char **ret_error) {
        xmlNode *found = NULL;

        for (xmlNode *node = parent->children; node; node = node->next)
                if (xml_is_element(node, name)) {
                        if (found)
                                return error_text(ret_error, "has two <%s> elements", name);
                        found = node;
                }

        *ret = found;
        return 0;
}
