"""Every rule of the exchange is stated once, and a test names it.

A test names a rule with the mark ``rule`` or in its docstring.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "rules.md"
ID = re.compile(r"\bX-[A-Z]+-\d{2}\b")
STATED = re.compile(rf"^- `({ID.pattern})` ", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def stated() -> list[str]:
    """Return the ids that the page states, one for each rule."""
    return STATED.findall(PAGE.read_text())


def marked(function: Function) -> Iterator[str]:
    """Yield what the marks of a test name."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule":
            yield from (ast.literal_eval(argument) for argument in decorator.args)


def named() -> dict[str, list[str]]:
    """Return the ids that tests name, each with the tests that do."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Function) and node.name.startswith("test_"):
                where = f"{path.relative_to(TESTS)}::{node.name}"
                for rule in {*marked(node), *ID.findall(ast.get_docstring(node) or "")}:
                    found.setdefault(rule, []).append(where)
    return found


def test_every_rule_is_stated_once() -> None:
    rules = stated()
    assert len(rules) > 50
    assert [rule for rule, times in Counter(rules).items() if times > 1] == []


def test_the_page_speaks_of_its_own_rules_only() -> None:
    assert {*ID.findall(PAGE.read_text())} == {*stated()}


def test_every_rule_is_named_by_a_test() -> None:
    assert sorted({*stated()} - named().keys()) == []


def test_no_test_names_a_rule_that_is_not_stated() -> None:
    rules = {*stated()}
    assert {rule: tests for rule, tests in named().items() if rule not in rules} == {}
