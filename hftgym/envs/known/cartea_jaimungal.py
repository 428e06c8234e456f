"""``hftgym/CarteaJaimungal-v0``: make a market under an inventory penalty; the best is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium.utils import EzPickle
from gymnasium.vector import AutoresetMode

from hftgym.envs.known.process import changed
from hftgym.envs.known.quoting import QuotingTask, with_horizon
from hftgym.envs.known.single import KnownEnv
from hftgym.envs.known.vector import KnownVectorEnv

CARTEA_JAIMUNGAL = QuotingTask(
    name="CarteaJaimungal",
    arrival=50.0,
    decay=1.5,
    sigma=2.0,
    running=0.5,
    terminal=0.05,
    max_inventory=10,
)


class CarteaJaimungalEnv(KnownEnv, EzPickle):
    """Make a market under a running inventory penalty, as Cartea and Jaimungal do.

    ## Description
    A finite decision process: first each side is filled with probability
    ``min(1, lambda exp(-kappa d) dt)``, lambda = 50, kappa = 1.5, dt = 0.005, T = 1; then the mid
    moves by ``+-sigma sqrt(dt)``, sigma = 2. |q| <= 10.

    ## Action Space
    ``Box(-1, 1, (2,), float32)``, for bid and ask: the distance from the mid is
    ``-0.5 + (a + 1) / 2 * 3.5``, affine from -0.5 at -1 to 3 at 1. A side whose fill would break
    the inventory limit is off.

    ## Observation Space
    ``Box([0, -1], [1, 1], float32)``.

    | index | name | unit | range |
    |---|---|---|---|
    | 0 | time | t / T; 0 under continuing | 0, 1 |
    | 1 | inventory | q / 10 | -1, 1 |

    ## Rewards
    ``d * fills + q' dS - phi q'^2 dt``, phi = 0.5, q' after the fills; at T also
    ``-alpha q^2``, alpha = 0.05.
    ``info["reward_terms"]`` has ``spread``, ``mark``, ``inventory_penalty`` and
    ``terminal_penalty``; their sum is the reward. gamma = 1: the sum of an episode is judged.

    ## Starting State
    t = 0, q = 0.

    ## Episode End
    ``horizon="finite"``: terminated after 200 steps; the deadline is part of the task and is never
    bootstrapped. ``horizon="continuing"``: truncated then, without terminal charge and without
    time in the observation, so a learner bootstraps; values are discounted sums then.

    ## Known Answer
    ``optimal_policy()``, ``optimal_value()`` and ``score(policy)``: J* = 22.315 from q = 0, the
    best constant quotes earn 16.32; the closed form of continuous time is 22.13.

    ## References
    Cartea, Jaimungal and Penalva 2015, section 10.2.

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
        process = with_horizon(changed(CARTEA_JAIMUNGAL, parameters), horizon)
        KnownEnv.__init__(self, process, render_mode)


class CarteaJaimungalVectorEnv(KnownVectorEnv, EzPickle):
    """A batch of `CarteaJaimungalEnv`, which describes the task and the other arguments.

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
        process = with_horizon(changed(CARTEA_JAIMUNGAL, parameters), horizon)
        KnownVectorEnv.__init__(self, process, num_envs, autoreset_mode, render_mode)
