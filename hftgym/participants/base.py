"""What a participant is: ``Params``, a ``Memory`` record, and one compiled ``decide``.

``decide(view, own, params, memory, rng, out) -> number of messages``

=========  ====================================================================================
view       VIEW: what the public feed shows, captured ``feed_ns`` ago (px, lots, ns)
own        OWN: position, cash and orders as private responses have told them
params     the participant's ``Params``, by name (floats and integers)
memory     its own record; zeros at first, kept between decisions
rng        its stream of random numbers (``hftgym.core.rng``)
out        OUT: ``messages``, ``next_wake_ns`` and ``wake_on``
=========  ====================================================================================

A participant of your own needs nothing from inside the package: decorate a function with
``@participant(Params, MEMORY)`` and name it ``module:attribute`` in a scenario.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from hftgym.core.calls import decide_signature
from hftgym.core.constants import MEMORY_BYTES, PARAMS_BYTES, VIEW_LEVELS
from hftgym.core.jit import INTERPRETED, c_function
from hftgym.core.records import MAX_KINDS, TABLE, record
from hftgym.errors import ConfigError

_DTYPES = {float: "f8", int: "i8", bool: "i8"}
#: Memory of a participant that needs none.
NO_MEMORY = record([("unused", "i8")])


class ParticipantParams(BaseModel):
    """Base of all ``Params``: frozen, numbers only, unknown names refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def params_dtype(model: type[BaseModel]) -> np.dtype:
    """Return the record that compiled code sees of a ``Params`` model.

    Raises:
        TypeError: if a field is not a float, an int or a bool.
    """
    fields = []
    for name, field in model.model_fields.items():
        kind = _DTYPES.get(field.annotation)  # type: ignore[arg-type]
        if kind is None:
            raise TypeError(
                f"{model.__module__}.{model.__qualname__}.{name}: compiled participants take "
                f"float, int or bool parameters, not {field.annotation}"
            )
        fields.append((name, kind))
    return record(fields or [("unused", "i8")])


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
        is_external: the loop hands back control before it decides.
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
    is_external: bool

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
        is_external: used by ``external`` alone.

    Raises:
        ValueError: if params or memory do not fit into their slots.
    """
    dtype = params_dtype(params)
    for what, size, limit in (
        ("params", dtype.itemsize, PARAMS_BYTES),
        ("memory", memory.itemsize, MEMORY_BYTES),
    ):
        if size > limit:
            raise ValueError(f"participant {what}: {size} bytes do not fit into {limit}")

    def decorate(function: Callable[..., int]) -> Participant:
        compiled = c_function(decide_signature(dtype, memory))(function)
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
            is_external,
        )

    return decorate


def kinds() -> list[str]:
    """Return the names of the participants that the package brings."""
    folder = Path(__file__).parent
    skip = {"__init__", "base", "fair_value", "flow", "maker_params", "orders", "quoting"}
    return sorted(p.stem for p in folder.glob("*.py") if p.stem not in skip)


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


def build_table(participants: Sequence[Participant]) -> Any:
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
    if INTERPRETED:
        return [list(participants)]
    table = np.zeros(1, TABLE)
    table[0]["address"][: len(participants)] = [p.address for p in participants]
    return table


def write_params(participant: Participant, params: BaseModel, slot: np.ndarray) -> None:
    """Write checked parameters into a participant's byte slot (uint8)."""
    row = np.zeros(1, participant.params_dtype)
    for name in type(params).model_fields:
        row[0][name] = getattr(params, name)
    raw = row.view(np.uint8)
    slot[: len(raw)] = raw
