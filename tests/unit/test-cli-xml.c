/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "macro.h"
#include "test-util.h"
#include "xml-path.h"
#include "xml-reader.h"
#include "xml-text.h"

/* What the handlers were called with, as text. */
typedef struct Trace {
        FILE *f;
        unsigned calls;
        unsigned fail_at; /* the call that fails; 0: none */
} Trace;

static int called(Trace *trace) {
        trace->calls++;
        return trace->calls == trace->fail_at ? -ENOMEM : 0;
}

static int on_start(void *userdata, const XmlElement *element) {
        Trace *trace = userdata;
        const char *name, *value;
        size_t i = 0;

        fprintf(trace->f, "<%u", element->depth);
        if (element->namespace)
                fprintf(trace->f, "{%s}", element->namespace);
        fputs(element->name, trace->f);
        while (xml_element_next_attribute(element, &i, &name, &value))
                fprintf(trace->f, " %s=%s", name, value);
        fputc('>', trace->f);
        return called(trace);
}

static int on_text(void *userdata, const char *text, size_t n) {
        Trace *trace = userdata;

        fprintf(trace->f, "%.*s", (int) n, text);
        return called(trace);
}

static int on_end(void *userdata, unsigned depth) {
        Trace *trace = userdata;

        fprintf(trace->f, "</%u>", depth);
        return called(trace);
}

/* Returns what xml_read() returns. The caller frees *ret and *ret_error. */
static int read_xml(const char *xml, size_t size, Trace *trace, char **ret, char **ret_error) {
        static const XmlHandlers handlers = { .start = on_start, .text = on_text, .end = on_end };
        size_t length;
        int r;

        trace->f = open_memstream(ret, &length);
        assert_non_null(trace->f);
        r = xml_read(xml, size, &handlers, trace, ret_error);
        assert_int_equal(fclose(trace->f), 0);
        return r;
}

static void assert_read(const char *xml, const char *expected) {
        _cleanup_free_ char *events = NULL, *error = NULL;
        Trace trace = {};

        test_case("%s", xml);
        assert_int_equal(read_xml(xml, strlen(xml), &trace, &events, &error), 0);
        assert_null(error);
        assert_string_equal(events, expected);
}

/* expected: the beginning of the message. */
static void assert_refused(const char *xml, size_t size, const char *expected) {
        _cleanup_free_ char *events = NULL, *error = NULL;
        Trace trace = {};

        test_case("%.80s, %s", xml, expected);
        assert_int_equal(read_xml(xml, size, &trace, &events, &error), -EBADMSG);
        print_message("%s\n", error);
        assert_int_equal(strncmp(error, expected, strlen(expected)), 0);
}

static void test_events(void **state _unused_) {
        assert_read("<a/>", "<1a></1>");
        assert_read("<?xml version='1.0'?><!-- c --><a><?p i?></a><!-- c -->", "<1a></1>");
        assert_read("<?xml version='1.1' encoding='utf-8' standalone='yes'?><a/>", "<1a></1>");
        assert_read("\xef\xbb\xbf<a/>", "<1a></1>");
        assert_read("<a><b/><c><d/></c></a>", "<1a><2b></2><2c><3d></3></2></1>");
        assert_read("<a>x<!-- c -->y<?p i?>z</a>", "<1a>xyz</1>");
        assert_read("<a><![CDATA[<b>&amp;]]></a>", "<1a><b>&amp;</1>");
        assert_read("<a>&lt;&gt;&amp;&quot;&apos;&#65;&#x42;&amp;lt;</a>", "<1a><>&\"'AB&lt;</1>");
        assert_read("<a>x\r\ny\rz&#13;</a>", "<1a>x\ny\nz\r</1>");
        assert_read("<a b=' x\ty\nz&#10;' c='&lt;&#38;lt;'/>", "<1a b= x y z\n c=<&lt;></1>");
        assert_read("<\xc3\xa9 \xc3\xa4='\xf0\x9f\x98\x80'/>", "<1\xc3\xa9 \xc3\xa4=\xf0\x9f\x98\x80></1>");
}

