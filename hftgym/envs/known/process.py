"""What the known-answer tasks share: the arrays of a batch, its random streams, its borders.

Draw j of step n of episode e is a function of (seed, e, n, j) alone. An environment therefore does
not depend on its neighbours or on their number, and a batch of one is the single environment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from hftgym.errors import ConfigError, UsageError
from hftgym.names import nearest

FloatArray = npt.NDArray[np.float64]
ActionArray = npt.NDArray[np.float32]
ObsArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

ACTION_LIMIT = 1.0 + 1e-6  # rounding is forgiven
T = TypeVar("T")


@dataclass
class Batch:
    """State of n environments.

    Attributes:
        key: of the random stream of each, uint64, shape (n,).
        episode: how many episodes have begun before this one, uint64, shape (n,).
        step: decisions of this episode so far, int64, shape (n,).
        position: inventory or shares left, float64, shape (n,).
        total: sum of the rewards of this episode, float64, shape (n,).
        terms: parts of the last reward, float64, shape (n, parts).
    """

    key: npt.NDArray[np.uint64]
    episode: npt.NDArray[np.uint64]
    step: npt.NDArray[np.int64]
    position: FloatArray
    total: FloatArray
    terms: FloatArray

    @classmethod
    def of(cls, size: int, parts: int) -> Batch:
        """Return a batch whose episodes have not begun."""
        return cls(
            np.zeros(size, np.uint64),
            np.zeros(size, np.uint64),
            np.zeros(size, np.int64),
            np.zeros(size),
            np.zeros(size),
            np.zeros((size, parts)),
        )

    def begin(self, mask: BoolArray, position: float) -> None:
        """Set the episodes of `mask` to their first decision."""
        self.step[mask] = 0
        self.position[mask] = position
        self.total[mask] = 0.0


class Policy(Protocol):
    """Whoever decides for a batch of observations: ours, or a learner of Stable-Baselines3."""

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: Any = None,
        deterministic: bool = False,
    ) -> tuple[Any, Any]:
        """Return actions in [-1, 1], shape (n, action_size), and the next state."""


class Process(Protocol):
    """A known-answer task: how it moves, and what is best in it."""

    @property
    def name(self) -> str:
        """Name in texts."""

    @property
    def action_size(self) -> int:
        """Numbers in an action."""

    @property
    def steps(self) -> int:
        """Decisions in an episode."""

    @property
    def duration(self) -> float:
        """Length of a step in the task's unit of time."""

    @property
    def start(self) -> float:
        """Position at the beginning."""

    @property
    def continuing(self) -> bool:
        """Whether the end of an episode is a cut, not part of the task."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts of the reward."""

    @property
    def observation_low(self) -> tuple[float, float]:
        """Lower bounds of the observation."""

    def advance(self, batch: Batch, actions: FloatArray, active: BoolArray) -> None:
        """Take one step in the environments of `active`; write ``batch.terms``."""

    def observe(self, batch: Batch) -> ObsArray:
        """Return new observations, shape (n, 2)."""

    def describe(self, batch: Batch) -> str:
        """Return the state of environment 0 in one line."""

    def optimal_policy(self) -> Any:
        """Return the best policy."""

    def optimal_value(self) -> float:
        """Return what the best policy earns in the mean."""

    def optimal_values(self, obs: ObsArray, discount: float = 1.0) -> FloatArray:
        """Return what the best policy earns from each observed state on, discounted per step."""

    def reference_value(self) -> float:
        """Return what the reference earns in the mean."""

    def value(self, policy: Policy | npt.NDArray[Any]) -> float:
        """Return what a policy earns in the mean."""


def stream_key(seed: int) -> np.uint64:
    """Return the key of the random stream of a seed (an integer of any size, from 0 on)."""
    return np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]  # type: ignore[no-any-return]


def observation_space(process: Process) -> spaces.Box:
    """Return the space of one observation: time and position."""
    return spaces.Box(np.array(process.observation_low, np.float32), np.ones(2, np.float32))


def action_space(process: Process) -> spaces.Box:
    """Return the space of one action."""
    return spaces.Box(-1.0, 1.0, (process.action_size,), np.float32)


def checked_actions(actions: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return actions as float64 in [-1, 1].

    Raises:
        UsageError: if the shape, the kind of number or a value is wrong (NaN is).
    """
    array = np.asarray(actions)
    if array.shape != shape or array.dtype.kind not in "fiu":
        raise UsageError(
            "HG-U210",
            f"action: shape {array.shape}, dtype {array.dtype}; must be real numbers of {shape}",
        )
    if not (array.min() >= -ACTION_LIMIT and array.max() <= ACTION_LIMIT):
        place = tuple(int(i) for i in np.argwhere(~(np.abs(array) <= ACTION_LIMIT))[0])
        where = ", ".join(str(i) for i in place)
        raise UsageError("HG-U211", f"action[{where}]: {float(array[place])}; must be in [-1, 1]")
    return np.clip(array.astype(np.float64), -1.0, 1.0)


def decided(policy: Policy | npt.NDArray[Any], obs: ObsArray, size: int) -> FloatArray:
    """Return a policy's deterministic actions at observations of shape (..., 2).

    Args:
        policy: an object with ``predict``, or its action table of shape (..., size).
        obs: observations, shape (..., 2).
        size: numbers in an action.
    """
    shape = (*obs.shape[:-1], size)
    if isinstance(policy, np.ndarray):
        return checked_actions(policy, shape)
    actions, _ = policy.predict(obs.reshape(-1, 2), deterministic=True)
    return checked_actions(np.asarray(actions).reshape(shape), shape)


def changed(task: T, parameters: Mapping[str, Any] | None) -> T:
    """Return a task with some of its parameters changed.

    Raises:
        ConfigError: if there is no parameter of a name, or the task can not be.
    """
    own = {"name", "continuing"}  # what the constructors of the environments say
    names = [one.name for one in fields(task) if one.name not in own]  # type: ignore[arg-type]
    for name in parameters or {}:
        if name not in names:
            hint = nearest(str(name), names) or f"; there are {', '.join(names)}"
            raise ConfigError("HG-U217", f"parameter {str(name)[:40]!r} is unknown{hint}")
    return replace(task, **(parameters or {}))  # type: ignore[type-var]


def require_numbers(task: Any, names: tuple[str, ...], rule: str = "") -> None:
    """Raise unless these parameters are finite numbers that keep a rule.

    Args:
        task: whose parameters they are.
        names: of the parameters.
        rule: ``above 0``, ``of at least 0``, or nothing: any finite number.

    Raises:
        ConfigError: naming the first that is not.
    """
    for name in names:
        value = getattr(task, name)
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        if number and math.isfinite(value):
            if not rule or value > 0 or (rule == "of at least 0" and value == 0):
                continue
        raise ConfigError("HG-U218", f"{name}: {value!r}; must be a finite number {rule}".rstrip())


def require_counts(task: Any, names: tuple[str, ...]) -> None:
    """Raise unless these parameters are integers of at least 1.

    Raises:
        ConfigError: naming the first that is not.
    """
    for name in names:
        value = getattr(task, name)
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ConfigError("HG-U218", f"{name}: {value!r}; must be an integer of at least 1")


def require(condition: bool, what: str) -> None:
    """Raise unless a task's parameters make sense.

    Raises:
        ConfigError: with this text.
    """
    if not condition:
        raise ConfigError("HG-U218", what)
