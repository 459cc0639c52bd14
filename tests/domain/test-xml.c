/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/error.h"
#include "domain/xml.h"

static SvirtXmlDocument *
parse(const char *text)
{
    SvirtXmlDocument *document = NULL;
    g_autoptr(GError) error = NULL;

    svirt_xml_parse(text, strlen(text), "x.xml", &document, &error);
    g_assert_no_error(error);
    return document;
}

typedef struct Wrong {
    const char *name;
    const char *text;
    const char *message;
} Wrong;

static const Wrong wrong[] = {
    { "empty", "", "x.xml:1: there is no element in it" },
    { "blanks", "  \n ", "x.xml:2: there is no element in it" },
    { "cut-off", "<a>\n<b>\n<c/>\n", "x.xml:4: it ends within <b> of line 2" },
    { "unclosed", "<a>\n<b>\n</a>",
      "x.xml:3: not well-formed XML: mismatched tag" },
    { "two-roots", "<a/>\n<b/>",
      "x.xml:2: not well-formed XML: junk after document element" },
    { "doctype", "<!DOCTYPE a>\n<a/>",
      "x.xml:1: a document type is not allowed" },
    { "doctype-external", "<!DOCTYPE a SYSTEM '/etc/passwd'>\n<a/>",
      "x.xml:1: a document type is not allowed" },
    { "entity", "<!DOCTYPE a [\n<!ENTITY b 'c'>\n]>\n<a>&b;</a>",
      "x.xml:1: a document type is not allowed" },
    { "undefined-entity", "<a>&b;</a>",
      "x.xml:1: not well-formed XML: undefined entity" },
    { "instruction", "<a>\n<?php echo 1 ?>\n</a>",
      "x.xml:2: a processing instruction is not allowed" },
    { "duplicate-attribute", "<a b='1' b='2'/>",
      "x.xml:1: not well-formed XML: duplicate attribute" },
    { "undeclared-prefix", "<a>\n<b:c/></a>",
      "x.xml:2: XML prefix of 'b:c' is not declared" },
    { "undeclared-attribute-prefix", "<a b:c='1'/>",
      "x.xml:1: XML prefix of 'b:c' is not declared" },
    { "two-colons", "<a xmlns:b='u'><b:c:d/></a>",
      "x.xml:1: XML prefix of 'b:c:d' is not declared" },
    { "prefix-out-of-scope", "<a><b xmlns:p='u'/>\n<p:c/></a>",
      "x.xml:2: XML prefix of 'p:c' is not declared" },
    { "control-character", "<a>\x01</a>",
      "x.xml:1: not well-formed XML: not well-formed (invalid token)" },
    { "control-character-reference", "<a>&#1;</a>",
      "x.xml:1: not well-formed XML: reference to invalid character number" },
    { "nul-reference", "<a>&#0;</a>",
      "x.xml:1: not well-formed XML: reference to invalid character number" },
    { "bad-utf8", "<a>\xff</a>",
      "x.xml:1: not well-formed XML: not well-formed (invalid token)" },
    { "unknown-encoding", "<?xml version='1.0' encoding='cp437'?><a/>",
      "x.xml:1: not well-formed XML: unknown encoding" },
};

