"""What is refused at the border between Python and the kernels, in one line each."""

from __future__ import annotations

from typing import Any

import numpy as np

from hftgym.envs.forms import Form
from hftgym.envs.task import Outcome
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


def bounds_of(form: Form) -> tuple[list[float], list[float]]:
    """Return the least and the largest value of each component of an action."""
    low = [0.0 if n else -ACTION_LIMIT for n in form.choices]
    high = [n - 1.0 if n else ACTION_LIMIT for n in form.choices]
    return low, high


def illegal_action(array: np.ndarray, form: Form) -> UsageError:
    """Return the error for an action with a value outside of its space."""
    flat = np.atleast_1d(array)
    if form.shape == ():
        flat = flat[..., np.newaxis]
    low, high = bounds_of(form)
    bad = ~((flat >= low) & (flat <= high))
    place = tuple(int(i) for i in np.argwhere(bad)[0])
    where = ", ".join(str(i) for i in (place[:-1] if form.shape == () else place))
    rule = f"must be 0 to {int(high[place[-1]])}" if form.discrete else "must be in [-1, 1]"
    value = int(flat[place]) if form.discrete else float(flat[place])
    where = f"[{where}]" if where else ""
    return UsageError("HG-U063", f"action{where}: {value}; {rule}; nothing was changed")


def check_actions(array: np.ndarray, form: Form) -> None:
    """Raise if any value of a batch of actions lies outside of its space (NaN does).

    A largest absolute value takes 4 us of a batch of 256, comparing with both bounds 13.
    """
    if form.discrete:
        most = np.array(form.choices) - 1 if form.shape else form.choices[0] - 1
        legal = array.min() >= 0 and bool((array <= most).all())
    else:
        legal = np.abs(array, dtype=np.float64).max() <= ACTION_LIMIT
    if not legal:
        raise illegal_action(array, form)


def raise_fault(markets: np.ndarray, states: np.ndarray, ios: np.ndarray) -> None:
    """Raise the fault of the first environment whose market has stopped.

    Raises:
        InternalError: always; it names environment, market seed and fault.
    """
    row = int(np.flatnonzero(ios["outcome"] == Outcome.FAULT)[0])
    i = row * len(markets) // len(states)
    state = states[i * (len(states) // len(markets))]
    who = f"environment {i}, market seed {int(state['market_seed'])}, step {state['step']}"
    try:
        check_fault(markets[i])
    except InternalError as error:
        raise InternalError(error.code, f"{who}: {error.message}") from None
    raise InternalError(
        "HG-X011", f"{who}: the market has no more events at {int(markets[i]['now_ns'])} ns"
    )
