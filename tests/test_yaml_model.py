"""YAML files: what is read, what is refused, and what the one line says."""

# ruff: noqa: E501 - a table of messages, one case a line

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from hftgym.errors import ConfigError, HftgymError, NoInputError, UsageError
from hftgym.yaml_model import (
    StrictModel,
    apply_overrides,
    load_yaml_model,
    parse_overrides,
    validate_document,
)
from hftgym.yaml_text import MAX_ALIASES, MAX_BYTES, MAX_DEPTH, parse_yaml


class Inner(StrictModel):
    """A nested model."""

    not_implemented = frozenset({"bands"})

    sigma: Annotated[float, Field(gt=0)] = 1.0
    grid_ns: int = 5


class Outer(StrictModel):
    """A model with one field of each form."""

    name: str
    inner: Inner = Field(default_factory=Inner)
    parts: tuple[Inner, ...] = ()
    maybe: Inner | None = None
    mode: Literal["a", "b"] = "a"
    flag: bool = False
    path: Path | None = None


def load(text: str, *sets: str) -> Outer:
    document = apply_overrides(parse_yaml(text, "f.yaml"), parse_overrides(sets))
    return validate_document(document, Outer)


def data(text: str) -> Any:
    return parse_yaml(text, "f.yaml").data


def test_a_file_becomes_a_frozen_model(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(
        "# a comment\nname: x\ninner: {sigma: 3}\nparts:\n  - grid_ns: 1_000\npath: a/b\n"
    )
    outer = load_yaml_model(file, Outer)
    assert outer == Outer(
        name="x", inner=Inner(sigma=3.0), parts=(Inner(grid_ns=1000),), path=Path("a/b")
    )
    with pytest.raises(ValueError, match="frozen"):
        outer.name = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e-4", 3e-4),
        ("1e6", 1e6),
        (".5", 0.5),
        ("1.", 1.0),
        ("1_000_000", 1_000_000),
        ("-7", -7),
        ("0x1F", 31),
        ("no", "no"),
        ("on", "on"),
        ("010", "010"),
        ("1:30", "1:30"),
        ("2026-11-23", "2026-11-23"),
        ("true", True),
        ("~", None),
        ("", None),
        ("'5'", "5"),
        ("[1, a]", [1, "a"]),
        ("<<", "<<"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    found = data(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("name: x\ninner:\n  sigmaa: 2\n", "HG-C010", "f.yaml:3: unknown key 'sigmaa' in 'inner'; did you mean 'sigma'?"),
        ("name: x\nparts:\n  - sigma: 1\n  - gridns: 2\n", "HG-C010", "f.yaml:4: unknown key 'gridns' in 'parts.1'; did you mean 'grid_ns'?"),
        ("name: x\nmaybe: {zzz: 2}\n", "HG-C010", "f.yaml:2: unknown key 'zzz' in 'maybe'; the keys are grid_ns, sigma"),
        ("nam: x\n", "HG-C010", "f.yaml:1: unknown key 'nam'; did you mean 'name'? (1 more problem)"),
        ("name: x\ninner:\n  bands: {}\n", "HG-C010", "f.yaml:3: key 'bands' in 'inner' is not implemented yet; remove it"),
        ("name: x\ninner:\n  sigma: abc\n", "HG-C012", "f.yaml:3: inner.sigma = 'abc': must be a valid number"),
        ("name: x\ninner:\n  sigma: '2'\n", "HG-C012", "f.yaml:3: inner.sigma = '2': must be a valid number"),
        ("name: x\ninner:\n  sigma: -1\n", "HG-C012", "f.yaml:3: inner.sigma = -1: must be greater than 0"),
        ("name: x\ninner: {grid_ns: 1.5}\n", "HG-C012", "f.yaml:2: inner.grid_ns = 1.5: must be a valid integer"),
        ("name: x\nflag: 1\n", "HG-C012", "f.yaml:2: flag = 1: must be a valid boolean"),
        ("name: x\nmode: c\n", "HG-C012", "f.yaml:2: mode = 'c': must be 'a' or 'b'"),
        ("name: 5\n", "HG-C012", "f.yaml:1: name = 5: must be a valid string"),
        ("name: x\nparts: 5\n", "HG-C012", "f.yaml:2: parts = 5: must be a list"),
        ("name: x\nparts: {a: 5}\n", "HG-C012", "f.yaml:2: must be a list (in parts)"),
        ("name: x\ninner: 5\n", "HG-C012", "f.yaml:2: inner = 5: must be a mapping"),
        ("flag: true\n", "HG-C011", "f.yaml:1: missing key 'name'"),
        ("", "HG-C011", "f.yaml:1: missing key 'name'"),
        ("- a\n", "HG-C012", "f.yaml:1: must be a mapping"),
        ("name: x\nname: y\n", "HG-C003", "f.yaml:2: key 'name' again (first in line 1)"),
        ("name: x\ninner: {sigma: .inf}\n", "HG-C006", "f.yaml:2: '.inf' is not a finite number"),
        ("name: x\ninner: {sigma: 1e400}\n", "HG-C006", "f.yaml:2: '1e400' is not a finite number"),
        ("name: !!python/object/apply:os.system [ls]\n", "HG-C004", "f.yaml:1: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed; remove it"),
        ("name: !secret x\n", "HG-C004", "f.yaml:1: the tag '!secret' is not allowed; remove it"),
        ("1: x\n", "HG-C005", "f.yaml:1: a key must be text; put it in quotes"),
        ("? [a]\n: x\n", "HG-C005", "f.yaml:1: a key must be text; put it in quotes"),
        ("name: x\n  bad: y\n", "HG-C001", "f.yaml:2: not valid YAML: mapping values are not allowed here"),
        ("name: [x\n", "HG-C001", "f.yaml:2: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("name: *nobody\n", "HG-C001", "f.yaml:1: not valid YAML: found undefined alias 'nobody'"),
        ("a: 1\n---\nb: 2\n", "HG-C001", "f.yaml:2: not valid YAML: but found another document"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(text: str, code: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert (caught.value.code, str(caught.value)) == (code, message)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [" + ", ".join([f"*{chr(97 + i)}"] * 6) + "]\n"
    for i in range(8)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "a: &a [*a]\n",
        "a: &a x\nb: [" + ", ".join(["*a"] * (MAX_ALIASES + 1)) + "]\n",
        "a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "[" * 100_000,
        "a: " + "9" * 5000,
        'a: "\\UFFFFFFFF"',
        "a: \x00",
    ],
    ids=["bomb", "endless", "aliases", "deep", "brackets", "digits", "escape", "nul"],
)
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^f\.yaml"):
        parse_yaml(text, "f.yaml")


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.yaml", tmp_path, tmp_path / "a\0b.yaml"):
        with pytest.raises(NoInputError, match="can not read the file"):
            load_yaml_model(path, Outer)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match=f"larger than {MAX_BYTES} bytes"):
        load_yaml_model(large, Outer)
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"name: x\n# caf\xe9\n")
    with pytest.raises(ConfigError, match=r"latin\.yaml:2: byte 0xe9 is not UTF-8"):
        load_yaml_model(latin, Outer)
    marked = tmp_path / "marked.yaml"
    marked.write_bytes(b"\xef\xbb\xbfname: x\n")
    assert load_yaml_model(marked, Outer) == Outer(name="x")


def test_anchors_are_shared_values() -> None:
    text = "name: x\ninner: &i {sigma: 2}\nparts: [*i, *i]\n"
    assert load(text).parts == (Inner(sigma=2.0),) * 2


def test_overrides_replace_add_and_reach_into_lists() -> None:
    text = "name: x\nparts:\n  - sigma: 1\n"
    outer = load(text, "name=y=z", "inner.sigma=3e-4", "parts.0.grid_ns=9", "maybe={sigma: 2}")
    assert outer == Outer(
        name="y=z",
        inner=Inner(sigma=3e-4),
        parts=(Inner(grid_ns=9),),
        maybe=Inner(sigma=2.0),
    )
    assert load(text, "name=a", "name=b").name == "b"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inner.sigmaa=2", "--set inner.sigmaa=2: unknown key 'sigmaa' in 'inner'; did you mean 'sigma'?"),
        ("inner.sigma=abc", "--set inner.sigma=abc: inner.sigma = 'abc': must be a valid number"),
        ("parts.3.sigma=1", "--set parts.3.sigma=1: parts is a list of 1, so it has no '3'"),
        ("name.a.b=1", "--set name.a.b=1: name is not a mapping, so it has no 'a'"),
    ],
)  # fmt: skip
def test_overrides_that_do_not_fit(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("name: x\nparts:\n  - sigma: 1\n", text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["", "a", "=1", "a..b=1", ".=1"])
def test_overrides_of_the_wrong_form(text: str) -> None:
    with pytest.raises(UsageError, match=r"must have the form key\.key=value"):
        parse_overrides([text])


def test_an_override_leaves_the_document_alone() -> None:
    document = parse_yaml("name: x\n", "f.yaml")
    apply_overrides(document, parse_overrides(["name=y"]))
    assert document.data == {"name": "x"}


PUNCTUATION = "a:-[]{}&*!#|>'\"\\%@`,?\n\t 01.e~\x00\x85<="


@given(st.text(alphabet=PUNCTUATION, max_size=60))
def test_any_text_is_data_or_one_line(text: str) -> None:
    try:
        load(text)
    except HftgymError as error:
        assert str(error).startswith("f.yaml")
        assert str(error).isprintable()


TEXT = st.text(st.characters(max_codepoint=0xD7FF))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
SCALAR = st.none() | st.booleans() | st.integers() | FINITE | TEXT


@given(
    st.recursive(
        SCALAR,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=12,
    )
)
def test_json_is_read_back_as_it_was(value: object) -> None:
    assert data(json.dumps({"key": value}, ensure_ascii=True)) == {"key": value}
