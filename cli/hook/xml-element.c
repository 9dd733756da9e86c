/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "xml-element.h"

#include "macro.h"

bool xml_element_is(const XmlElement *element, const char *namespace, const char *name) {
        return streq(element->name, name) && streq_ptr(element->namespace, namespace);
}

const char *xml_element_attribute(const XmlElement *element, const char *name) {
        for (const char *const *p = element->attributes; *p; p += 2)
                if (streq(p[0], name))
                        return p[1];

        return NULL;
}

static bool is_in_no_namespace(const XmlElement *element, const char *attribute) {
        size_t n = xml_prefix_length(attribute);

        if (n == 0)
                return !streq(attribute, "xmlns");
        if (n == strlen("xmlns") && strncmp(attribute, "xmlns", n) == 0)
                return false;

        return !xml_scope_find(element->scope, attribute, n);
}

bool xml_element_next_attribute(
        const XmlElement *element, size_t *i, const char **ret_name, const char **ret_value) {
        for (const char *const *p = element->attributes + *i; *p; p += 2) {
                *i += 2;
                if (is_in_no_namespace(element, p[0])) {
                        *ret_name = p[0];
                        *ret_value = p[1];
                        return true;
                }
        }

        return false;
}