static void
test_wrong(gconstpointer data)
{
    const Wrong *row = data;
    SvirtXmlDocument *document = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(svirt_xml_parse(row->text, strlen(row->text), "x.xml",
                                   &document, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
    g_assert_cmpstr(error->message, ==, row->message);
    g_assert_null(document);
}

static void
test_nul_byte(void)
{
    static const char text[] = "<a>\0</a>";
    SvirtXmlDocument *document = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_false(
        svirt_xml_parse(text, sizeof(text) - 1, "x.xml", &document, &error));
    g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
}

/* `head`, then `count` times `unit`, then `tail`. */
static GString *
repeat(const char *head, const char *unit, size_t count, const char *tail)
{
    GString *text = g_string_new(head);

    for (size_t i = 0; i < count; i++) {
        g_string_append(text, unit);
    }
    return g_string_append(text, tail);
}

static void
expect(GString *text, const char *message)
{
    g_autoptr(SvirtXmlDocument) document = NULL;
    g_autoptr(GError) error = NULL;

    svirt_xml_parse(text->str, text->len, "x.xml", &document, &error);
    if (message == NULL) {
        g_assert_no_error(error);
        g_assert_nonnull(document);
    } else {
        g_assert_error(error, SVIRT_ERROR, SVIRT_ERROR_INVALID);
        g_assert_cmpstr(error->message, ==, message);
    }
    g_string_free(text, TRUE);
}

static GString *
nest(size_t depth)
{
    GString *text = repeat("", "<a>", depth, "");

    for (size_t i = 0; i < depth; i++) {
        g_string_append(text, "</a>");
    }
    return text;
}

static GString *
with_attributes(size_t count)
{
    GString *text = g_string_new("<a");

    for (size_t i = 0; i < count; i++) {
        g_string_append_printf(text, " b%zu='1'", i);
    }
    return g_string_append(text, "/>");
}

static GString *
with_namespaces(size_t count)
{
    GString *text = g_string_new("<a>");

    for (size_t i = 0; i < count; i++) {
        g_string_append_printf(text, "<b xmlns:n%zu='u'>", i);
    }
    for (size_t i = 0; i < count; i++) {
        g_string_append(text, "</b>");
    }
    return g_string_append(text, "</a>");
}

static void
test_bounds(void)
{
    expect(nest(64), NULL);
    expect(nest(65), "x.xml:1: elements are nested deeper than 64");
    expect(nest(100000), "x.xml:1: elements are nested deeper than 64");
    expect(repeat("<a>", "<b/>", 19999, "</a>"), NULL);
    expect(repeat("<a>", "<b/>", 20000, "</a>"),
           "x.xml:1: more than 20000 elements");
    expect(with_attributes(64), NULL);
    expect(with_attributes(65), "x.xml:1: <a> has more than 64 attributes");
    expect(repeat("<a b='", "x", 65536, "'/>"), NULL);
    expect(repeat("<a b='", "x", 65537, "'/>"),
           "x.xml:1: attribute 'b' is longer than 65536 bytes");
    expect(repeat("<a>", "x", SVIRT_XML_TEXT_MAX - 7, "</a>"), NULL);
    expect(repeat("<a>", "x", SVIRT_XML_TEXT_MAX - 6, "</a>"),
           "x.xml:1: larger than 4194304 bytes");
    expect(with_namespaces(63), NULL);
    expect(with_namespaces(64), "x.xml:1: elements are nested deeper than 64");
    expect(repeat("<a xmlns='u'>", "<b xmlns='u' xmlns:c='v' xmlns:d='w'>", 40,
                  ""),
           "x.xml:1: more than 64 XML namespaces");
}

static void
test_tree(void)
{
    g_autoptr(SvirtXmlDocument) document =
        parse("<a>\n  <b c='1'\n     d='&lt;&#9;2'>x<!-- y -->z</b>\n"
              "  <p:e xmlns:p='urn:p' p:f='3'/>\n</a>");
    const SvirtXmlNode *root = document->root;
    const SvirtXmlNode *b = root->first_child;
    const SvirtXmlNode *e = b->next;

    g_assert_cmpstr(root->name, ==, "a");
    g_assert_null(root->text);
    g_assert_cmpuint(root->line, ==, 1);
    g_assert_cmpuint(b->line, ==, 2);
    g_assert_cmpuint(b->column, ==, 2);
    g_assert_cmpuint(b->attribute_count, ==, 2);
    g_assert_cmpstr(b->attributes[1].name, ==, "d");
    g_assert_cmpstr(b->attributes[1].value, ==, "<\t2");
    g_assert_cmpstr(b->text, ==, "xz");
    g_assert_null(b->namespace_uri);
    g_assert_cmpstr(e->name, ==, "p:e");
    g_assert_cmpstr(e->local_name, ==, "e");
    g_assert_cmpstr(e->namespace_uri, ==, "urn:p");
    g_assert_cmpstr(e->attributes[0].namespace_uri, ==, SVIRT_XML_XMLNS_URI);
    g_assert_cmpstr(e->attributes[1].namespace_uri, ==, "urn:p");
    g_assert_true(root->last_child == e);
    g_assert_null(e->next);
    g_assert_true(e->parent == root);
}

static void
test_default_namespace(void)
{
    g_autoptr(SvirtXmlDocument) document =
        parse("<a><b xmlns='u' c='1'><d xmlns=''/></b></a>");
    const SvirtXmlNode *b = document->root->first_child;

    g_assert_null(document->root->namespace_uri);
    g_assert_cmpstr(b->namespace_uri, ==, "u");
    g_assert_null(b->attributes[1].namespace_uri);
    g_assert_null(b->first_child->namespace_uri);
}

static void
test_print(void)
{
    g_autoptr(SvirtXmlDocument) document =
        parse("<?xml version='1.0'?><a><!-- gone --><b  c = \"it's\"  />"
              "<d>1 &lt; 2 &amp; 3 &gt; 2\r\n&#13;</d>"
              "<e>mixed <f><g/></f> text</e><h>   </h></a>");
    g_autofree char *text = svirt_xml_print(document);

    g_assert_cmpstr(text, ==,
                    "<a>\n"
                    "  <b c='it&apos;s'/>\n"
                    "  <d>1 &lt; 2 &amp; 3 &gt; 2\n&#13;</d>\n"
                    "  <e>mixed <f><g/></f> text</e>\n"
                    "  <h/>\n"
                    "</a>\n");
}

static void
test_round_trip(void)
{
    g_autoptr(SvirtXmlDocument) first =
        parse("<a b='&#10;&#9;&#13;&quot;&apos;&lt;'>t<c>  d </c> u "
              "<e><f/>v<g> </g></e></a>");
    g_autofree char *printed = svirt_xml_print(first);
    g_autoptr(SvirtXmlDocument) second = parse(printed);
    g_autofree char *again = svirt_xml_print(second);

    g_assert_true(svirt_xml_equal(first->root, second->root));
    g_assert_cmpstr(printed, ==, again);
}

static void
test_equal(void)
{
    static const char *const different[] = {
        "<b/>",           "<a c='1'/>",   "<a>x</a>",        "<a><b/></a>",
        "<a xmlns='u'/>", "<a><b/>x</a>", "<a><b/><b/></a>", "<a c='2'/>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(different); i++) {
        for (size_t j = 0; j < G_N_ELEMENTS(different); j++) {
            g_autoptr(SvirtXmlDocument) a = parse(different[i]);
            g_autoptr(SvirtXmlDocument) b = parse(different[j]);

            g_assert_cmpint(svirt_xml_equal(a->root, b->root), ==, i == j);
        }
    }
}

static void
test_insert(void)
{
    g_autoptr(SvirtXmlDocument) document = parse("<a><b/></a>");
    SvirtXmlNode *root = document->root;
    g_autofree char *text = NULL;

    svirt_xml_insert(document, root, root->last_child, "d", "<");
    svirt_xml_insert(document, root, root->first_child, "c", NULL);
    svirt_xml_insert(document, root, NULL, "0", NULL);
    g_assert_cmpstr(root->last_child->name, ==, "d");
    text = svirt_xml_print(document);
    g_assert_cmpstr(text, ==,
                    "<a>\n  <0/>\n  <b/>\n  <c/>\n  <d>&lt;</d>\n</a>\n");
}

static void
test_encodings(void)
{
    static const char latin[] =
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>";
    static const char utf16[] = "\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>\0";
    g_autoptr(SvirtXmlDocument) one = parse(latin);
    g_autoptr(SvirtXmlDocument) two = NULL;
    g_autoptr(GError) error = NULL;

    svirt_xml_parse(utf16, sizeof(utf16) - 1, "x.xml", &two, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(one->root->text, ==, "\xc3\xa9");
    g_assert_cmpstr(two->root->text, ==, "\xc3\xa9");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *name =
            g_strdup_printf("/domain/xml/rejects/%s", wrong[i].name);

        g_test_add_data_func(name, &wrong[i], test_wrong);
    }
    g_test_add_func("/domain/xml/rejects/nul-byte", test_nul_byte);
    g_test_add_func("/domain/xml/keeps-its-bounds", test_bounds);
    g_test_add_func("/domain/xml/builds-the-tree", test_tree);
    g_test_add_func("/domain/xml/default-namespace-ends",
                    test_default_namespace);
    g_test_add_func("/domain/xml/prints-as-virsh", test_print);
    g_test_add_func("/domain/xml/round-trip-is-equal", test_round_trip);
    g_test_add_func("/domain/xml/equal-tells-apart", test_equal);
    g_test_add_func("/domain/xml/insert-keeps-order", test_insert);
    g_test_add_func("/domain/xml/reads-encodings", test_encodings);
    return g_test_run();
}
