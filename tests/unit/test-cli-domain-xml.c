/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "domain-nova.h"
#include "domain-xml.h"
#include "test-util.h"
#include "viommu.h"

#define UUID "11111111-2222-3333-4444-555555555555"
#define NS   " xmlns:pasid=\"urn:pasidd:domain:1\""

#define DOMAIN(metadata)                                                                                     \
        "<domain type='kvm'><name>demo</name><uuid>" UUID "</uuid><metadata>" metadata                       \
        "</metadata><memory unit='KiB'>65536</memory></domain>"

static int parse(const char *xml, DomainXml *ret, char **ret_error) {
        return domain_xml_parse(xml, strlen(xml), ret, ret_error);
}

static void test_good(void **state _unused_) {
        static const struct {
                const char *xml;
                bool quota_set, watermark_set;
                uint32_t quota, watermark;
        } cases[] = {
                { "<domain><name>demo</name><uuid>" UUID "</uuid></domain>" },
                { DOMAIN("") },
                { DOMAIN("<pasid:quota" NS " max='4'/>"), true, false, 4, 0 },
                { DOMAIN("<pasid:quota" NS " max='0' watermark=\"1048576\"/>"), true, true, 0, 1048576 },
                { DOMAIN("<quota xmlns='urn:pasidd:domain:1' watermark='3'/>"), false, true, 0, 3 },
                /* metadata of other projects, and pasidd's annotations */
                { DOMAIN("<quota max='x'/><o:quota xmlns:o='urn:other' max='x'/>") },
                { DOMAIN("<pasid:quota" NS " xmlns:o='urn:other' o:max='x' max='4'/>"), true, false, 4, 0 },
                { "<?xml version='1.0'?><!-- c --><domain><uuid>11111111222233334444555555555555</uuid>"
                  "<name>demo</name></domain>" },
                /* attributes without a namespace count; of other elements of pasidd's namespace none is read */
                { DOMAIN("<pasid:quota" NS " xml:lang='en' max='&#52;'><pasid:max/></pasid:quota>"), true,
                        false, 4, 0 },
                /* not a child of <metadata> */
                { DOMAIN("<o:a xmlns:o='urn:other'><pasid:quota" NS " max='x'/></o:a>") },
                /* a prefix that is not declared is not pasidd's */
                { DOMAIN("<pasid:quota max='x'/>") },
                { "<domain><na:name/><name>d<!-- c -->e<![CDATA[m]]><b>&#111;</b></name><uuid>" UUID
                  "</uuid></domain>" },
                /* a nested name is not the domain's */
                { "<domain><devices><name>a</name></devices><name>demo</name><uuid>" UUID
                  "</uuid></domain>" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(domain_xml_clear) DomainXml domain = {};
                _cleanup_free_ char *error = NULL;

                test_case("%s", cases[i].xml);
                assert_int_equal(parse(cases[i].xml, &domain, &error), 0);
                assert_null(error);
                assert_string_equal(domain.name, "demo");
                assert_string_equal(domain.uuid, UUID);
                assert_int_equal(domain.quota_set, cases[i].quota_set);
                assert_int_equal(domain.quota, cases[i].quota);
                assert_int_equal(domain.watermark_set, cases[i].watermark_set);
                assert_int_equal(domain.watermark, cases[i].watermark);
        }
}

#define DEVICES(devices, more)                                                                               \
        "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>demo</name><uuid>" UUID       \
        "</uuid><devices>" devices "</devices>" more "</domain>"
#define HOSTDEV(driver)   "<hostdev mode='subsystem' type='pci'>" driver "<source/></hostdev>"
#define QEMU_ARGS(args)   DEVICES("", "<qemu:commandline>" args "</qemu:commandline>")
#define QEMU_DEVICE(what) QEMU_ARGS("<qemu:arg value='-device'/><qemu:arg value='" what "'/>")

static void test_viommu(void **state _unused_) {
        static const struct {
                const char *xml;
                bool iommufd;
                uint32_t pasids;
        } cases[] = {
                { DEVICES("", ""), false, 0 },
                { DEVICES(HOSTDEV("<driver name='vfio'/>"), ""), false, 0 },
                { DEVICES(HOSTDEV("<driver iommufd='yes'/>"), ""), true, 0 },
                { DEVICES(HOSTDEV("<driver iommufd='no'/>"), ""), false, 0 },
                { DEVICES(HOSTDEV("") HOSTDEV("<driver name='vfio' iommufd='yes'/>"), ""), true, 0 },
                { DEVICES("", "<iommufd enabled='yes'/>"), true, 0 },
                { DEVICES("", "<iommufd enabled='no'/>"), false, 0 },
                /* of a different device, and a foreign element */
                { DEVICES("<disk><driver iommufd='yes'/></disk>", ""), false, 0 },
                { DEVICES("", "<o:iommufd xmlns:o='urn:other' enabled='yes'/>"), false, 0 },
                /* the first element of several */
                { DEVICES("", "<iommufd/><iommufd enabled='yes'/>"), false, 0 },
                { DEVICES("", "<devices>" HOSTDEV("<driver iommufd='yes'/>") "</devices>"), false, 0 },
                { DEVICES(HOSTDEV("<driver/><driver iommufd='yes'/>"), ""), false, 0 },
                { DEVICES("<x>" HOSTDEV("<driver iommufd='yes'/>") "</x>", ""), false, 0 },

                { QEMU_DEVICE("intel-iommu,caching-mode=on,pasid-bits=16"), false, 65536 },
                { QEMU_DEVICE("intel-iommu,pasid-bits=20,fsts=on"), false, 1048576 },
                { QEMU_DEVICE("intel-iommu,pasid-bits=1"), false, 2 },
                { QEMU_DEVICE("intel-iommu"), false, 0 },
                { QEMU_DEVICE("intel-iommu,pasid-bits=0"), false, 0 },
                { QEMU_DEVICE("intel-iommu,pasid-bits=21"), false, 0 },
                { QEMU_DEVICE("intel-iommu,pasid-bits="), false, 0 },
                { QEMU_DEVICE("intel-iommu,pasid-bits=many"), false, 0 },
                { QEMU_DEVICE("intel-iommu,pasid-bits=16000000000"), false, 0 },
                { QEMU_DEVICE("intel-iommu,x-pasid-bits=16"), false, 0 },
                { QEMU_DEVICE("intel-iommu-other,pasid-bits=16"), false, 0 },
                { QEMU_DEVICE("edu,pasid-bits=16"), false, 0 },
                { QEMU_DEVICE("{\"driver\":\"intel-iommu\",\"pasid-bits\":16}"), false, 65536 },
                { QEMU_DEVICE("{\"driver\":\"edu\",\"pasid-bits\":16}"), false, 0 },
                { QEMU_DEVICE("{\"driver\":"), false, 0 },
                { QEMU_DEVICE("{\"driver\":\"intel-iommu\",\"pasid-bits\":[]}"), false, 0 },
                /* not after -device */
                { QEMU_ARGS("<qemu:arg value='intel-iommu,pasid-bits=16'/>"), false, 0 },
                { QEMU_ARGS("<qemu:arg value='-append'/><qemu:arg value='intel-iommu,pasid-bits=16'/>"),
                        false, 0 },
                { QEMU_ARGS("<qemu:arg/>"), false, 0 },
                /* the last device counts; other elements between the arguments do not */
                { QEMU_ARGS(
                          "<qemu:arg value='--device'/><qemu:env name='a'/><qemu:arg value='intel-iommu,pasid-bits=5'/>"
                          "<qemu:arg value='-device'/><qemu:arg value='intel-iommu,pasid-bits=6'/>"
                          "<qemu:arg value='-device'/><qemu:arg value='edu'/>"),
                        false, 64 },
                { DEVICES("", "<commandline><arg value='-device'/><arg value='intel-iommu,pasid-bits=16'/>"
                              "</commandline>"),
                        false, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(domain_xml_clear) DomainXml domain = {};
                _cleanup_free_ char *error = NULL;

                test_case("%s", cases[i].xml);
                assert_int_equal(parse(cases[i].xml, &domain, &error), 0);
                assert_true(viommu_uses_iommufd(&domain.metadata) == cases[i].iommufd);
                assert_int_equal(viommu_pasids(&domain.metadata), cases[i].pasids);
        }
}

static void test_viommu_describe(void **state _unused_) {
        _cleanup_free_ char *text = NULL, *none = NULL;

        assert_int_equal(viommu_describe(65536, 64, &text), 0);
        assert_string_equal(text,
                "its vIOMMU offers 65536 PASIDs, its quota is 64: the guest does not learn which attach is "
                "denied");
        assert_int_equal(viommu_describe(64, 64, &none), 0);
        assert_null(none);
        assert_int_equal(viommu_describe(0, 0, &none), 0);
        assert_null(none);
}

static void test_bad(void **state _unused_) {
        static const struct {
                const char *xml;
                const char *error; /* part of the message */
        } cases[] = {
                { "", "empty" },
                { "x", "well-formed" },
                { "<domain>", "well-formed" },
                { "<domain></domain><domain/>", "well-formed" },
                { "<network><name>demo</name></network>", "not a libvirt domain" },
                { "<domain xmlns='urn:x'><name>demo</name></domain>", "not a libvirt domain" },
                { "<domain/>", "no <name>" },
                { "<domain><name>demo</name></domain>", "no <uuid>" },
                { "<domain><name/><uuid>" UUID "</uuid></domain>", "<name>" },
                { "<domain><name>a</name><name>b</name><uuid>" UUID "</uuid></domain>",
                        "has two <name> elements" },
                { "<domain><name>a</name><uuid>" UUID "</uuid><uuid/></domain>", "has two <uuid> elements" },
                { "<domain><name>a</name><uuid>" UUID "</uuid><resource/><resource/></domain>",
                        "has two <resource> elements" },
                { "<domain><name>a</name><uuid>" UUID
                  "</uuid><resource><partition/><partition/></resource></domain>",
                        "has two <partition> elements" },
                { "<domain><name>a</name><uuid>" UUID "</uuid><metadata/><metadata/></domain>",
                        "has two <metadata> elements" },
                { "<domain><name>a</name><uuid> " UUID "</uuid></domain>", "<uuid>" },
                { "<domain><o:name xmlns:o='urn:other'>a</o:name><uuid>" UUID "</uuid></domain>",
                        "has no <name> element" },
                { "<o:domain xmlns:o='urn:other'/>", "not a libvirt domain" },
                { "<o:domain/>", "not a libvirt domain" },
                { "<domain><name>a</name><uuid>" UUID "0</uuid></domain>", "<uuid>" },
                { "<domain><name>a</name><uuid>00000000-0000-0000-0000-000000000000</uuid></domain>",
                        "<uuid>" },

                { "<!DOCTYPE domain><domain><name>a</name><uuid>" UUID "</uuid></domain>", "DOCTYPE" },
                { "<!DOCTYPE domain [<!ENTITY e 'demo'>]><domain><name>&e;</name></domain>", "DOCTYPE" },
                { "<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain/>", "DOCTYPE" },
                { "<domain><name>&e;</name><uuid>" UUID "</uuid></domain>", "well-formed" },

                /* What is not well-formed comes before what is wrong for pasidd, then the parts in a fixed order. */
                { "<network><name>a</name><name>b</name>", "well-formed" },
                { DOMAIN("<pasid:quota" NS " max='x'/>") "<", "well-formed" },
                { "<domain><metadata><pasid:quota" NS " max='x'/></metadata><name>a</name></domain>",
                        "no <uuid>" },
                { "<domain><metadata><pasid:quota" NS " max='x'/></metadata><resource/><resource/><uuid>" UUID
                  "</uuid><name>a</name></domain>",
                        "two <resource>" },
                { DOMAIN("<pasid:quota" NS " max='x'/></metadata><metadata>"), "two <metadata>" },
                { DOMAIN("<pasid:quota" NS " max='x' min='1'/><pasid:qouta" NS "/>"), "max=\"x\"" },
                { DOMAIN("<pasid:quota" NS " min='1' max='x'/>"), "\"min\"" },

                { DOMAIN("<pasid:quota" NS "/>"), "without max= or watermark=" },
                { DOMAIN("<pasid:quota" NS " pasid:max='4'/>"), "without max= or watermark=" },
                { DOMAIN("<pasid:quota" NS " o:max='4'/>"), "\"o:max\"" },
                /* messages are one line */
                { DOMAIN("<pasid:quota" NS " max='4&#10;'/>"), "max=\"...\"" },
                { DOMAIN("<pasid:quota" NS " max=''/>"), "max=\"\"" },
                { DOMAIN("<pasid:quota" NS " max='-1'/>"), "max=\"-1\"" },
                { DOMAIN("<pasid:quota" NS " max=' 4'/>"), "max=\" 4\"" },
                { DOMAIN("<pasid:quota" NS " max='4x'/>"), "max=\"4x\"" },
                { DOMAIN("<pasid:quota" NS " max='max'/>"), "max=\"max\"" },
                { DOMAIN("<pasid:quota" NS " max='1048577'/>"), "above 1048576" },
                { DOMAIN("<pasid:quota" NS " max='4' watermark='y'/>"), "watermark=\"y\"" },
                { DOMAIN("<pasid:quota" NS " maximum='4'/>"), "\"maximum\"" },
                { DOMAIN("<pasid:qouta" NS " max='4'/>"), "<pasid:qouta>" },
                { DOMAIN("<pasid:quota" NS " max='4'/><pasid:quota" NS " max='5'/>"), "two <pasid:quota>" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                DomainXml domain = { .quota = 4711 };
                _cleanup_free_ char *error = NULL;

                test_case("%s", cases[i].xml);
                assert_int_equal(parse(cases[i].xml, &domain, &error), -EBADMSG);
                assert_non_null(error);
                assert_non_null(strstr(error, cases[i].error));
                assert_null(domain.name);
                assert_int_equal(domain.quota, 4711);
        }
}

static void test_size(void **state _unused_) {
        _cleanup_free_ char *xml = NULL, *error = NULL;
        static const char domain_xml[] = DOMAIN("");
        DomainXml domain = {};

        xml = malloc(DOMAIN_XML_SIZE_MAX + 1);
        assert_non_null(xml);
        memset(xml, ' ', DOMAIN_XML_SIZE_MAX + 1);
        memcpy(xml, domain_xml, sizeof(domain_xml) - 1);

        assert_int_equal(domain_xml_parse(xml, DOMAIN_XML_SIZE_MAX, &domain, &error), 0);
        domain_xml_clear(&domain);
        assert_int_equal(domain_xml_parse(xml, DOMAIN_XML_SIZE_MAX + 1, &domain, &error), -EBADMSG);
        assert_non_null(strstr(error, "larger than"));
}

/* A domain with an element whose text has n bytes. */
static char *with_text(const char *before, size_t n, const char *after) {
        char *xml = NULL;
        size_t size;
        FILE *f = open_memstream(&xml, &size);

        assert_non_null(f);
        fputs(before, f);
        for (size_t i = 0; i < n; i++)
                fputc('a', f);
        fputs(after, f);
        assert_int_equal(fclose(f), 0);
        return xml;
}

/* The longest texts that are accepted, and longer ones. */
static void test_long(void **state _unused_) {
        static const struct {
                const char *before, *after;
                size_t max;
                const char *error;
        } cases[] = {
                { "<domain><name>", "</name><uuid>" UUID "</uuid></domain>", 4096,
                        "has a <name> of more than 4096 bytes" },
                { "<domain><name>a</name><uuid>" UUID "</uuid><resource><partition>",
                        "</partition></resource></domain>", 4096,
                        "has a <partition> of more than 4096 bytes" },
                /* no length is valid */
                { "<domain><name>a</name><uuid>", "</uuid></domain>", 0, "has an invalid <uuid>" },
                { "<domain><name>a</name><uuid>" UUID "</uuid><metadata><pasid:quota" NS " max='",
                        "'/></metadata></domain>", 0,
                        "has <pasid:quota max=\"...\"> in its metadata, which is not a decimal number without sign" },
                { "<domain><name>a</name><uuid>" UUID "</uuid><metadata><pasid:quota" NS " ",
                        "=''/></metadata></domain>", 0,
                        "has <pasid:quota> in its metadata with the unknown attribute \"...\"" },
                { "<domain><name>a</name><uuid>" UUID "</uuid><metadata><",
                        NS " xmlns='urn:pasidd:domain:1'/></metadata></domain>", 0,
                        "has <pasid:...> in its metadata; there is only <pasid:quota>" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *longest = with_text(cases[i].before, cases[i].max, cases[i].after),
                                    *longer = with_text(cases[i].before, 4097, cases[i].after),
                                    *longest_error = NULL, *error = NULL;
                _cleanup_(domain_xml_clear) DomainXml domain = {};

                test_case("%s", cases[i].before);
                if (cases[i].max > 0)
                        assert_int_equal(parse(longest, &domain, &longest_error), 0);
                assert_int_equal(parse(longer, &domain, &error), -EBADMSG);
                assert_string_equal(error, cases[i].error);
        }
}

static void test_slice(void **state _unused_) {
        static const struct {
                const char *resource;
                const char *slice;
        } cases[] = {
                { "", "machine.slice" },
                { "<resource/>", "machine.slice" },
                { "<resource><partition>/machine</partition></resource>", "machine.slice" },
                { "<resource><partition>/machine/tenant/a</partition></resource>", "machine-tenant-a.slice" },
                { "<resource><partition>/a-b</partition></resource>", "a\\x2db.slice" },
                { "<resource><x><partition>/a</partition></x></resource>", "machine.slice" },
                { "<resource><partition/></resource>", ".slice" },
                { "<resource><partition>/.a b</partition></resource>", "\\x2ea\\x20b.slice" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(domain_xml_clear) DomainXml domain = {};
                _cleanup_free_ char *xml = NULL, *error = NULL;

                test_case("%s", cases[i].resource);
                assert_true(asprintf(&xml, "<domain><name>demo</name><uuid>" UUID "</uuid>%s</domain>",
                                    cases[i].resource) > 0);
                assert_int_equal(parse(xml, &domain, &error), 0);
                assert_string_equal(domain.slice, cases[i].slice);
        }
}

static void assert_metadata(const char *xml, const char *const (*expected)[2], size_t n) {
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        _cleanup_free_ char *error = NULL;

        assert_int_equal(parse(xml, &domain, &error), 0);
        for (size_t i = 0; i < domain.metadata.n_items; i++)
                print_message("%s=%s\n", domain.metadata.items[i].key, domain.metadata.items[i].value);
        assert_int_equal(domain.metadata.n_items, n);
        for (size_t i = 0; i < n; i++) {
                assert_string_equal(domain.metadata.items[i].key, expected[i][0]);
                assert_string_equal(domain.metadata.items[i].value, expected[i][1]);
        }
}

static void test_metadata(void **state _unused_) {
        static const char xml[] =
                "<domain><name>demo</name><uuid>" UUID
                "</uuid><title> A title\n</title><description/><metadata>"
                "<o:osinfo xmlns:o='urn:os'><o:os o:x='not ours' id='debian'/>"
                "<o:tag>a</o:tag><o:tag>b</o:tag><o:none/></o:osinfo>"
                "<pasid:quota" NS " max='4'/><plain>no namespace</plain>"
                "<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>"
                "<nova:package version='29.0.0'/><nova:name>server-1</nova:name>"
                "<nova:flavor name='gpu.large' id='17'><nova:memory>512</nova:memory><nova:extraSpecs>"
                "<nova:extraSpec name='hw:cpu_policy'>dedicated</nova:extraSpec>"
                "<nova:extraSpec name='pasid:class'>gold</nova:extraSpec>"
                "<nova:extraSpec>no name</nova:extraSpec></nova:extraSpecs></nova:flavor>"
                "<nova:owner><nova:user uuid='u-1'>eve</nova:user>"
                "<nova:project uuid='p-1'>research</nova:project></nova:owner>"
                "<nova:root type='image' uuid='i-1'/></nova:instance></metadata></domain>";
        static const char *const expected[][2] = {
                { "nova:flavor", "gpu.large" },
                { "nova:flavor-id", "17" },
                { "nova:project", "research" },
                { "nova:project-uuid", "p-1" },
                { "nova:user", "eve" },
                { "nova:user-uuid", "u-1" },
                { "nova:name", "server-1" },
                { "nova:image", "i-1" },
                { "nova:extra-spec:hw:cpu_policy", "dedicated" },
                { "nova:extra-spec:pasid:class", "gold" },
                { "title", "A title" },
                { "{urn:os}osinfo/os@id", "debian" },
                { "{urn:os}osinfo/tag", "a" },
                { "{urn:os}osinfo/tag", "b" },
        };
        static const char old[] = DOMAIN("<n:instance xmlns:n='http://openstack.org/xmlns/libvirt/nova/1.0'>"
                                         "<n:flavor name='m1.tiny'/></n:instance>");
        static const char *const expected_old[][2] = { { "nova:flavor", "m1.tiny" } };
        static const char other[] = DOMAIN("<n:instance xmlns:n='http://openstack.org/xmlns/libvirt/nova/9'>"
                                           "<n:flavor name='m1.tiny'/></n:instance>");
        static const char *const expected_other[][2] = {
                { "{http://openstack.org/xmlns/libvirt/nova/9}instance/flavor@name", "m1.tiny" },
        };

        assert_metadata(xml, expected, ELEMENTSOF(expected));
        assert_metadata(old, expected_old, ELEMENTSOF(expected_old));
        assert_metadata(other, expected_other, ELEMENTSOF(expected_other));
}

#define U(content)    DOMAIN("<a xmlns='u'>" content "</a>")
#define NOVA(content) DOMAIN("<n:instance xmlns:n='" NOVA_NAMESPACE "'>" content "</n:instance>")
#define TEXT_15       "xxxxxxxxxxxxxxx"
#define TEXT_60       TEXT_15 TEXT_15 TEXT_15 TEXT_15
#define TEXT_255      TEXT_60 TEXT_60 TEXT_60 TEXT_60 TEXT_15

/* One item of metadata, or none. */
static void test_metadata_item(void **state _unused_) {
        static const struct {
                const char *xml;
                const char *key, *value; /* NULL: none */
        } cases[] = {
                { U(" t&lt;<!-- c -->u<![CDATA[ <v> ]]> "), "{u}a", "t<u <v>" },
                { U("&#xe9;"), "{u}a", "\xc3\xa9" },
                { U("x&#10;y") },
                { U("x&#x85;") },
                { U(" ") },
                /* the text of an element with others in it is not taken */
                { U("t<b/>u"), NULL, NULL },
                { U("t<b>v</b>u"), "{u}a/b", "v" },
                /* of the elements inside, only the names count */
                { U("<b xmlns='v'><c xmlns=''>t</c></b>"), "{u}a/b/c", "t" },
                { U("<x:b>t</x:b>"), "{u}a/x:b", "t" },
                { U("<b x:c='1' xml:c='2' xmlns:y='v' y:c='3'/>"), "{u}a/b@x:c", "1" },
                { DOMAIN("<xml:a>t</xml:a>"), "{http://www.w3.org/XML/1998/namespace}a", "t" },
                /* no namespace */
                { DOMAIN("<a>t</a>") },
                { DOMAIN("<x:a>t</x:a>") },
                { DOMAIN("<a xmlns='u'><b/></a><x:a><b>t</b></x:a>") },

                /* the longest texts */
                { U(TEXT_255), "{u}a", TEXT_255 },
                { U("\n " TEXT_255 "\n "), "{u}a", TEXT_255 },
                { U(TEXT_255 "x") },
                { U(TEXT_255 " x") },
                { DOMAIN("<a xmlns='u' b='" TEXT_255 "'/>"), "{u}a@b", TEXT_255 },
                { DOMAIN("<a xmlns='u' b='" TEXT_255 "x'/>") },
                /* keys: 254 bytes for an element, 255 with an attribute */
                { DOMAIN("<a xmlns='u'><" TEXT_60 TEXT_60 TEXT_60 TEXT_60
                         "xxxxxxxxx>t</" TEXT_60 TEXT_60 TEXT_60 TEXT_60 "xxxxxxxxx></a>"),
                        "{u}a/" TEXT_60 TEXT_60 TEXT_60 TEXT_60 "xxxxxxxxx", "t" },
                { DOMAIN("<a xmlns='u'><" TEXT_60 TEXT_60 TEXT_60 TEXT_60
                         "xxxxxxxxxx>t</" TEXT_60 TEXT_60 TEXT_60 TEXT_60 "xxxxxxxxxx></a>") },
                { DOMAIN("<a xmlns='u' " TEXT_60 TEXT_60 TEXT_60 TEXT_60 "xxxxxxxxxx='1'/>"),
                        "{u}a@" TEXT_60 TEXT_60 TEXT_60 TEXT_60 "xxxxxxxxxx", "1" },
                { DOMAIN("<a xmlns='u' " TEXT_60 TEXT_60 TEXT_60 TEXT_60 "xxxxxxxxxxx='1'/>") },
                { DOMAIN("<a xmlns='" TEXT_255 "'>t</a>") },

                /* Nova: the first of each name, in the namespace of <instance> */
                { NOVA("<n:name>a<b>c</b>d</n:name><n:name>e</n:name>"), "nova:name", "acd" },
                { NOVA("<n:name/><n:name>e</n:name>"), NULL, NULL },
                { NOVA("<name>a</name>") },
                { NOVA("<o:name xmlns:o='" NOVA_NAMESPACE "'>a</o:name>"), "nova:name", "a" },
                { NOVA("<o:name xmlns:o='" NOVA_NAMESPACE_1_0 "'>a</o:name>"), NULL, NULL },
                { NOVA("<n:x><n:name>a</n:name></n:x>") },
                { NOVA("<n:owner/><n:owner><n:user>u</n:user></n:owner>") },
                { NOVA("<n:flavor/><n:flavor name='x'/>") },
                { NOVA("<n:flavor name='" TEXT_255 "'/>"), "nova:flavor", TEXT_255 },
                { NOVA("<n:flavor name='" TEXT_255 "x'/>") },
                { NOVA("<n:flavor><n:extraSpecs/><n:extraSpecs><n:extraSpec name='a'>b</n:extraSpec></n:extraSpecs>"
                       "</n:flavor>") },
                { NOVA("<n:flavor><n:extraSpecs><extraSpec name='a'> b </extraSpec></n:extraSpecs></n:flavor>"),
                        "nova:extra-spec:a", "b" },
                { NOVA("<n:flavor><n:extraSpecs><n:extraSpec name='" TEXT_255
                       "'>b</n:extraSpec></n:extraSpecs>"
                       "</n:flavor>") },
                { NOVA("<n:extraSpecs><n:extraSpec name='a'>b</n:extraSpec></n:extraSpecs>") },
                { DOMAIN("<n:x xmlns:n='" NOVA_NAMESPACE
                         "'><n:instance><n:name>a</n:name></n:instance></n:x>") },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const char *const expected[][2] = { { cases[i].key, cases[i].value } };

                test_case("%s", cases[i].xml);
                assert_metadata(cases[i].xml, expected, cases[i].key ? 1 : 0);
        }
}

/* Tenants write this: invalid parts are ignored, and the domain starts. */
static void test_metadata_too_much(void **state _unused_) {
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        _cleanup_free_ char *xml = NULL, *error = NULL;
        size_t size;
        FILE *f = open_memstream(&xml, &size);

        assert_non_null(f);
        fputs("<domain><name>demo</name><uuid>" UUID "</uuid><metadata><x:a xmlns:x='urn:x'><x:long>", f);
        for (size_t i = 0; i < 256; i++)
                fputc('a', f);
        fputs("</x:long><x:odd>a&#x85;b</x:odd>", f);
        for (size_t i = 0; i < 1000; i++)
                fprintf(f, "<x:b>%zu</x:b>", i);
        for (size_t i = 0; i < 100; i++)
                fputs("<x:deep>", f);
        fputs("x", f);
        for (size_t i = 0; i < 100; i++)
                fputs("</x:deep>", f);
        fputs("</x:a></metadata></domain>", f);
        assert_int_equal(fclose(f), 0);

        assert_int_equal(parse(xml, &domain, &error), 0);
        assert_int_equal(domain.metadata.n_items, METADATA_ITEMS_MAX);
        assert_string_equal(domain.metadata.items[0].value, "0");
}

/* The limit is for all pairs together; Nova's come first. */
static void test_metadata_size(void **state _unused_) {
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        _cleanup_free_ char *xml = NULL, *error = NULL;
        size_t size;
        FILE *f = open_memstream(&xml, &size);

        assert_non_null(f);
        fputs("<domain><name>demo</name><uuid>" UUID "</uuid><metadata><x:a xmlns:x='urn:x'>", f);
        for (size_t i = 0; i < METADATA_ITEMS_MAX; i++)
                fprintf(f, "<x:b>%0200zu</x:b>", i);
        fputs("</x:a><nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'><nova:owner>"
              "<nova:project uuid='p'>acme</nova:project></nova:owner></nova:instance></metadata></domain>",
                f);
        assert_int_equal(fclose(f), 0);

        assert_int_equal(parse(xml, &domain, &error), 0);
        assert_true(domain.metadata.n_items < METADATA_ITEMS_MAX);
        assert_true(domain.metadata.size <= METADATA_SIZE_MAX);
        assert_true(domain.metadata.size > METADATA_SIZE_MAX - 300);
        assert_string_equal(domain.metadata.items[0].key, METADATA_NOVA_PROJECT);
        assert_string_equal(domain.metadata.items[0].value, "acme");
}

/* One element must not crowd out another one, which a rule may match on. */
static void test_metadata_crowded(void **state _unused_) {
        _cleanup_(domain_xml_clear) DomainXml domain = {};
        _cleanup_free_ char *xml = NULL, *error = NULL;
        bool found = false;
        size_t size;
        FILE *f = open_memstream(&xml, &size);

        assert_non_null(f);
        fputs("<domain><name>demo</name><uuid>" UUID "</uuid><metadata><x:a xmlns:x='urn:x'>", f);
        for (size_t i = 0; i < METADATA_ITEMS_MAX; i++)
                fprintf(f, "<x:b>%0200zu</x:b>", i);
        fputs("</x:a><y:tenant xmlns:y='urn:y' name='acme'>", f);
        for (size_t i = 0; i < METADATA_ITEMS_MAX; i++)
                fprintf(f, "<y:b>%0200zu</y:b>", i);
        fputs("</y:tenant></metadata></domain>", f);
        assert_int_equal(fclose(f), 0);

        assert_int_equal(parse(xml, &domain, &error), 0);
        for (size_t i = 0; i < domain.metadata.n_items; i++)
                if (streq(domain.metadata.items[i].key, "{urn:y}tenant@name"))
                        found = streq(domain.metadata.items[i].value, "acme");
        assert_true(found);
        assert_true(domain.metadata.size > METADATA_SIZE_MAX - 300);
}

/* Truncated input is always an error, never a partial domain. */
static void test_truncated(void **state _unused_) {
        static const char xml[] = DOMAIN("<pasid:quota" NS " max='4' watermark='3'/>");

        for (size_t size = 0; size < sizeof(xml) - 1; size++) {
                _cleanup_free_ char *error = NULL;
                DomainXml domain = {};

                assert_int_equal(domain_xml_parse(xml, size, &domain, &error), -EBADMSG);
                assert_null(domain.name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_viommu),
                cmocka_unit_test(test_viommu_describe),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_size),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_slice),
                cmocka_unit_test(test_metadata),
                cmocka_unit_test(test_metadata_item),
                cmocka_unit_test(test_metadata_too_much),
                cmocka_unit_test(test_metadata_size),
                cmocka_unit_test(test_metadata_crowded),
                cmocka_unit_test(test_truncated),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
