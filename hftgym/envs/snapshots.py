"""Burnt-in markets: where episodes begin. A reset is a copy of one of them with new streams.

Each split has snapshots of its own, from seeds of its own (synthetic markets) or from its own part
of the time (tapes). They are made in one go when the first environment needs them and shared by all
environments of the process that ask for the same ones.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.core.constants import Phase
from hftgym.core.records import TAPE_OP
from hftgym.envs.history import Start, lead_in
from hftgym.envs.kernels import warm_one
from hftgym.envs.seeds import SPLITS, snapshot_seed
from hftgym.envs.task import RECENT_ROWS, RING, STATE, WINDOWS_S, Role
from hftgym.errors import InternalError
from hftgym.market import Blueprint, check_fault

_LOG = logging.getLogger("hftgym")
_BYTES = 256 << 20  # snapshots of one split together, at the most
_KEPT = 8  # sets of snapshots
_cache: OrderedDict[tuple[Any, ...], Snapshots] = OrderedDict()
_lock = Lock()

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Snapshots:
    """Markets in which the learners are about to decide.

    Attributes:
        markets: the markets, shape (snapshots,).
        states: histories of the learners in them, dtype ``STATE``, shape (snapshots * learners,).
        recents: public messages of the markets, shape (snapshots,); (1,) when nobody sees them.
        trace: what the first learner saw while it watched, ``mid_2px``, ``ofi``, signed volume and
            latent value less mid in ticks (of a taker), float64, shape (snapshots, steps, 4).
    """

    markets: np.ndarray
    states: np.ndarray
    recents: np.ndarray
    trace: FloatArray


def number_of_snapshots(blueprint: Blueprint, split: int, wanted: int | None) -> int:
    """Return how many snapshots a split gets: 64 for training, else 32; fewer of large ones."""
    usual = 64 if SPLITS[split] == "train" else 32
    room = max(4, _BYTES // blueprint.record.dtype.itemsize)
    return min(usual, room) if wanted is None else wanted


def snapshots(
    blueprint: Blueprint,
    tasks: np.ndarray,
    split: int,
    count: int,
    logs: np.ndarray,
    starts: tuple[Start, ...] = (),
    data_hash: str = "",
) -> Snapshots:
    """Return the burnt-in markets of a split, from the cache when they are there.

    Args:
        blueprint: the market with its learners.
        tasks: dtype ``TASK``, shape (learners,); their step and participants count.
        split: tag of the split.
        count: how many.
        logs: one log buffer; of capacity 0 unless messages are observed.
        starts: where on the tape each begins; empty without a tape.
        data_hash: which tape it is.

    Raises:
        InternalError: if a market stops while it is burnt in.
    """
    # Where history windows end follows from the step; nothing else of the task has an effect.
    key = (
        blueprint.scenario.config_hash,
        blueprint.names,
        hash(blueprint.record["part"].tobytes()),  # the learners' latencies and limits
        blueprint.data_hash,
        data_hash,
        split,
        count,
        int(tasks[0]["step_ns"]),
        int(tasks[0]["role"] == Role.TAKER),
        int(logs[0]["capacity"]),
        tuple(start.first_ns for start in starts),
    )
    with _lock:
        found = _cache.get(key)
        if found is None:
            began = time.perf_counter()
            found = _burn_in(blueprint, tasks, split, count, logs, starts)
            spent_s = time.perf_counter() - began
            if spent_s > 1.0:
                name = blueprint.scenario.name
                _LOG.info("%s: %d %s markets in %.1f s", name, count, SPLITS[split], spent_s)
            _cache[key] = found
            while len(_cache) > _KEPT:
                _cache.popitem(last=False)
        _cache.move_to_end(key)
        return found


def _burn_in(
    blueprint: Blueprint,
    tasks: np.ndarray,
    split: int,
    count: int,
    logs: np.ndarray,
    starts: tuple[Start, ...],
) -> Snapshots:
    step_s = int(tasks[0]["step_ns"]) / 1e9
    steps = int(np.ceil(blueprint.scenario.burn_in_s / step_s))
    markets = np.repeat(blueprint.record, count)
    states = np.zeros(count * len(tasks), STATE)
    recents = np.zeros(count if logs[0]["capacity"] else 1, RECENT_ROWS)
    trace = np.zeros((count, steps + 1, 4))
    nothing = np.zeros(0, TAPE_OP)
    for k in range(count):
        seed_ops, cursor = nothing, 0
        if starts:
            seed_ops, cursor = _prepare_start(markets[k], starts[k])
        done = warm_one(
            markets,
            states,
            recents,
            k,
            tasks,
            blueprint.table,
            seed_ops,
            cursor,
            blueprint.ops,
            logs,
            snapshot_seed(split, k),
            trace[k],
        )
        if not done:
            check_fault(markets[k])
            raise InternalError(
                "HG-X010",
                f"{blueprint.scenario.name}: snapshot {k} of {SPLITS[split]} has no more events "
                f"at {int(markets[k]['now_ns'])} ns",
            )
    for array in (markets, states, recents, trace):
        array.setflags(write=False)
    return Snapshots(markets, states, recents, trace)


def _prepare_start(market: Any, start: Start) -> tuple[np.ndarray, int]:
    """Set clock, price and phase of a market that begins in the middle of a tape."""
    instrument = market["books"][0]["instrument"]
    market["now_ns"] = start.first_ns
    instrument["start_px"] = start.mid_px
    instrument["phase"] = Phase.HALT if start.halted else Phase.CONTINUOUS
    return lead_in(start), start.cursor


@dataclass(frozen=True)
class Scales:
    """Fixed scales of the observation, measured on the snapshots of the training split.

    Attributes:
        sigma_tick: volatility of the mid, ticks per square root of a second.
        ofi_lots: order flow imbalance over 1 s and over 10 s.
        flow_lots: signed volume over 1 s and over 10 s.
        offset_sd_tick: standard deviation of the latent value less the mid; 1 without a value.
    """

    sigma_tick: float
    ofi_lots: tuple[float, float]
    flow_lots: tuple[float, float]
    offset_sd_tick: float


def measure(found: Snapshots, window_steps: IntArray, step_s: float, tick_px: int) -> Scales:
    """Measure scales on what the learners of some snapshots saw.

    A flow is divided by half of the value that one in a thousand passes, rounded up to 1, 2 or 5
    times a power of ten: so 1 in 1,000 exceeds about 2, and the clip at 5 is far away.

    Args:
        found: snapshots of the training split.
        window_steps: steps of the windows ``WINDOWS_S``.
        step_s: time between two steps, seconds.
        tick_px: price units in a tick.
    """
    trace = found.trace[:, min(RING, found.trace.shape[1]) // 4 :]  # the book fills up at first
    ofi, flow = [], []
    for window in (WINDOWS_S.index(1.0), WINDOWS_S.index(10.0)):
        change = _change(trace, int(window_steps[window]))
        ofi.append(_round_up(np.quantile(np.abs(change[..., 1]), 0.999) / 2))
        flow.append(_round_up(np.quantile(np.abs(change[..., 2]), 0.999) / 2))
    steps = min(int(window_steps[-1]), trace.shape[1] - 1)
    moves = _change(trace, steps)[..., 0] / (2.0 * tick_px)
    variance = float(np.mean(moves**2)) / (max(steps, 1) * step_s)
    offset_sd_tick = float(np.sqrt(np.mean(trace[..., 3] ** 2))) or 1.0
    return Scales(max(variance**0.5, 1e-3), (ofi[0], ofi[1]), (flow[0], flow[1]), offset_sd_tick)


def _change(trace: FloatArray, steps: int) -> FloatArray:
    steps = min(steps, trace.shape[1] - 1)
    return trace[:, steps:] - trace[:, : trace.shape[1] - steps]


def _round_up(x: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20 ... that is at least x."""
    power = 1.0
    while True:
        for digit in (1.0, 2.0, 5.0):
            if digit * power >= x:
                return digit * power
        power *= 10.0
