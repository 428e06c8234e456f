"""What is refused at the border between Python and the kernels, in one line each."""

from __future__ import annotations

from typing import Any

import numpy as np

from hftgym.envs.task import DISCRETE_ACTIONS, Outcome
from hftgym.errors import InternalError, UsageError
from hftgym.market import check_fault

ACTION_LIMIT = 1.0 + 1e-6  # rounding is forgiven


def action_array(action: Any, shape: tuple[int, ...], discrete: bool) -> np.ndarray:
    """Return an action as an array of the right shape and kind; values are checked elsewhere.

    Raises:
        UsageError: if it has another shape or kind of number.
    """
    array = action if isinstance(action, np.ndarray) else np.asarray(action)
    kinds = "iu" if discrete else "fiu"
    if array.dtype.kind not in kinds:
        wanted = "integers" if discrete else "real numbers"
        raise UsageError("HG-U061", f"action: dtype {array.dtype}; must be {wanted}")
    if array.shape != shape:
        raise UsageError("HG-U062", f"action: shape {array.shape}; must be {shape}")
    return array


def illegal_action(array: np.ndarray, discrete: bool) -> UsageError:
    """Return the error for an action with a value outside of its space."""
    if discrete:
        bad = ~((array >= 0) & (array < len(DISCRETE_ACTIONS)))
        rule = f"must be 0 to {len(DISCRETE_ACTIONS) - 1}"
    else:
        bad = ~(np.abs(array) <= ACTION_LIMIT)
        rule = "must be in [-1, 1]"
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    where = ", ".join(str(i) for i in place)
    value = int(array[place]) if discrete else float(array[place])
    return UsageError("HG-U063", f"action[{where}]: {value}; {rule}; nothing was changed")


def check_actions(array: np.ndarray, discrete: bool) -> None:
    """Raise if any value of a batch of actions lies outside of its space (NaN does)."""
    low, high = array.min(), array.max()
    if discrete:
        legal = low >= 0 and high < len(DISCRETE_ACTIONS)
    else:
        legal = low >= -ACTION_LIMIT and high <= ACTION_LIMIT
    if not legal:
        raise illegal_action(array, discrete)


def raise_fault(markets: np.ndarray, states: np.ndarray, ios: np.ndarray) -> None:
    """Raise the fault of the first environment whose market has stopped.

    Raises:
        InternalError: always; it names environment, market seed and fault.
    """
    i = int(np.flatnonzero(ios["outcome"] == Outcome.FAULT)[0])
    who = f"environment {i}, market seed {int(states[i]['market_seed'])}, step {states[i]['step']}"
    try:
        check_fault(markets[i])
    except InternalError as error:
        raise InternalError(error.code, f"{who}: {error.message}") from None
    raise InternalError(
        "HG-X011", f"{who}: the market has no more events at {int(markets[i]['now_ns'])} ns"
    )
