"""``hftgym/Pairs-v0``: two instruments whose values part and meet again, two books, one account."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from hftgym.envs.arguments import Keywords
from hftgym.envs.single import OrderBookEnv
from hftgym.envs.task import Role
from hftgym.envs.vector_env import OrderBookVectorEnv
from hftgym.scenario import Scenario


class PairsEnv(OrderBookEnv):
    """Trade the spread between two instruments of one market.

    ## Description
    The latent value of the second instrument is that of the first plus an Ornstein-Uhlenbeck spread
    (``second.spread_half_life_s``, ``second.spread_sd_tick`` of the scenario); the common part is a
    martingale. Each instrument has a book and traders of its own. The agent is one firm with a
    desk at each; profit is counted over both. Every lot costs half of the spread of its book and
    the taker's fee.

    ## Action Space
    ``action="continuous"`` (default): ``Box(-1, 1, (2,), float32)``: the position to hold in each
    instrument, as a share of ``max_inventory_lot``; differences are traded at the market, orders on
    their way count. ``action="discrete"``: ``MultiDiscrete([3, 3])``: sell ``lots``, wait, buy, in
    each.

    ## Observation Space
    ``Box(float32, (62,))``: for the first instrument the 30 numbers of ``MarketMakingEnv`` and the
    spread, then the same for the second. Names begin with ``first_`` and ``second_``.

    | index | name | unit | range |
    |---|---|---|---|
    | 0-29 | first_inventory to first_wealth | as of ``MarketMakingEnv`` | |
    | 30 | first_pair_spread | (second's mid - first's - start) / its standard deviation | -5, 5 |
    | 31-60 | second_inventory to second_wealth | as of ``MarketMakingEnv`` | |
    | 61 | second_pair_spread | the same from the second's side | -5, 5 |

    ## Rewards
    The sum of both legs' ``reward="pnl"`` (default) or ``inventory``, as in ``MarketMakingEnv``;
    what is held at the end of a finite horizon is liquidated at half of the spread plus the fee.

    ## Starting State
    A burnt-in market of the split, chosen by the market seed; inventories 0 or uniform.

    ## Episode End
    Terminated after ``horizon_s``; truncated under ``horizon="continuing"``.

    ## Arguments
    Those of ``hftgym.envs.arguments``, the same for both legs; ``scenario`` needs ``second:``.

    ## References
    Gatev, Goetzmann and Rouwenhorst 2006; Uhlenbeck and Ornstein 1930.

    ## Version History
    * v0: first version.
    """

    role = Role.LEG

    def __init__(
        self,
        scenario: Scenario | str | Path = "pairs",
        *,
        render_mode: str | None = None,
        **arguments: Unpack[Keywords],
    ) -> None:
        super().__init__(scenario, render_mode=render_mode, **arguments)


class PairsVectorEnv(OrderBookVectorEnv):
    """A batch of markets with a pairs trader in each; ``PairsEnv`` describes the task."""

    role = Role.LEG

    def __init__(
        self, num_envs: int = 1, scenario: Scenario | str | Path = "pairs", **arguments: object
    ) -> None:
        super().__init__(num_envs, scenario, **arguments)  # type: ignore[arg-type]
