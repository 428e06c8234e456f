"""Domain randomisation: numbers of a market that are drawn anew at each reset.

A parameter of the scenario has two ends. The market is configured at each of them; where the two
records differ, a reset writes what lies between, uniformly, as a function of the market seed and of
the parameter alone. Numbers of one parameter (all noise traders of a kind, say) share their draw.
The burn-in is that of the scenario itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import ValidationError

from hftgym.core.jit import leaf
from hftgym.core.rng import mix2, text_hash, uniform_at
from hftgym.envs.task import DRAW
from hftgym.errors import HftgymError, UsageError
from hftgym.market import Blueprint, Learner, blueprint
from hftgym.participants.base import resolve
from hftgym.scenario import Scenario

_STREAM = np.uint64(text_hash("parameters of a market"))
_KINDS = ("f8", "i8", "i4")


@leaf
def draw_parameters(i, seed, draws, f8, i8, i4):
    """Write the drawn numbers of market ``i``.

    Args:
        i: which market.
        seed: its market seed.
        draws: dtype ``DRAW``.
        f8: all markets as float64, shape (markets, numbers); i8 and i4 likewise.
        i8: as int64.
        i4: as int32.
    """
    for k in range(len(draws)):
        d = draws[k]
        u = uniform_at(mix2(seed, _STREAM), np.uint64(d.index))
        x = d.low + u * (d.high - d.low)
        if d.kind == 0:
            f8[i, d.place] = x
        elif d.kind == 1:
            i8[i, d.place] = math.floor(x + 0.5)
        else:
            i4[i, d.place] = math.floor(x + 0.5)


def drawn_shares(seeds: np.ndarray, parameters: int) -> np.ndarray:
    """Return where between its ends each parameter lies, shape (seeds, parameters)."""
    keys = [np.uint64(mix2(np.uint64(seed), _STREAM)) for seed in seeds]
    shares = [[uniform_at(key, np.uint64(j)) for j in range(parameters)] for key in keys]
    return np.array(shares).reshape(len(seeds), parameters)


def numbers_as(markets: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return an array of markets as float64, int64 and int32, each of shape (markets, numbers)."""
    f8, i8, i4 = (markets.view(kind).reshape(len(markets), -1) for kind in _KINDS)
    return f8, i8, i4


def draws_of(
    scenario: Scenario,
    learners: Sequence[Learner],
    ops: np.ndarray | None,
    wanted: Mapping[str, Sequence[float]],
) -> np.ndarray:
    """Return what a reset writes, dtype ``DRAW``.

    Args:
        scenario: the market.
        learners: its learners.
        ops: its tape.
        wanted: two ends by parameter: ``kind.name`` of a participant, else a path of the scenario
            such as ``value.sigma_tick_per_sqrt_s`` or ``instrument.taker_fee``.

    Raises:
        UsageError: if there is no such number, or it can not change while a market runs.
    """
    found: list[tuple[int, int, int, float, float]] = []
    for index, (path, ends) in enumerate(wanted.items()):
        try:
            low, high = (float(end) for end in ends)
        except (TypeError, ValueError):
            raise UsageError(
                "HG-U071", f"randomise[{path!r}]: {ends!r}; must be two numbers, low and high"
            ) from None
        lowest, highest = (
            blueprint(_with(scenario, path, end), learners, ops) for end in (low, high)
        )
        if lowest.data_hash != highest.data_hash or len(lowest.names) != len(highest.names):
            raise UsageError(
                "HG-U072", f"randomise[{path!r}]: can not change from one episode to the next"
            )
        numbers = _Differences(lowest, highest).found
        if not numbers:
            raise UsageError(
                "HG-U073", f"randomise[{path!r}]: {low:g} and {high:g} make the same market"
            )
        found.extend((index, place, kind, a, b) for place, kind, a, b in numbers)
    return np.array(found, DRAW) if found else np.zeros(0, DRAW)


def _with(scenario: Scenario, path: str, value: float) -> Scenario:
    """Return a scenario with one number changed, wherever the path leads."""
    tree: dict[str, Any] = scenario.model_dump()
    head, _, name = path.rpartition(".")
    places: list[Any] = [one["params"] for one in tree["participants"] if one["kind"] == head] or [
        _walk(tree, head.split(".") if head else [])
    ]
    kinds = dict.fromkeys(one["kind"] for one in tree["participants"])
    if not name or not all(isinstance(place, dict) and name in place for place in places):
        raise UsageError(
            "HG-U074",
            f"randomise[{path!r}]: scenario {scenario.name!r} has no such number; name a parameter "
            f"of a participant, one of {', '.join(kinds)}, as 'kind.parameter', or a path such as "
            "'value.sigma_tick_per_sqrt_s'",
        )
    for place in places:
        whole = isinstance(place.get(name), int) and value == int(value)
        place[name] = int(value) if whole else value
    try:
        return Scenario.model_validate(tree)
    except (ValidationError, HftgymError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UsageError("HG-U075", f"randomise[{path!r}]: {value:g}: {first}") from None


def _walk(tree: Any, steps: list[str]) -> Any:
    for step in steps:
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


class _Differences:
    """The numbers in which two records of one market differ: (place, kind, low, high)."""

    def __init__(self, low: Blueprint, high: Blueprint) -> None:
        self._low, self._high = (np.asarray(one.record).view(np.uint8) for one in (low, high))
        self.found: list[tuple[int, int, float, float]] = []
        dtype = low.record.dtype
        parts, first = dtype.fields["part"][:2]  # type: ignore[index]
        part, _ = parts.subdtype  # type: ignore[misc]
        params = first + part.fields["params"][1]  # type: ignore[index]
        for p, kind in enumerate(low.kinds):  # bytes to the market, numbers to the strategy
            if kind not in ("learner", "tape"):
                self._walk(resolve(kind).params_dtype, params + p * part.itemsize)
        self._walk(dtype, 0)

    def _walk(self, dtype: np.dtype, offset: int) -> None:
        end = offset + dtype.itemsize
        a, b = self._low[offset:end], self._high[offset:end]
        if np.array_equal(a, b):
            return
        if dtype.subdtype is not None:
            base, shape = dtype.subdtype
            for i in range(math.prod(shape)):
                self._walk(base, offset + i * base.itemsize)
        elif dtype.names is not None:
            for field, start, *_ in dtype.fields.values():  # type: ignore[union-attr]
                self._walk(field, offset + start)
        elif dtype.str[1:] in _KINDS:
            kind = _KINDS.index(dtype.str[1:])
            ends = float(a.view(dtype)[0]), float(b.view(dtype)[0])
            self.found.append((offset // dtype.itemsize, kind, *ends))
