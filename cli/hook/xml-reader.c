/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "xml-reader.h"

#include <expat.h>
#include <limits.h>

#include "ascii.h"
#include "error-text.h"
#include "macro.h"

typedef struct XmlReader {
        XML_Parser parser;
        const XmlHandlers *handlers;
        void *userdata;
        XmlScope scope;
        unsigned depth;
        int result; /* negative: the reading has ended */
        char **ret_error;
} XmlReader;

DEFINE_CLEANUP_FUNC(XML_Parser, XML_ParserFree, parser_freep);

/* expat can call handlers after this. They check the result. */
static void stop(XmlReader *reader, int r) {
        reader->result = r;
        (void) XML_StopParser(reader->parser, XML_FALSE);
}

/* Adds the declarations of an element to the scope. */
static int declare(XmlReader *reader, const char *const *attributes) {
        for (size_t n = 0; attributes[n]; n += 2) {
                int r;

                if (n / 2 >= XML_ATTRIBUTES_MAX)
                        return error_text(reader->ret_error, "has an element with more than %u attributes",
                                XML_ATTRIBUTES_MAX);

                r = xml_scope_declare(&reader->scope, reader->depth, attributes[n], attributes[n + 1]);
                if (r == -ENOSPC)
                        return error_text(reader->ret_error,
                                "has an element below more than %u declarations of namespaces",
                                XML_SCOPE_MAX);
                if (r < 0)
                        return r;
        }

        return 0;
}

static int start_element(XmlReader *reader, const char *name, const char *const *attributes) {
        size_t n = xml_prefix_length(name);
        XmlElement element = {
                .name = name,
                .depth = reader->depth,
                .attributes = attributes,
                .scope = &reader->scope,
        };
        int r;

        if (reader->depth > XML_DEPTH_MAX)
                return error_text(reader->ret_error, "has elements nested more than %u deep", XML_DEPTH_MAX);
        r = declare(reader, attributes);
        if (r < 0)
                return r;

        element.namespace = xml_scope_find(&reader->scope, name, n);
        if (element.namespace && n > 0)
                element.name = name + n + 1;

        return reader->handlers->start(reader->userdata, &element);
}

static void XMLCALL on_start(void *userdata, const XML_Char *name, const XML_Char **attributes) {
        XmlReader *reader = userdata;
        int r;

        if (reader->result < 0)
                return;

        reader->depth++;
        r = start_element(reader, name, (const char *const *) attributes);
        if (r < 0)
                stop(reader, r);
}

static void XMLCALL on_end(void *userdata, const XML_Char *name) {
        XmlReader *reader = userdata;
        int r;

        if (reader->result < 0)
                return;

        r = reader->handlers->end(reader->userdata, reader->depth);
        if (r < 0)
                stop(reader, r);
        xml_scope_leave(&reader->scope, reader->depth);
        reader->depth--;
}

static void XMLCALL on_text(void *userdata, const XML_Char *text, int n) {
        XmlReader *reader = userdata;
        int r;

        if (reader->result < 0)
                return;

        r = reader->handlers->text(reader->userdata, text, (size_t) n);
        if (r < 0)
                stop(reader, r);
}

/* expat calls this before the declarations in the DOCTYPE. */
static void XMLCALL on_doctype(void *userdata, const XML_Char *name, const XML_Char *system_id,
        const XML_Char *public_id, int has_internal_subset) {
        XmlReader *reader = userdata;

        stop(reader, error_text(reader->ret_error, "has a DOCTYPE"));
}

static void XMLCALL on_declaration(
        void *userdata, const XML_Char *version, const XML_Char *encoding, int standalone) {
        XmlReader *reader = userdata;

        if (version && strncmp(version, "1.", 2) != 0)
                stop(reader, error_text(reader->ret_error, "is of XML version %.20s, not 1.0", version));
        else if (encoding && !ascii_streq_case(encoding, "UTF-8"))
                stop(reader, error_text(reader->ret_error, "has the encoding %.40s, not UTF-8", encoding));
}

static int parse(XmlReader *reader, const char *xml, size_t size) {
        enum XML_Status status;
        enum XML_Error error;

        status = XML_Parse(reader->parser, xml, (int) size, XML_TRUE);
        if (reader->result < 0)
                return reader->result;
        if (status == XML_STATUS_OK)
                return 0;

        error = XML_GetErrorCode(reader->parser);
        if (error == XML_ERROR_NO_MEMORY)
                return -ENOMEM;

        return error_text(reader->ret_error, "is not well-formed: %s", XML_ErrorString(error));
}

int xml_read(const char *xml, size_t size, const XmlHandlers *handlers, void *userdata, char **ret_error) {
        _cleanup_(parser_freep) XML_Parser parser = NULL;
        XmlReader reader = { .handlers = handlers, .userdata = userdata, .ret_error = ret_error };
        int r;

        /* This includes UTF-16, which expat would detect. */
        if (memchr(xml, '\0', size))
                return error_text(ret_error, "has a zero byte, so it is not in UTF-8");
        if (size > INT_MAX)
                return error_text(ret_error, "is larger than %d bytes", INT_MAX);

        parser = XML_ParserCreate("UTF-8");
        if (!parser)
                return -ENOMEM;
        reader.parser = parser;
        XML_SetUserData(parser, &reader);
        XML_SetElementHandler(parser, on_start, on_end);
        XML_SetCharacterDataHandler(parser, on_text);
        XML_SetStartDoctypeDeclHandler(parser, on_doctype);
        XML_SetXmlDeclHandler(parser, on_declaration);

        r = parse(&reader, xml, size);
        xml_scope_clear(&reader.scope);
        return r;
}
