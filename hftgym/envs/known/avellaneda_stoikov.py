"""``hftgym/AvellanedaStoikov-v0``: quote around a mid that moves at random; the best is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium.utils import EzPickle
from gymnasium.vector import AutoresetMode

from hftgym.envs.known.process import changed
from hftgym.envs.known.quoting import QuotingTask, with_horizon
from hftgym.envs.known.single import KnownEnv
from hftgym.envs.known.vector import KnownVectorEnv

AVELLANEDA_STOIKOV = QuotingTask(
    name="AvellanedaStoikov",
    arrival=140.0,
    decay=1.5,
    sigma=2.0,
    running=0.5 * 0.1 * 2.0**2,  # gamma sigma^2 / 2
    terminal=0.0,
    max_inventory=30,
)

#: Risk aversion of the paper's first table, 1 / price.
GAMMA = 0.1


class AvellanedaStoikovEnv(KnownEnv, EzPickle):
    """Quote both sides of a random mid; the parameters are those of Avellaneda and Stoikov.

    ## Description
    A finite decision process: first each side is filled with probability
    ``min(1, A exp(-k d) dt)``, A = 140, k = 1.5, dt = 0.005, T = 1; then the mid moves by
    ``+-sigma sqrt(dt)``, sigma = 2. |q| <= 30.

    ## Action Space
    ``Box(-1, 1, (2,), float32)``, for bid and ask: the distance from the mid is
    ``-0.5 + (a + 1) / 2 * 3.5``, affine from -0.5 at -1 to 3 at 1. A side whose fill would break
    the inventory limit is off.

    ## Observation Space
    ``Box([0, -1], [1, 1], float32)``.

    | index | name | unit | range |
    |---|---|---|---|
    | 0 | time | t / T; 0 under continuing | 0, 1 |
    | 1 | inventory | q / 30 | -1, 1 |

    ## Rewards
    ``d * fills + q' dS - gamma sigma^2 q'^2 dt / 2``, gamma = 0.1, q' after the fills: the
    quadratic form of exponential utility, which itself gives late steps no gradient.
    ``info["reward_terms"]`` has ``spread``, ``mark``, ``inventory_penalty`` and
    ``terminal_penalty``; their sum is the reward. gamma = 1: the sum of an episode is judged.

    ## Starting State
    t = 0, q = 0.

    ## Episode End
    ``horizon="finite"``: terminated after 200 steps; the deadline is part of the task and is never
    bootstrapped. ``horizon="continuing"``: truncated then, without terminal charge and without
    time in the observation, so a learner bootstraps; values are discounted sums then.

    ## Known Answer
    ``optimal_policy()``, ``optimal_value()`` and ``score(policy)``: J* = 66.87 from q = 0, the
    best constant quotes earn 61.18.

    ## References
    Avellaneda and Stoikov 2008; Gueant, Lehalle and Fernandez-Tapia 2013.

    ## Version History
    * v0: first version.

    Args:
        horizon: ``finite`` or ``continuing``.
        parameters: of the task, where they differ from the published: fields of `QuotingTask`;
            ``control_variate`` leaves the price's moves, whose mean is zero, out of the reward.
        render_mode: ``ansi`` or None.

    Raises:
        HftgymError: if an argument is not valid.
    """

    def __init__(
        self,
        horizon: str = "finite",
        parameters: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
    ) -> None:
        EzPickle.__init__(self, horizon, parameters, render_mode)
        process = with_horizon(changed(AVELLANEDA_STOIKOV, parameters), horizon)
        KnownEnv.__init__(self, process, render_mode)


class AvellanedaStoikovVectorEnv(KnownVectorEnv, EzPickle):
    """A batch of `AvellanedaStoikovEnv`, which describes the task and the other arguments.

    Args:
        num_envs: how many.
        horizon: ``finite`` or ``continuing``.
        parameters: of the task, where they differ from the published.
        autoreset_mode: ``SameStep``, ``NextStep`` or ``Disabled``, or the member.
        render_mode: None.
    """

    def __init__(
        self,
        num_envs: int = 1,
        horizon: str = "finite",
        parameters: Mapping[str, Any] | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
        render_mode: str | None = None,
    ) -> None:
        EzPickle.__init__(self, num_envs, horizon, parameters, autoreset_mode, render_mode)
        process = with_horizon(changed(AVELLANEDA_STOIKOV, parameters), horizon)
        KnownVectorEnv.__init__(self, process, num_envs, autoreset_mode, render_mode)
