"""What a participant is: ``Params``, a ``Memory`` record, and one compiled ``decide``.

``decide(view, own, params, memory, rng, out) -> number of messages``

=========  ====================================================================================
view       VIEW: what the public feed shows, captured ``feed_ns`` ago (px, lots, ns)
own        OWN: position, cash and orders as private responses have told them
params     the participant's ``Params``, by name (floats and integers), and ``tick_px``
memory     its own record; zeros at first, kept between decisions
rng        its stream of random numbers (``hftgym.core.rng``)
out        OUT: ``messages``, ``next_wake_ns`` and ``wake_on``
=========  ====================================================================================

A field ``name: tuple[float, ...]`` of ``Params`` is a table. Its numbers lie beside the markets,
and ``decide`` has a seventh argument, ``data``: ``data[params.name + i]`` is number ``i`` of
``params.name_count``.

A participant of your own needs nothing from inside the package: decorate a function with
``@participant(Params, MEMORY)`` and name it ``module:attribute`` in a scenario.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from hftgym.core.calls import PlainTable, decide_signature
from hftgym.core.constants import MEMORY_BYTES, PARAMS_BYTES, TABLE_NUMBERS, VIEW_LEVELS
from hftgym.core.jit import INTERPRETED, c_function
from hftgym.core.records import MAX_KINDS, TABLE, record
from hftgym.errors import ConfigError

_DTYPES = {float: "f8", int: "i8", bool: "i8"}
#: Memory of a participant that needs none.
NO_MEMORY = record([("unused", "i8")])


class ParticipantParams(BaseModel):
    """Base of all ``Params``: frozen, numbers only, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def table_fields(model: type[BaseModel]) -> list[str]:
    """Return the names of the fields that are tables of numbers."""
    return [name for name, f in model.model_fields.items() if f.annotation == tuple[float, ...]]


def params_dtype(model: type[BaseModel]) -> np.dtype:
    """Return the record that compiled code sees of a ``Params`` model.

    Behind the model's fields stands ``tick_px``, the instrument's tick in price units: parameters
    are in ticks, prices in px.

    Raises:
        TypeError: if a field is not a float, an int, a bool or a table of floats.
    """
    fields = []
    tables = table_fields(model)
    for name, field in model.model_fields.items():
        if name in tables:
            fields += [(name, "i8"), (f"{name}_count", "i8")]
            continue
        kind = _DTYPES.get(field.annotation)  # type: ignore[arg-type]
        if kind is None:
            raise TypeError(
                f"{model.__module__}.{model.__qualname__}.{name}: compiled participants take "
                f"float, int, bool or tuple[float, ...] parameters, not {field.annotation}"
            )
        fields.append((name, kind))
    return record([*fields, ("tick_px", "i8")])


@dataclass(frozen=True, eq=False)
class Participant:
    """A compiled strategy with its parameters, ready for a table.

    Attributes:
        function: the compiled C function (plain Python when numba is switched off).
        source: the Python function it was made of.
        Params: pydantic model of its parameters.
        params_dtype: the same as a record.
        memory_dtype: what it keeps between decisions.
        own_orders: order slots it needs.
        view_levels: book levels a side that its views carry.
        sees_queue: its views carry the queue position of its first order slots.
        sees_value: its views carry the latent value, as late as its ``value_delay_ns``.
        sees_other: it trades on the mid of the other instrument, so it needs a market with two.
        is_external: the loop hands back control before it decides.
        reads_data: it has parameters that are tables, and gets their numbers as ``data``.
    """

    function: Any
    source: Callable[..., int]
    Params: type[BaseModel]
    params_dtype: np.dtype
    memory_dtype: np.dtype
    own_orders: int
    view_levels: int
    sees_queue: bool
    sees_value: bool
    sees_other: bool
    is_external: bool
    reads_data: bool

    @property
    def address(self) -> int:
        """Address of the compiled function, valid in this process only."""
        return int(self.function.address)


def participant(
    params: type[BaseModel],
    memory: np.dtype = NO_MEMORY,
    *,
    own_orders: int = 2,
    view_levels: int = VIEW_LEVELS,
    sees_queue: bool = False,
    sees_value: bool = False,
    sees_other: bool = False,
    is_external: bool = False,
) -> Callable[[Callable[..., int]], Participant]:
    """Compile a ``decide`` function into a participant.

    Args:
        params: a subclass of ``ParticipantParams``; its fields are read as ``params.name``.
        memory: record dtype (``hftgym.core.records.record``) of at most 512 bytes.
        own_orders: how many orders it may have at once, 0 to 4096.
        view_levels: levels a side that ``view`` shows, 1 to 5; fewer are faster, the rest stay as
            they were.
        sees_queue: fill ``view.queue_ahead``.
        sees_value: fill ``view.signal``.
        sees_other: refuse it in markets without a second instrument (``view.other_mid_2px``).
        is_external: used by ``external`` alone.

    Raises:
        ValueError: if params or memory do not fit into their slots.
    """
    dtype = params_dtype(params)
    reads_data = bool(table_fields(params))
    for what, size, limit in (
        ("params", dtype.itemsize, PARAMS_BYTES),
        ("memory", memory.itemsize, MEMORY_BYTES),
    ):
        if size > limit:
            raise ValueError(f"participant {what}: {size} bytes do not fit into {limit}")

    def decorate(function: Callable[..., int]) -> Participant:
        signature = decide_signature(dtype, memory, reads_data=reads_data)
        compiled = c_function(signature)(function)
        return Participant(
            compiled,
            function,
            params,
            dtype,
            memory,
            own_orders,
            view_levels,
            sees_queue,
            sees_value,
            sees_other,
            is_external,
            reads_data,
        )

    return decorate


