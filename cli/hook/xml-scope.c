/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "xml-scope.h"

#include "macro.h"

#define NAMESPACE_XML   "http://www.w3.org/XML/1998/namespace"
#define NAMESPACE_XMLNS "http://www.w3.org/2000/xmlns/"

/* Can a name begin with this byte? The parser has checked that it can be in a name. */
static bool begins_name(char c) {
        return c != '\0' && c != ':' && c != '-' && c != '.' && !(c >= '0' && c <= '9');
}

/* "a:", ":a" and "a:1" have no prefix, because the parts are not names. */
size_t xml_prefix_length(const char *name) {
        const char *colon = strchr(name, ':');

        return colon && colon != name && begins_name(colon[1]) ? (size_t) (colon - name) : 0;
}

static bool can_declare(const char *prefix, const char *namespace) {
        if (streq(namespace, NAMESPACE_XML) || streq(namespace, NAMESPACE_XMLNS))
                return false;
        if (isempty(prefix))
                return true;

        return !isempty(namespace) && !streq(prefix, "xml") && !streq(prefix, "xmlns");
}

int xml_scope_declare(XmlScope *scope, unsigned depth, const char *attribute, const char *value) {
        _cleanup_free_ char *prefix = NULL, *namespace = NULL;
        const char *declared;

        if (streq(attribute, "xmlns"))
                declared = "";
        else if (xml_prefix_length(attribute) == strlen("xmlns") &&
                 strncmp(attribute, "xmlns", strlen("xmlns")) == 0)
                declared = attribute + strlen("xmlns:");
        else
                return 0;

        if (!can_declare(declared, value))
                return 0;
        if (scope->n >= ELEMENTSOF(scope->declarations))
                return -ENOSPC;

        prefix = strdup(declared);
        namespace = strdup(value);
        if (!prefix || !namespace)
                return -ENOMEM;

        scope->declarations[scope->n++] = (XmlDeclaration) {
                .prefix = TAKE_PTR(prefix),
                .namespace = TAKE_PTR(namespace),
                .depth = depth,
        };
        return 0;
}

const char *xml_scope_find(const XmlScope *scope, const char *prefix, size_t n) {
        if (n == strlen("xml") && strncmp(prefix, "xml", n) == 0)
                return NAMESPACE_XML;

        for (size_t i = scope->n; i-- > 0;) {
                const XmlDeclaration *declaration = &scope->declarations[i];

                if (strncmp(declaration->prefix, prefix, n) == 0 && declaration->prefix[n] == '\0')
                        return isempty(declaration->namespace) ? NULL : declaration->namespace;
        }

        return NULL;
}

void xml_scope_leave(XmlScope *scope, unsigned depth) {
        while (scope->n > 0 && scope->declarations[scope->n - 1].depth >= depth) {
                XmlDeclaration *last = &scope->declarations[--scope->n];

                free(last->prefix);
                free(last->namespace);
                *last = (XmlDeclaration) {};
        }
}

void xml_scope_clear(XmlScope *scope) {
        xml_scope_leave(scope, 0);
}
