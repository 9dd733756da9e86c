/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-xml.h"

#include <limits.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "domain-metadata.h"
#include "domain-viommu.h"
#include "error-text.h"
#include "macro.h"
#include "quota.h"
#include "xml-element.h"

DEFINE_CLEANUP_FUNC(xmlParserCtxt *, xmlFreeParserCtxt, parser_freep);
DEFINE_CLEANUP_FUNC(xmlDoc *, xmlFreeDoc, doc_freep);

void domain_xml_clear(DomainXml *domain) {
        free(domain->name);
        free(domain->slice);
        metadata_clear(&domain->metadata);
        *domain = (DomainXml) {};
}

/* Called at "<!DOCTYPE", before any declaration. libvirt writes no DOCTYPE. */
static void refuse_doctype(
        void *ctx, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id) {
        xmlParserCtxt *parser = ctx;
        bool *refused = parser->_private;

        *refused = true;
        xmlStopParser(parser);
}

static void be_quiet(void *ctx, const char *format, ...) {
}

static int child_text(const xmlNode *parent, const char *name, char **ret, char **ret_error) {
        _cleanup_(xml_freep) xmlChar *text = NULL;
        xmlNode *node;
        char *copy;
        int r;

        r = xml_find_child(parent, name, &node, ret_error);
        if (r < 0)
                return r;
        if (!node)
                return error_text(ret_error, "has no <%s> element", name);

        text = xmlNodeGetContent(node);
        if (!text)
                return -ENOMEM;
        copy = strdup((const char *) text);
        if (!copy)
                return -ENOMEM;

        *ret = copy;
        return 0;
}

static int parse_number(xmlNode *node, const xmlAttr *attribute, uint32_t *ret, char **ret_error) {
        _cleanup_(xml_freep) xmlChar *text = NULL;
        int r;

        text = xmlNodeListGetString(node->doc, attribute->children, 1);
        r = quota_parse(text ? (const char *) text : "", 0, ret);
        if (r < 0)
                return error_text(ret_error, "has <pasid:quota %s=\"%s\"> in its metadata, which %s",
                        (const char *) attribute->name, text ? (const char *) text : "",
                        quota_parse_error(r));
        return 0;
}

static int parse_quota_element(xmlNode *node, DomainXml *domain, char **ret_error) {
        int r;

        for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
                const char *name = (const char *) attribute->name;

                if (attribute->ns)
                        continue; /* a foreign attribute */

                if (streq(name, "max")) {
                        r = parse_number(node, attribute, &domain->quota, ret_error);
                        domain->quota_set = true;
                } else if (streq(name, "watermark")) {
                        r = parse_number(node, attribute, &domain->watermark, ret_error);
                        domain->watermark_set = true;
                } else
                        r = error_text(ret_error,
                                "has <pasid:quota> in its metadata with the unknown attribute \"%s\"", name);
                if (r < 0)
                        return r;
        }

        if (!domain->quota_set && !domain->watermark_set)
                return error_text(ret_error, "has <pasid:quota> in its metadata without max= or watermark=");
        return 0;
}

static int parse_metadata(const xmlNode *root, DomainXml *domain, char **ret_error) {
        xmlNode *metadata;
        bool seen = false;
        int r;

        r = xml_find_child(root, "metadata", &metadata, ret_error);
        if (r < 0 || !metadata)
                return r;

        for (xmlNode *node = metadata->children; node; node = node->next) {
                if (node->type != XML_ELEMENT_NODE || !node->ns || !node->ns->href ||
                        !streq((const char *) node->ns->href, DOMAIN_XML_NAMESPACE))
                        continue;

                if (!streq((const char *) node->name, "quota"))
                        return error_text(ret_error,
                                "has <pasid:%s> in its metadata; there is only <pasid:quota>", node->name);
                if (seen)
                        return error_text(ret_error, "has two <pasid:quota> elements in its metadata");
                seen = true;

                r = parse_quota_element(node, domain, ret_error);
                if (r < 0)
                        return r;
        }

        return 0;
}