class Numbers:
    """The numbers of all tables beside a market, each table once."""

    def __init__(self) -> None:
        self._at: dict[tuple[float, ...], int] = {}
        self.used = 0

    def add(self, numbers: Sequence[float]) -> int:
        """Store a table; the index of its first number.

        Raises:
            ConfigError: if all tables together are too long.
        """
        key = tuple(map(float, numbers))
        if key in self._at:
            return self._at[key]
        if self.used + len(key) > TABLE_NUMBERS:
            raise ConfigError(
                "HG-C024",
                f"tables of numbers: {self.used + len(key)} in one market; at most {TABLE_NUMBERS}:"
                " shorten the recordings of latencies or the tables of participants",
            )
        self._at[key] = self.used
        self.used += len(key)
        return self._at[key]

    def to_bytes(self) -> bytes:
        """Return all numbers, little-endian, in their places."""
        return b"".join(np.array(key, "<f8").tobytes() for key in self._at)

    def write(self, data: np.ndarray) -> None:
        """Write all tables to their places."""
        for key, first in self._at.items():
            data[first : first + len(key)] = key


@cache
def kinds() -> tuple[str, ...]:
    """Return the names of the participants that the package brings: modules with a ``decide``."""
    folder = Path(__file__).parent
    return tuple(sorted(p.stem for p in folder.glob("*.py") if "\ndef decide(" in p.read_text()))


def resolve(kind: str) -> Participant:
    """Return the participant of a built-in kind or of ``module:attribute``.

    Raises:
        ConfigError: if there is none of that name.
    """
    if ":" in kind:
        module, _, attribute = kind.partition(":")
        if "" not in sys.path:
            sys.path.insert(0, "")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise ConfigError(
                "HG-C021", f"participant {kind!r}: {error}; name it as module:attribute"
            ) from None
    elif kind in kinds():
        found = importlib.import_module(f"hftgym.participants.{kind}").decide
    else:
        import difflib

        near = difflib.get_close_matches(kind, kinds(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(kinds())}"
        raise ConfigError("HG-C020", f"unknown participant kind {kind!r}; {hint}")
    if not isinstance(found, Participant):
        raise ConfigError(
            "HG-C022", f"participant {kind!r}: not made with hftgym.participants.base.participant"
        )
    return found


def build_table(participants: Sequence[Participant], numbers: Numbers | None = None) -> Any:
    """Return the table that the loop calls through, an array of one TABLE record.

    Every row was compiled by ``participant`` for the one signature, so an address in the table is
    an address that may be called.

    Raises:
        TypeError: if something else is passed.
        ConfigError: if there are more kinds than a table holds.
    """
    if len(participants) > MAX_KINDS:
        raise ConfigError(
            "HG-C023",
            f"{len(participants)} kinds of participants in one market; at most {MAX_KINDS}",
        )
    for p in participants:
        if not isinstance(p, Participant):
            raise TypeError(f"not a participant: {p!r}; use @participant(Params)")
    data = np.zeros(TABLE_NUMBERS if INTERPRETED else 0)
    table = np.zeros(0 if INTERPRETED else 1, TABLE)
    if not INTERPRETED:
        table[0]["address"][: len(participants)] = [p.address for p in participants]
        data = table[0]["data"]
    if numbers is not None:
        numbers.write(data)
    return [PlainTable(tuple(participants), data)] if INTERPRETED else table


def write_params(
    participant: Participant,
    params: BaseModel,
    tick_px: int,
    slot: np.ndarray,
    numbers: Numbers,
) -> None:
    """Write checked parameters and the instrument's tick into a byte slot (uint8).

    Tables go into ``numbers``.
    """
    row = np.zeros(1, participant.params_dtype)
    row[0]["tick_px"] = tick_px
    tables = table_fields(type(params))
    for name in type(params).model_fields:
        value = getattr(params, name)
        if name in tables:
            row[0][name], row[0][f"{name}_count"] = numbers.add(value), len(value)
        else:
            row[0][name] = value
    raw = row.view(np.uint8)
    slot[: len(raw)] = raw
