"""YAML text in, plain data with line numbers out; nothing in the text can run or explode.

The reading is stricter than YAML 1.1, which takes ``no`` for false, ``010`` for eight, ``1:30``
for ninety and ``3e-4`` for text: here a scalar is null, true or false, a decimal (or ``0x``)
integer, a number, or text. Only these types exist; tags, duplicate keys, infinities and files that
are too large, too deep or full of aliases are refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from hftgym.errors import ConfigError, NoInputError

#: Plain data: None, bool, int, float, str, list, dict with text keys.
Plain = Any
#: A place in the data: keys and list positions from the root.
Keys = tuple[str | int, ...]

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_ALIASES = 64
MAX_NODES = 50_000

_TAG = "tag:yaml.org,2002:"


class Place(NamedTuple):
    """Where a value was written: a file and its line (from 1), or the text of an override."""

    source: str
    line: int | None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(frozen=True)
class Document:
    """Plain data and the place of each of its keys and items."""

    source: str
    data: Plain
    places: dict[Keys, Place]

    def place(self, keys: Keys) -> Place:
        """Return where `keys` was written, or the nearest parent that was written."""
        for end in range(len(keys), -1, -1):
            found = self.places.get(keys[:end])
            if found is not None:
                return found
        return Place(self.source, 1)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars of this module and none of YAML 1.1's others."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own attribute


_Loader.add_implicit_resolver(
    _TAG + "null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_Loader.add_implicit_resolver(
    _TAG + "bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    _TAG + "int", re.compile(r"([-+]?(0|[1-9][0-9_]*)|0x[0-9a-fA-F_]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    _TAG + "float",
    re.compile(
        r"([-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*\.[0-9_]*)([eE][-+]?[0-9]+)?"
        r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+|[-+]?\.(inf|nan))$",
        re.IGNORECASE,
    ),
    list("-+.0123456789"),
)


def read_yaml(path: Path) -> Document:
    """Read one YAML file.

    Args:
        path: The file, in UTF-8, at most 1 MiB.

    Raises:
        NoInputError: The file is not there or can not be read.
        ConfigError: The text is not valid; the message names the line.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NoInputError("HG-N001", f"{path}: can not read the file: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise ConfigError("HG-C002", f"{path}: larger than {MAX_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "HG-C001", f"{path}:{line}: byte {raw[error.start]:#04x} is not UTF-8; save it as UTF-8"
        ) from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> Document:
    """Parse YAML text.

    Args:
        text: One YAML document.
        source: The name that messages give to the text.

    Raises:
        ConfigError: The text is not valid; the message names the line.
    """
    try:
        _check_shape(text, source)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        problem = error.problem or error.context or "not valid YAML"
        raise ConfigError("HG-C001", f"{source}:{line}: not valid YAML: {problem}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError("HG-C001", f"{source}: not valid YAML: {error}") from None
    places: dict[Keys, Place] = {}
    data = None if node is None else _Converter(source, places).convert(node, (), 0)
    return Document(source, data, places)


def _check_shape(text: str, source: str) -> None:
    """Refuse depth and aliases before anything is built from the text."""
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > MAX_DEPTH or aliases > MAX_ALIASES:
            limit = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_ALIASES} aliases"
            line = 1 if event.start_mark is None else event.start_mark.line + 1
            raise ConfigError("HG-C002", f"{source}:{line}: more than {limit}; write it flatter")


class _Converter:
    """Turns YAML nodes into plain data and notes where each key and item stands."""

    def __init__(self, source: str, places: dict[Keys, Place]) -> None:
        self._source = source
        self._places = places
        self._nodes = 0

    def convert(self, node: yaml.Node, keys: Keys, depth: int) -> Plain:
        """Return the plain data of `node`, which stands at `keys`."""
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise self._error("HG-C002", node, "aliases make this file too large or endless")
        self._places.setdefault(keys, Place(self._source, node.start_mark.line + 1))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self.convert(item, (*keys, i), depth + 1) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, keys, depth)
        raise self._error("HG-C004", node, f"the tag {node.tag!r} is not allowed; remove it")

    def _mapping(self, node: yaml.MappingNode, keys: Keys, depth: int) -> dict[str, Plain]:
        data: dict[str, Plain] = {}
        for key_node, value_node in node.value:
            key = self._scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, str):
                raise self._error("HG-C005", key_node, "a key must be text; put it in quotes")
            if key in data:
                first = self._places[(*keys, key)].line
                raise self._error("HG-C003", key_node, f"key {key!r} again (first in line {first})")
            self._places[(*keys, key)] = Place(self._source, key_node.start_mark.line + 1)
            data[key] = self.convert(value_node, (*keys, key), depth + 1)
        return data

    def _scalar(self, node: yaml.ScalarNode) -> Plain:
        tag, text = node.tag, node.value
        if tag == _TAG + "str":
            return text
        if tag == _TAG + "null":
            return None
        digits = text.replace("_", "").lower()
        try:
            if tag == _TAG + "bool":
                return {"true": True, "false": False}[digits]
            if tag == _TAG + "int":
                return int(digits, 16) if digits.startswith("0x") else int(digits)
            if tag == _TAG + "float":
                number = float(digits.replace(".inf", "inf").replace(".nan", "nan"))
                if math.isfinite(number):
                    return number
                raise self._error("HG-C006", node, f"{text!r} is not a finite number")
        except (KeyError, ValueError) as error:
            if isinstance(error, ConfigError):
                raise
            shown = text if len(text) <= 40 else text[:37] + "..."
            raise self._error("HG-C006", node, f"{shown!r} is not a valid value") from None
        raise self._error("HG-C004", node, f"the tag {tag!r} is not allowed; remove it")

    def _error(self, code: str, node: yaml.Node, text: str) -> ConfigError:
        return ConfigError(code, f"{Place(self._source, node.start_mark.line + 1)}: {text}")