/*
 * Escapes a partition as libvirt does for systemd: "/machine/a-b" is "machine-a\x2db.slice". NULL when out
 * of memory.
 */
static char *partition_to_slice(const char *partition) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
        char *slice = NULL;
        size_t size;
        FILE *f;

        f = open_memstream(&slice, &size);
        if (!f)
                return NULL;

        while (*partition == '/')
                partition++;
        for (const char *p = partition; *p; p++)
                if (*p == '/')
                        fputc('-', f);
                else if (!strchr(plain, *p) || (p == partition && *p == '.'))
                        fprintf(f, "\\x%02x", (unsigned) (unsigned char) *p);
                else
                        fputc(*p, f);
        fputs(".slice", f);

        if (fclose(f) != 0) {
                free(slice);
                return NULL;
        }

        return slice;
}

static int parse_slice(const xmlNode *root, DomainXml *domain, char **ret_error) {
        _cleanup_(xml_freep) xmlChar *text = NULL;
        xmlNode *resource, *partition = NULL;
        int r;

        r = xml_find_child(root, "resource", &resource, ret_error);
        if (r >= 0 && resource)
                r = xml_find_child(resource, "partition", &partition, ret_error);
        if (r < 0)
                return r;

        if (partition) {
                text = xmlNodeGetContent(partition);
                if (!text)
                        return -ENOMEM;
        }

        domain->slice = partition_to_slice(text ? (const char *) text : "/machine");
        return domain->slice ? 0 : -ENOMEM;
}

static int parse_tree(const xmlNode *root, DomainXml *domain, char **ret_error) {
        _cleanup_free_ char *uuid = NULL;
        int r;

        if (!root || !xml_is_element(root, "domain"))
                return error_text(ret_error, "is not a libvirt domain");

        r = child_text(root, "name", &domain->name, ret_error);
        if (r < 0)
                return r;
        if (isempty(domain->name))
                return error_text(ret_error, "has an empty <name>");

        r = child_text(root, "uuid", &uuid, ret_error);
        if (r < 0)
                return r;
        if (uuid_canonical(uuid, domain->uuid) < 0)
                return error_text(ret_error, "has an invalid <uuid>");

        /* libvirt gives running domains an id. */
        domain->running = xmlHasProp(root, (const xmlChar *) "id");

        r = parse_slice(root, domain, ret_error);
        if (r >= 0)
                r = parse_metadata(root, domain, ret_error);
        if (r >= 0)
                r = domain_viommu_collect(root, &domain->metadata);
        if (r >= 0)
                r = domain_metadata_collect(root, &domain->metadata, ret_error);
        return r;
}

int domain_xml_parse(const char *xml, size_t size, DomainXml *ret, char **ret_error) {
        _cleanup_(parser_freep) xmlParserCtxt *parser = NULL;
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        _cleanup_(doc_freep) xmlDoc *doc = NULL;
        bool doctype = false;
        int r;

        if (size == 0)
                return error_text(ret_error, "is empty");
        if (size > DOMAIN_XML_SIZE_MAX || size > INT_MAX)
                return error_text(ret_error, "is larger than %zu bytes", DOMAIN_XML_SIZE_MAX);

        xmlSetGenericErrorFunc(NULL, be_quiet);

        parser = xmlNewParserCtxt();
        if (!parser)
                return -ENOMEM;
        parser->sax->internalSubset = refuse_doctype;
        parser->_private = &doctype;

        doc = xmlCtxtReadMemory(parser, xml, (int) size, NULL, NULL,
                XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        if (doctype)
                return error_text(ret_error, "has a DOCTYPE");
        if (!doc)
                return error_text(ret_error, "is not well-formed");

        r = parse_tree(xmlDocGetRootElement(doc), &domain, ret_error);
        if (r < 0)
                return r;

        *ret = domain;
        domain = (DomainXml) {};
        return 0;
}
