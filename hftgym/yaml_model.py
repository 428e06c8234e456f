"""YAML files as frozen pydantic models, with errors that name file, line, value and rule.

`load_yaml_model` reads a file, applies the overrides of ``--set`` and validates. Numbers must be
numbers and text must be text (``"5"`` is not 5); a key that the model does not know is refused,
with the nearest one that it knows.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from hftgym.errors import ConfigError, UsageError
from hftgym.names import nearest
from hftgym.yaml_text import Document, Keys, Place, Plain, parse_yaml, read_yaml

M = TypeVar("M", bound=BaseModel)


class StrictModel(BaseModel):
    """Base of every model that is read from a file: frozen, finite, no unknown key.

    Keys in `not_implemented` belong to the design but not yet to the program: they are refused
    with these words, never ignored.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )
    not_implemented: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def nested_model(cls, field: str, data: Mapping[str, Any]) -> type[BaseModel] | None:
        """Return the model of one field's value, to name the nearest key in a message.

        Args:
            field: Name of the field.
            data: What was given for this model; a model that picks another by a key reads it here.
        """
        del data
        return _model_in(cls.model_fields[field].annotation)


class Override(NamedTuple):
    """One ``--set a.b=c``: where, what, and the text as it was given."""

    keys: tuple[str, ...]
    value: Plain
    text: str


def parse_overrides(items: Iterable[str]) -> list[Override]:
    """Parse ``key.key=value`` texts; the value is read as YAML (``3``, ``0.5``, ``[1, 2]``).

    Args:
        items: For example ``["ppo.learning_rate=3e-4", "participants.0.count=5"]``.

    Raises:
        UsageError: An item has no ``=`` or an empty key.
        ConfigError: A value is not valid YAML.
    """
    overrides = []
    for item in items:
        name, equals, value = item.partition("=")
        keys = tuple(part.strip() for part in name.split("."))
        if not equals or not all(keys):
            raise UsageError("HG-U006", f"--set {item!r} must have the form key.key=value")
        overrides.append(Override(keys, parse_yaml(value, f"--set {name}").data, f"--set {item}"))
    return overrides


def load_yaml_model(path: Path | str, model: type[M], overrides: Sequence[Override] = ()) -> M:
    """Read a YAML file into a frozen model.

    Args:
        path: The file.
        model: What the file must be.
        overrides: Values that replace or add to those of the file, in order.

    Raises:
        NoInputError: The file is not there or can not be read.
        ConfigError: The file or an override is not valid; the message names the first line that is
            wrong, the value and the rule.
    """
    return validate_document(apply_overrides(read_yaml(Path(path)), overrides), model)


def apply_overrides(document: Document, overrides: Sequence[Override]) -> Document:
    """Return `document` with the overrides applied; the document itself stays as it is."""
    if not overrides:
        return document
    data = {} if document.data is None else copy.deepcopy(document.data)
    places = dict(document.places)
    for override in overrides:
        keys = _set(data, override)
        places = {at: place for at, place in places.items() if at[: len(keys)] != keys}
        places[keys] = Place(override.text, None)
    return Document(document.source, data, places)


def _set(data: Plain, override: Override) -> Keys:
    """Set one value inside `data`; return where it went, list positions as numbers."""
    done: list[str | int] = []
    at = data
    for depth, key in enumerate(override.keys):
        last = depth == len(override.keys) - 1
        index: str | int
        if isinstance(at, dict):
            index = key
            if not last and at.get(key) is None:
                at[key] = {}
        elif isinstance(at, list) and key.isdecimal() and int(key) < len(at):
            index = int(key)
        else:
            held = f"a list of {len(at)}" if isinstance(at, list) else "not a mapping"
            raise ConfigError(
                "HG-C013",
                f"{override.text}: {_dotted(done) or 'the file'} is {held}, so it has no {key!r}",
            )
        if last:
            at[index] = override.value
        else:
            at = at[index]
        done.append(index)
    return tuple(done)


def validate_document(document: Document, model: type[M]) -> M:
    """Validate plain data with known places.

    Args:
        document: Data and where each value was written; no data at all is an empty mapping.
        model: What the data must be.

    Raises:
        ConfigError: The data does not fit.
    """
    data = {} if document.data is None else document.data
    try:
        # JSON mode: a list may become a tuple, but text never becomes a number.
        return model.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        problems = [_Problem.of(details, document, model) for details in error.errors()]
    problems.sort(key=lambda problem: (problem.place.line or 0, problem.code))
    first = problems[0]
    more = len(problems) - 1
    tail = f" ({more} more problem{'s' if more > 1 else ''})" if more else ""
    raise ConfigError(first.code, f"{first.place}: {first.text}{tail}")


class _Problem(NamedTuple):
    """One thing that is wrong, in the words of the user's file."""

    code: str
    place: Place
    text: str

    @classmethod
    def of(cls, details: ErrorDetails, document: Document, model: type[BaseModel]) -> _Problem:
        """Translate one of pydantic's errors about `model`."""
        keys: Keys = details["loc"]
        kind, message, value = details["type"], details["msg"], details["input"]
        inside = f" (in {_dotted(keys)})" if keys else ""
        if kind == "extra_forbidden":
            owner = _owner(model, document.data, keys)
            return cls("HG-C010", document.place(keys), _unknown_key(owner, keys))
        if kind == "missing":
            parent = f" in {_dotted(keys[:-1])!r}" if keys[:-1] else ""
            return cls("HG-C011", document.place(keys[:-1]), f"missing key {keys[-1]!r}{parent}")
        if kind in {"value_error", "assertion_error"}:
            rule = message.partition(", ")[2]
        else:
            rule = message.replace("Input should", "must").replace("valid array", "list")
            rule = rule.replace("valid dictionary", "mapping").replace(" an object", " a mapping")
        if not keys or isinstance(value, (dict, list)):
            return cls("HG-C012", document.place(keys), rule + inside)
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        return cls("HG-C012", document.place(keys), f"{_dotted(keys)} = {shown}: {rule}")


def _unknown_key(owner: type[BaseModel] | None, keys: Keys) -> str:
    """Say that the last of `keys` is no field of `owner`, and which one may have been meant."""
    key = str(keys[-1])
    inside = f" in {_dotted(keys[:-1])!r}" if keys[:-1] else ""
    if owner is None:
        return f"unknown key {key!r}{inside}"
    if key in getattr(owner, "not_implemented", ()):
        return f"key {key!r}{inside} is not implemented yet; remove it"
    known = owner.model_fields
    hint = nearest(key, known) or f"; the keys are {', '.join(sorted(known)) or 'none'}"
    return f"unknown key {key!r}{inside}{hint}"


def _owner(model: type[BaseModel], data: Plain, keys: Keys) -> type[BaseModel] | None:
    """Return the model whose field the last of `keys` should have been."""
    owner: type[BaseModel] | None = model
    for key in keys[:-1]:
        if isinstance(key, str) and owner is not None:
            if issubclass(owner, StrictModel):
                owner = owner.nested_model(key, data)
            else:
                owner = _model_in(owner.model_fields[key].annotation)
        data = data[key]
    return owner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the first model in an annotation such as ``tuple[Model, ...] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)


def _dotted(keys: Sequence[str | int]) -> str:
    return ".".join(str(key) for key in keys)
