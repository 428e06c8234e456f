"""What is refused at the border between Python and the kernels, in one line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from hftgym.envs.act import ACTION_LIMIT
from hftgym.envs.forms import Form
from hftgym.envs.task import Outcome
from hftgym.errors import InternalError, UsageError
from hftgym.market import check_fault


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


def raise_illegal(actions: Iterable[tuple[np.ndarray, Form]]) -> NoReturn:
    """Raise for the first value outside of its space (NaN is) of actions that a kernel refused.

    Args:
        actions: arrays with their forms, in the order in which they are looked at.

    Raises:
        UsageError: always; it names place, value and space.
    """
    for array, form in actions:
        values = np.atleast_1d(array)
        if form.shape == ():
            values = values[..., np.newaxis]
        low = [0.0 if n else -ACTION_LIMIT for n in form.choices]
        high = [n - 1.0 if n else ACTION_LIMIT for n in form.choices]
        bad = ~((values >= low) & (values <= high))
        if not bad.any():
            continue
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        where = ", ".join(str(i) for i in (place[:-1] if form.shape == () else place))
        rule = f"must be 0 to {int(high[place[-1]])}" if form.discrete else "must be in [-1, 1]"
        value = int(values[place]) if form.discrete else float(values[place])
        where = f"[{where}]" if where else ""
        raise UsageError("HG-U063", f"action{where}: {value}; {rule}; nothing was changed")
    raise InternalError("HG-X012", "actions that lie in their spaces were refused")


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
