# SPDX-License-Identifier: Apache-2.0
"""html2c: what a template becomes, and which templates are refused."""
import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[3] / "tools" / "html2c.py"
spec = importlib.util.spec_from_file_location("html2c", TOOL)
html2c = importlib.util.module_from_spec(spec)
spec.loader.exec_module(html2c)


def compiled(body):
    text = "{% template sample struct sample %}\n" + body
    return html2c.Compiler("sample.html", text).run(["web/pages.h"])


def refused(body):
    with pytest.raises(html2c.Mistake) as caught:
        compiled(body)
    return str(caught.value)


def test_a_value_in_text_is_written_by_its_type():
    assert "html_put(out, page->name);" in compiled("<p>{{ page->name }}</p>")


def test_a_value_in_a_quoted_attribute_is_written_by_its_type():
    assert "html_put(out, page->name);" in compiled('<a title="{{ page->name }}">x</a>')


@pytest.mark.parametrize("attribute", ["href", "src", "action", "HREF", "xlink:href", "ping"])
def test_an_address_takes_only_struct_url(attribute):
    code = compiled(f'<a {attribute}="{{{{ page->link }}}}">x</a>')
    assert "html_put_url(out, page->link);" in code


def test_the_function_is_named_after_the_template():
    assert "void html_sample(struct html *out, const struct sample *page)" in compiled("x")


def test_loops_give_a_pointer_to_each_item():
    code = compiled("{% for tag in page->tags count page->tag_count %}{{ tag->name }}{% end %}")
    assert "tag_at < (page->tag_count)" in code
    assert "html_put(out, tag->name);" in code


def test_if_and_else_both_continue_from_the_same_place():
    code = compiled('<p class="{% if page->x %}a{% else %}b{% end %}">{{ page->y }}</p>')
    assert "if (page->x) {" in code and "} else {" in code


def test_lines_point_to_the_template():
    assert '#line 3 "sample.html"' in compiled("\n{{ page->name }}")


def test_the_doctype_passes():
    assert "html_put(out, page->x);" in compiled("<!DOCTYPE html>\n<p>{{ page->x }}</p>")


def test_comments_leave_nothing():
    assert "secret" not in compiled("{# secret #}<p>x</p>")


@pytest.mark.parametrize("body, reason", [
    ("<a title={{ page->x }}>", "quoted attribute"),
    ("<{{ page->x }}>", "write &lt;"),
    ("</{{ page->x }}>", "write &lt;"),
    ("1 <{% if page->x %}{{ page->y }}{% end %}", "write &lt;"),
    ("<!doctype {{ page->x }}>", "write &lt;"),
    ("<script>{{ page->x }}</script>", "inside <script>"),
    ("<style>p { color: red }</style>", "belong into files"),
    ('<p onclick="x()">', "belong into files"),
    ('<p style="color: red">', "belong into files"),
    ('<iframe srcdoc="{{ page->x }}">', "belong into files"),
    ("{% if page->x %}<p>", "not ended"),
    ("{% end %}", "without a block"),
    ("{% else %}", "without {% if %}"),
    ('{% if page->x %}<p class="{% end %}', "different places"),
    ("{% frobnicate %}", "cannot read"),
    ("<p {% call menu page->menu %}>", "inside a tag"),
])
def test_bad_templates_are_refused_with_their_line(body, reason):
    message = refused(body)
    assert reason in message and message.startswith("sample.html:")


def test_text_before_the_template_line_is_refused():
    with pytest.raises(html2c.Mistake):
        html2c.Compiler("x.html", "hello {% template a struct a %}").run([])


def test_quotes_and_trigraphs_survive_as_c_literals():
    assert '\\"' in compiled('<p class="a">??=</p>') and "??=" not in compiled("<p>??=</p>")
