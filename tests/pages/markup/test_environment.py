"""Calls in templates find what Jinja's own way finds."""

import pytest
from jinja2 import DictLoader, Environment, TemplateRuntimeError, pass_context, pass_environment

from retainer.pages.markup.environment import QuickContext, QuickEnvironment
from retainer.pages.render import _templates

MACROS = """
{% macro plain(a, b="<b>") %}({{ a }}|{{ b }}|{{ varargs }}|{{ kwargs }}){% endmacro %}
{% macro wraps(words) %}<p title="{{ words }}">{{ caller(words) }}</p>{% endmacro %}
{% macro refuses(a) %}{{ a }}{% endmacro %}
"""
CALLS = """
{% import "macros" as ui with context %}
{{ ui.plain("<a>") }}{{ ui.plain(1, 2, 3, c=4) }}{{ ui.plain(b=ui.plain(0), a="&") }}
{% for word in ["<x>", "y"] %}
{% call(given) ui.wraps(word) %}{{ given }}{{ loop.index }}{{ named("word") }}{% endcall %}
{{ word.upper() }}{{ ["a", "b"].pop() }}{{ loop.cycle(1, 2) }}{{ named("word") }}
{% endfor %}
{% autoescape false %}{{ ui.plain("<a>") }}{{ "<i>" }}{% endautoescape %}
{{ word_of() }}{{ dict(a=1) }}{{ asked.of("viewer") }}{{ asked("viewer") }}{{ environment() }}
{% block part %}{{ named("viewer") }}{% endblock %}{{ self.part() }}
"""
WRONG = ["ui.refuses(1, 2)", "ui.refuses(b=1)", "ui.nothing()", "nothing()", "ui.wraps(1)"]


class Asked:
    """A callable with a method, both of which want the context."""

    @pass_context
    def __call__(self, context: QuickContext, name: str) -> object:
        return context[name]

    @pass_context
    def of(self, context: QuickContext, name: str) -> object:
        return context[name]


@pass_context
def named(context: QuickContext, name: str) -> object:
    return context.get(name, "unknown")


@pass_environment
def environment(environment: Environment) -> bool:
    return environment.autoescape is True


def rendered(kind: type[Environment], calls: str) -> str:
    templates = kind(loader=DictLoader({"macros": MACROS, "calls": calls}), autoescape=True)
    values = {
        "named": named,
        "word_of": lambda: "<w>",
        "asked": Asked(),
        "environment": environment,
    }
    return templates.get_template("calls").render(values, viewer="Ada <a@example.com>")


def test_calls_of_macros_functions_and_methods_are_written_as_by_jinja() -> None:
    assert rendered(QuickEnvironment, CALLS) == rendered(Environment, CALLS)
    assert "Ada &lt;a@example.com&gt;" in rendered(QuickEnvironment, CALLS)


@pytest.mark.parametrize("call", WRONG)
def test_a_wrong_call_fails_as_in_jinja(call: str) -> None:
    calls = f'{{% import "macros" as ui with context %}}{{{{ {call} }}}}'
    with pytest.raises((TypeError, TemplateRuntimeError)) as ours:
        rendered(QuickEnvironment, calls)
    with pytest.raises(type(ours.value), match="^" + str(ours.value)[:20]):
        rendered(Environment, calls)


def test_pages_are_rendered_so() -> None:
    assert _templates.context_class is QuickContext
