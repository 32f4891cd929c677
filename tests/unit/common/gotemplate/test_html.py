"""Escaping by place in the page; `golden/html.json` compares 1,400 cases with Go's html/template."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.gotemplate import TemplateError, TemplateSet, function, parse
from services.common.gotemplate.values import HTML, URL

NASTY = "<script>alert(1)</script>\"'&`=javascript:"


def expand(text, data=NASTY):
    return parse("t", text, {"safe": function(HTML, "string"), "url": function(URL, "string")}, html=True).execute(data)


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("<p>{{ . }}</p>", "<b>&\"'+", "<p>&lt;b&gt;&amp;&#34;&#39;&#43;</p>"),
        ("<p>{{ . }}</p>", HTML("<b>x</b>"), "<p><b>x</b></p>"),
        ('<p title="{{ . }}">', HTML('<b title=">">x</b> &amp; y'), '<p title="x &amp; y">'),
        ("<p title={{ . }}>", "a b", "<p title=a&#32;b>"),
        ("<p title={{ . }}>", "", "<p title=ZgotmplZ>"),
        ('<a href="{{ . }}">', "javascript:alert(1)", '<a href="#ZgotmplZ">'),
        ('<a href="{{ . }}">', " javascript:alert(1)", '<a href="#ZgotmplZ">'),
        ('<a href="{{ . }}">', URL("tel:+49"), '<a href="tel:&#43;49">'),
        ('<a href="{{ . }}">', "https://a/b c?d=e&f", '<a href="https://a/b%20c?d=e&amp;f">'),
        ('<a href="/?q={{ . }}">', "a&b=c/d", '<a href="/?q=a%26b%3dc%2fd">'),
        ('<a href="/?q={{ . | urlquery }}">', "a b", '<a href="/?q=a&#43;b">'),
        ('<p style="color: {{ . }}">', "red; x: y", '<p style="color: ZgotmplZ">'),
        ('<p style="color: {{ . }}">', "#a30200", '<p style="color: #a30200">'),
        ("<p style=\"font-family: 'a {{ . }}'\">", "x'y", "<p style=\"font-family: 'a x\\27y'\">"),
        ("<style>p { color: {{ . }} }</style>", "red", "<style>p { color: red }</style>"),
        ("<title>{{ . }}</title>", HTML("<b>"), "<title>&lt;b&gt;</title>"),
        ("<p {{ . }}=x>", "onclick", "<p ZgotmplZ=x>"),
        ("<p {{ . }}=x>", "lang", "<p lang=x>"),
        ("<!-- {{ . }} -->x", "secret", "x"),
        ("{{ . | html }}", "<", "&lt;"),
        ("a < b {{ . }}", 1, "a &lt; b 1"),
        ("{{ .x }}", {}, ""),
        ("{{ . }}", None, ""),
        ("{{ . }}", [1, "<"], "[1 &lt;]"),
        ("<script>var x = 1 < 2;</script>{{ . }}", "ok", "<script>var x = 1 < 2;</script>ok"),
        ('<p onclick="f()">{{ . }}', "ok", '<p onclick="f()">ok'),
    ],
)
def test_values_are_escaped_for_their_place(text, data, expected):
    assert expand(text, data) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<script>var x = {{ . }};</script>", "a value can't stand in a script"),
        ('<p onclick="f({{ . }})">', 'a value can\'t stand in the script "onclick"'),
        ('<p style="background: url({{ . }})">', r"a value can't stand in a CSS comment or url\(\)"),
        ("<style>/* {{ . }} */</style>", r"a value can't stand in a CSS comment or url\(\)"),
        ('<p title="{{ . }}', "the page ends inside a tag"),
        ("<p", "the page ends inside a tag"),
        ("<!-- x", "the page ends inside a tag"),
        ("<title>x", "the page ends inside a tag"),
        ("{{ . | html | print }}", 'predefined escaper "html" disallowed in template'),
        ("{{ urlquery . | print }}", 'predefined escaper "urlquery" disallowed in template'),
        ('<p title=a"b>', "in unquoted attr"),
        ('<p a"b>', "in attribute name"),
        ("<p =a>", "expected space, attr name, or end of tag"),
    ],
)
def test_what_can_not_be_made_safe_is_refused(text, problem):
    with pytest.raises(TemplateError, match=problem) as caught:
        expand(text)
    assert str(caught.value).startswith("template: t:1:")


def test_the_place_follows_the_branch_that_was_taken():
    text = '{{ if . }}<a href="{{ else }}<a title="{{ end }}{{ "javascript:x" }}">'
    assert expand(text, 1) == '<a href="#ZgotmplZ">'
    assert expand(text, 0) == '<a title="javascript:x">'


def test_the_place_follows_into_templates():
    templates = TemplateSet(html=True)
    templates.add("x", "{{ . }}")
    templates.add("page", '<a href="{{ template "x" . }}">{{ template "x" . }}</a>')
    assert templates.execute("page", "data:<") == '<a href="#ZgotmplZ">data:&lt;</a>'


class Page(HTMLParser):
    """What a browser sees."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.append(dict(attrs))

    def handle_data(self, data):
        self.text += data


# html.parser takes any Unicode space for the end of a value without quotes, and browsers drop control characters.
NO_CONTROL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]) | st.just(" "))


@given(NO_CONTROL)
def test_no_value_makes_tags_or_attributes(value):
    page = Page(expand("<p title=\"{{ . }}\" class='{{ . }}' id={{ . }}>{{ . }}</p><title>{{ . }}</title>", value))
    assert page.tags == ["p", "title"]
    assert set(page.attributes[0]) == {"title", "class", "id"}
    assert page.attributes[0]["title"] == page.attributes[0]["class"] == value
    assert page.text == value + value


@given(st.text(), st.sampled_from(["href", "src", "action", "data-url", "xlink:href", "poster"]))
def test_no_value_makes_a_script_url(value, name):
    page = Page(expand(f'<a {name}="{{{{ . }}}}">', value))
    url = page.attributes[0][name]
    scheme, colon, _ = url.partition(":")
    assert not colon or "/" in scheme or scheme.lower() in {"http", "https", "mailto"}


@given(NO_CONTROL)
def test_no_value_leaves_a_style(value):
    style = Page(expand('<p style="color: {{ . }}; x: y">', value)).attributes[0]["style"]
    assert style.startswith("color: ")
    assert style.endswith("; x: y")
    assert style.count(";") == 1