static void test_namespaces(void **state _unused_) {
        assert_read("<p:a xmlns:p='u'><p:b/></p:a>", "<1{u}a><2{u}b></2></1>");
        assert_read("<a xmlns='u'><b xmlns=''><c/></b><d/></a>", "<1{u}a><2b><3c></3></2><2{u}d></2></1>");
        assert_read("<a xmlns='u'><a xmlns='v'/><a/></a>", "<1{u}a><2{v}a></2><2{u}a></2></1>");
        /* attributes are not in the default namespace */
        assert_read("<a xmlns='u' xmlns:p='v' b='1' p:b='2'/>", "<1{u}a b=1></1>");
        /* prefixes that are not declared, here or any more */
        assert_read("<p:a p:b='1'/>", "<1p:a p:b=1></1>");
        assert_read("<a><p:b xmlns:p='u'/><p:b/></a>", "<1a><2{u}b></2><2p:b></2></1>");
        assert_read("<a xmlns:p='u'><pq:b/><q:b/></a>", "<1a><2pq:b></2><2q:b></2></1>");
        /* declared by the standard */
        assert_read("<xml:a xml:b='1'/>", "<1{http://www.w3.org/XML/1998/namespace}a></1>");
        /* forbidden declarations */
        assert_read("<a xmlns:p='u'><p:b xmlns:p=''/></a>", "<1a><2{u}b></2></1>");
        assert_read("<xml:a xmlns:xml='u'/>", "<1{http://www.w3.org/XML/1998/namespace}a></1>");
        assert_read("<a xmlns:xmlns='u'/>", "<1a></1>");
        assert_read("<a xmlns='http://www.w3.org/2000/xmlns/'/>", "<1a></1>");
        assert_read("<p:a xmlns:p='http://www.w3.org/XML/1998/namespace'/>", "<1p:a></1>");
        /* not a prefix and a name */
        assert_read("<a: xmlns:a='u' xmlns:='x' :b='1' a:1='2'/>", "<1a: xmlns:=x :b=1 a:1=2></1>");
        assert_read("<a:b:c xmlns:a='u'/>", "<1{u}b:c></1>");
}

