"""``hftgym/AlmgrenChriss-v0``: sell a large position; the best path is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gymnasium.utils import EzPickle
from gymnasium.vector import AutoresetMode

from hftgym.envs.known.execution import ExecutionTask
from hftgym.envs.known.process import changed
from hftgym.envs.known.single import KnownEnv
from hftgym.envs.known.vector import KnownVectorEnv

ALMGREN_CHRISS = ExecutionTask()


class AlmgrenChrissEnv(KnownEnv, EzPickle):
    """Sell a large position by a deadline, with the parameters of Almgren and Chriss.

    ## Description
    A finite decision process: X = 1,000,000 shares in T = 5 days and ``steps`` trades.

    ## Action Space
    ``Box(-1, 1, (1,), float32)``: the fraction ``(a + 1) / 2`` of what remains is sold. The last
    trade sells all.

    ## Observation Space
    ``Box(0, 1, (2,), float32)``.

    | index | name | unit | range |
    |---|---|---|---|
    | 0 | time | t / T | 0, 1 |
    | 1 | shares | x / X | 0, 1 |

    ## Rewards
    Minus the cost of the step over the cost of TWAP:
    ``eps n + eta~ n^2 / tau + lambda sigma^2 tau x^2``, x after the trade, and ``gamma X^2 / 2``
    once, with the first trade. ``price_noise`` adds ``sigma sqrt(tau) z x``, z normal.
    ``info["reward_terms"]`` has ``trading_cost``, ``risk_penalty``, ``permanent_impact`` and
    ``price_noise``; their sum is the reward.

    ## Starting State
    t = 0, x = X.

    ## Episode End
    Terminated after the last trade.

    ## Known Answer
    ``optimal_policy()``, ``optimal_value()`` and ``score(policy)``: C* = 1,275,356 and
    C_TWAP = 1,745,500 with 5 trades, 1,648,660 and 2,144,343 with 50.

    ## References
    Almgren and Chriss 2000; Lorenz and Almgren 2011.

    ## Version History
    * v0: first version.

    Args:
        steps: N, trades.
        price_noise: add the martingale part of the cost to the reward.
        parameters: of the task, where they differ from the published: fields of `ExecutionTask`.
        render_mode: ``ansi`` or None.

    Raises:
        HftgymError: if an argument is not valid.
    """

    def __init__(
        self,
        steps: int = 5,
        price_noise: bool = False,
        parameters: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
    ) -> None:
        EzPickle.__init__(self, steps, price_noise, parameters, render_mode)
        process = _task(steps, price_noise, parameters)
        KnownEnv.__init__(self, process, render_mode)


class AlmgrenChrissVectorEnv(KnownVectorEnv, EzPickle):
    """A batch of `AlmgrenChrissEnv`, which describes the task and the other arguments.

    Args:
        num_envs: how many.
        steps: N, trades.
        price_noise: add the martingale part of the cost to the reward.
        parameters: of the task, where they differ from the published.
        autoreset_mode: ``SameStep``, ``NextStep`` or ``Disabled``, or the member.
        render_mode: None.
    """

    def __init__(
        self,
        num_envs: int = 1,
        steps: int = 5,
        price_noise: bool = False,
        parameters: Mapping[str, Any] | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP,
        render_mode: str | None = None,
    ) -> None:
        EzPickle.__init__(
            self, num_envs, steps, price_noise, parameters, autoreset_mode, render_mode
        )
        process = _task(steps, price_noise, parameters)
        KnownVectorEnv.__init__(self, process, num_envs, autoreset_mode, render_mode)


def _task(steps: int, price_noise: bool, parameters: Mapping[str, Any] | None) -> ExecutionTask:
    given = {"steps": steps, "price_noise": price_noise}
    return changed(ALMGREN_CHRISS, {**given, **(parameters or {})})
