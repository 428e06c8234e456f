"""``hftgym/Execution-v0``: buy or sell a number of lots by a deadline."""

from __future__ import annotations

from hftgym.envs.single import OrderBookEnv
from hftgym.envs.task import Role
from hftgym.envs.vector_env import OrderBookVectorEnv


class ExecutionEnv(OrderBookEnv):
    """Buy (or sell) ``target_lots`` lots by the end of the horizon, at the lowest cost.

    ## Description
    A participant of the same markets as ``MarketMakingEnv``, with the same latencies. It keeps one
    limit order on its side and may take a part of the rest at the market. Never more is sent than
    is left to do. What is left at the deadline is swept out of the book as it stands, and charged.

    ## Action Space
    ``action="continuous"`` (default): ``Box(-1, 1, (2,), float32)``. First the distance of the
    limit order, ``half_spread_tick * 4 ** a`` ticks behind the mid, withdrawn at 0.98 and above;
    then the share of the rest to take at the market, nothing at 0 and below.
    ``action="discrete"``: ``MultiDiscrete([6, 4])``: withdraw, keep, join the touch, improve it by
    1 tick, behind it by 1, by 2; take nothing, ``lots``, twice as many, the rest.
    ``action="orders"``: one message a step, as in ``TradingEnv``. Limit orders are post-only and of
    ``lots`` lots.

    ## Observation Space
    ``Box(float32, (36,))``: the 30 numbers of ``MarketMakingEnv`` (the limit is the target), then

    | index | name | unit | range |
    |---|---|---|---|
    | 30 | buys | 1: buys, -1: sells | -1, 1 |
    | 31 | rest | share of the target not known to be done | 0, 1 |
    | 32 | ahead | share done - share of the time gone | -1, 1 |
    | 33 | known_shortfall | known cost against the arrival price / (h0 target) | -5, 5 |
    | 34 | drift | mid - arrival price, 2 sigma sqrt(horizon), + is dearer | -5, 5 |
    | 35 | others_volume | v / (v + target), v lots others traded since the start | 0, 1 |

    ## Rewards
    Minus the shortfall of the step: what was paid against the mid at the start (Perold 1988), fees
    included, over h0 times the target; at the end minus the cost of the sweep. With ``phi`` above 0
    also ``phi x^2 dt`` for x lots left (Almgren and Chriss 2001). ``info["reward_terms"]`` has
    ``shortfall``, ``inventory_penalty`` and ``sweep`` in ticks times lots. An episode's
    ``shortfall`` is the whole cost in ticks a lot, its ``objective`` minus that cost.

    ## Starting State
    A burnt-in market of the split, chosen by the market seed; inventory 0.

    ## Episode End
    Terminated when the target is done, or at ``horizon_s`` (``horizon="continuing"``: truncated
    then, nothing is swept).

    ## Arguments
    ``target_lots`` (20), ``side`` (``buy``), and those of ``hftgym.envs.arguments``.

    ## References
    Perold 1988; Bertsimas and Lo 1998; Almgren and Chriss 2001.

    ## Version History
    * v0: first version.
    """

    role = Role.EXECUTOR


class ExecutionVectorEnv(OrderBookVectorEnv):
    """A batch of markets with an executor in each; ``ExecutionEnv`` describes the task."""

    role = Role.EXECUTOR