static void test_refused(void **state _unused_) {
        static const struct {
                const char *xml;
                const char *error;
        } cases[] = {
                { "x", "is not well-formed: " },
                { "<a>", "is not well-formed: " },
                { "<a>\n<b>\n</a>", "is not well-formed: " },
                { "<a/><a/>", "is not well-formed: " },
                { "<a b='1' b='2'/>", "is not well-formed: " },
                { "<a b=1/>", "is not well-formed: " },
                { "<a>]]></a>", "is not well-formed: " },
                { "<a><!-- -- --></a>", "is not well-formed: " },
                { "<a><![CDATA[x</a>", "is not well-formed: " },
                { "<a>&x;</a>", "is not well-formed: " },
                { "<a b='&x;'/>", "is not well-formed: " },
                { "<?xml version='1.0' standalone='no'?><a>&x;</a>", "is not well-formed: " },
                { "<a>&#0;</a>", "is not well-formed: " },
                { "<a>\x01</a>", "is not well-formed: " },
                { " <?xml version='1.0'?><a/>", "is not well-formed: " },

                /* not UTF-8: an invalid byte, an overlong form, a surrogate, U+FFFF, a cut sequence */
                { "<a>\xff</a>", "is not well-formed: " },
                { "<a>\xc0\xbc</a>", "is not well-formed: " },
                { "<a>\xed\xa0\x80</a>", "is not well-formed: " },
                { "<a>\xef\xbf\xbf</a>", "is not well-formed: " },
                { "<a b='\xe9'/>", "is not well-formed: " },
                { "<a/><!-- \xe9", "is not well-formed: " },
                { "<?xml version='1.0' encoding='UTF-16'?><a/>", "has the encoding UTF-16, not UTF-8" },
                { "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
                        "has the encoding ISO-8859-1, not UTF-8" },
                { "<?xml version='1.0' encoding='none'?><a/>", "has the encoding none, not UTF-8" },
                { "<?xml version='2.0'?><a/>", "is " }, /* newer versions of expat refuse it themselves */

                { "<!DOCTYPE a><a/>", "has a DOCTYPE" },
                { "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "has a DOCTYPE" },
                { "<!DOCTYPE a PUBLIC 'x' 'y' [<!ENTITY e 'x'>]><a>&e;</a>", "has a DOCTYPE" },
                /* before what is in it */
                { "<!DOCTYPE a [ <<< ", "has a DOCTYPE" },
                { "<!DOCTYPE a [<!ENTITY % p SYSTEM 'x'> %p;]><a/>", "has a DOCTYPE" },
                { "<!DOCTYPE a [<!ENTITY a 'xx'><!ENTITY b '&a;&a;'>]><a>&b;</a>", "has a DOCTYPE" },
        };
        static const char utf16[] = "\xff\xfe<\0a\0/\0>";
        static const char cut[] = "<a>\0</a>";

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                assert_refused(cases[i].xml, strlen(cases[i].xml), cases[i].error);

        assert_refused(utf16, sizeof(utf16), "has a zero byte, so it is not in UTF-8");
        assert_refused(cut, sizeof(cut) - 1, "has a zero byte, so it is not in UTF-8");
        assert_refused("<a/>", sizeof("<a/>"), "has a zero byte, so it is not in UTF-8");
        assert_refused("\xfe\xff\x4e\x00", 3, "is not well-formed: ");
}

/* A document with n of something. */
typedef void (*WriteDocument)(FILE *f, unsigned n);

static void write_deep(FILE *f, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                fputs("<a>", f);
        for (unsigned i = 0; i < n; i++)
                fputs("</a>", f);
}

static void write_siblings(FILE *f, unsigned n) {
        fputs("<a>", f);
        for (unsigned i = 0; i < n; i++)
                fprintf(f, "<b><p%u:c xmlns:p%u='u'/></b>", i, i);
        fputs("</a>", f);
}

static void write_attributes(FILE *f, unsigned n) {
        fputs("<a", f);
        for (unsigned i = 0; i < n; i++)
                fprintf(f, " a%u=''", i);
        fputs("/>", f);
}

static void write_declarations(FILE *f, unsigned n) {
        fputs("<a", f);
        for (unsigned i = 0; i < n; i++)
                fprintf(f, " xmlns:p%u='u'", i);
        fputs("/>", f);
}

static void write_nested_declarations(FILE *f, unsigned n) {
        fputs("<a xmlns='u' xmlns:p='v'>", f);
        for (unsigned i = 2; i < n; i += 2)
                fprintf(f, "<a xmlns='u%u' xmlns:p='v'>", i);
        for (unsigned i = 2; i < n; i += 2)
                fputs("</a>", f);
        fputs("</a>", f);
}

static char *document(WriteDocument write, unsigned n) {
        char *xml = NULL;
        size_t size;
        FILE *f = open_memstream(&xml, &size);

        assert_non_null(f);
        write(f, n);
        assert_int_equal(fclose(f), 0);
        return xml;
}

/* The largest document that is read, and the smallest that is not. */
static void test_limits(void **state _unused_) {
        static const struct {
                WriteDocument write;
                unsigned max, above; /* above is 0 without a limit */
                const char *error;
        } cases[] = {
                { write_deep, XML_DEPTH_MAX, XML_DEPTH_MAX + 1, "has elements nested more than 256 deep" },
                { write_attributes, XML_ATTRIBUTES_MAX, XML_ATTRIBUTES_MAX + 1,
                        "has an element with more than 1024 attributes" },
                { write_declarations, XML_SCOPE_MAX, XML_SCOPE_MAX + 1,
                        "has an element below more than 256 declarations of namespaces" },
                { write_nested_declarations, XML_SCOPE_MAX, XML_SCOPE_MAX + 2,
                        "has an element below more than 256 declarations of namespaces" },
                /* the limits are of what is open */
                { write_siblings, 20 * XML_SCOPE_MAX, 0, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *max = document(cases[i].write, cases[i].max), *above = NULL,
                                    *events = NULL, *error = NULL;
                Trace trace = {};

                test_case("%zu", i);
                assert_int_equal(read_xml(max, strlen(max), &trace, &events, &error), 0);
                if (cases[i].above == 0)
                        continue;
                above = document(cases[i].write, cases[i].above);
                assert_refused(above, strlen(above), cases[i].error);
        }
}

/* Far above the limits: what takes quadratic time would not end. */
static void test_large(void **state _unused_) {
        _cleanup_free_ char *attributes = document(write_attributes, 100000),
                            *declarations = document(write_declarations, 100000),
                            *deep = document(write_deep, 100000);

        assert_refused(attributes, strlen(attributes), "has an element with more than 1024 attributes");
        assert_refused(declarations, strlen(declarations),
                "has an element below more than 256 declarations of namespaces");
        assert_refused(deep, strlen(deep), "has elements nested more than 256 deep");
}

/* Wherever a handler fails, no other one is called. */
static void test_failing_handler(void **state _unused_) {
        static const char xml[] = "<a>x<b/><![CDATA[y]]>&lt;<c><d/></c>z</a>";
        unsigned calls = 0;

        for (unsigned fail_at = 1;; fail_at++) {
                _cleanup_free_ char *events = NULL, *error = NULL;
                Trace trace = { .fail_at = fail_at };
                int r = read_xml(xml, strlen(xml), &trace, &events, &error);

                assert_null(error);
                calls = trace.calls;
                if (r == 0)
                        break;
                test_case("%s", events);
                assert_int_equal(r, -ENOMEM);
                assert_int_equal(trace.calls, fail_at);
        }
        assert_int_equal(calls, 12);
}

static void test_text(void **state _unused_) {
        static const struct {
                const char *first, *second;
                const char *whole;   /* with a maximum of 4; NULL: too long */
                const char *trimmed; /* the same */
        } cases[] = {
                { "", "", "", "" },
                { "a", "b", "ab", "ab" },
                { "ab", "cd", "abcd", "abcd" },
                { "ab", "cde", NULL, NULL },
                { " a", " ", " a ", "a" },
                { "\t\r\n ", " a", NULL, "a" },
                { "a \t\r", "\n\n\n\n", NULL, "a" },
                { "a  b", " ", NULL, "a  b" },
                { "a   ", "b", NULL, NULL },
                { "     ", " abcd  ", NULL, "abcd" },
                { "     ", " abcde ", NULL, NULL },
                { "     ", "", NULL, "" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                for (unsigned trim = 0; trim < 2; trim++) {
                        const char *expected = trim ? cases[i].trimmed : cases[i].whole, *found;
                        XmlText text = {};

                        test_case("\"%s\" and \"%s\", trimmed: %u", cases[i].first, cases[i].second, trim);
                        xml_text_add(&text, "before", 6); /* not begun */
                        if (trim)
                                xml_text_begin_trimmed(&text, 4);
                        else
                                xml_text_begin(&text, 4);
                        xml_text_add(&text, cases[i].first, strlen(cases[i].first));
                        xml_text_add(&text, cases[i].second, strlen(cases[i].second));
                        found = xml_text_end(&text);
                        xml_text_add(&text, "after", 5);
                        if (expected)
                                assert_string_equal(found, expected);
                        else
                                assert_null(found);
                }
        }
}

enum { OUTSIDE, TOP, FIRST, EACH, ANY, INNER };

static const XmlPlace places[] = {
        [TOP] = { OUTSIDE, "a", NULL, false },
        [FIRST] = { TOP, "first", NULL, true },
        [EACH] = { TOP, "each", "u", false },
        [ANY] = { TOP, "any", XML_NAMESPACE_ANY, false },
        [INNER] = { EACH, "inner", NULL, true },
};

typedef struct Walk {
        XmlPath path;
        char found[32]; /* a digit for the place of each start, and for that of each end */
        size_t n;
} Walk;

static int walk_start(void *userdata, const XmlElement *element) {
        Walk *walk = userdata;

        walk->found[walk->n++] = (char) ('0' + xml_path_enter(&walk->path, element));
        return 0;
}

static int walk_text(void *userdata, const char *text, size_t n) {
        return 0;
}

static int walk_end(void *userdata, unsigned depth) {
        Walk *walk = userdata;

        walk->found[walk->n++] = (char) ('0' + xml_path_leave(&walk->path, depth));
        return 0;
}

static void test_xml_path(void **state _unused_) {
        static const XmlHandlers handlers = { .start = walk_start, .text = walk_text, .end = walk_end };
        static const struct {
                const char *xml;
                const char *found;
        } cases[] = {
                { "<a/>", "11" },
                { "<b/>", "00" },
                { "<a xmlns='u'/>", "00" },
                { "<a><first/><first/></a>", "122001" },
                { "<a><any/><p:any xmlns:p='v'/></a>", "144441" },
                /* not where the table has it */
                { "<a><b><first/></b><first/></a>", "10000221" },
                { "<a><a><first/></a></a>", "100001" },
                { "<a><first><first/></first></a>", "120021" },
                { "<a><each/></a>", "1001" },
                /* the first of each parent */
                { "<a xmlns:p='u'><p:each><inner/><inner/></p:each><p:each><inner/></p:each></a>",
                        "135500335531" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Walk walk = { .path = { .places = places, .n_places = ELEMENTSOF(places) } };
                _cleanup_free_ char *error = NULL;

                test_case("%s", cases[i].xml);
                assert_int_equal(xml_read(cases[i].xml, strlen(cases[i].xml), &handlers, &walk, &error), 0);
                assert_string_equal(walk.found, cases[i].found);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_namespaces),
                cmocka_unit_test(test_refused),
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_large),
                cmocka_unit_test(test_failing_handler),
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_xml_path),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
