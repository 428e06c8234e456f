"""``hftgym/Taking-v0``: trade at the market on a noisy signal of the latent value."""

from __future__ import annotations

from hftgym.envs.single import OrderBookEnv
from hftgym.envs.task import Role
from hftgym.envs.vector_env import OrderBookVectorEnv


class TakingEnv(OrderBookEnv):
    """Take liquidity on a signal whose correlation with the truth is stated.

    ## Description
    A participant of the same markets as ``MarketMakingEnv``. Each step it sees a signal of the
    latent value minus the mid: ``rho z + sqrt(1 - rho^2) e`` with z that difference over its
    standard deviation on the training markets (``task_info.offset_sd_tick``), e standard normal and
    rho ``signal_correlation``. Each lot costs half of the spread and the taker's fee, so most
    signals are not worth a trade. At rho 0 the signal is noise, and not to trade is optimal; at 1
    it is what an oracle knows.

    ## Action Space
    ``action="discrete"`` (default): ``Discrete(3)``: sell ``lots`` at the market, wait, buy.
    ``action="continuous"``: ``Box(-1, 1, (1,), float32)``: the position to hold, as a share of
    ``max_inventory_lot``; the difference is traded at the market. Orders on their way count.

    ## Observation Space
    ``Box(float32, (31,))``: the 30 numbers of ``MarketMakingEnv``, then

    | index | name | unit | range |
    |---|---|---|---|
    | 30 | signal | latent value - mid, with noise, standardised | -5, 5 |

    ## Rewards
    ``reward="pnl"`` (default), ``inventory`` or ``cara``, as in ``MarketMakingEnv``; what is held
    at the end of a finite horizon is liquidated at half of the spread plus the taker's fee.

    ## Starting State
    A burnt-in market of the split, chosen by the market seed; inventory 0 or uniform.

    ## Episode End
    Terminated after ``horizon_s``; truncated under ``horizon="continuing"``.

    ## Arguments
    ``signal_correlation`` (0.3), and those of ``hftgym.envs.arguments``.

    ## References
    Kyle 1985; Glosten and Milgrom 1985.

    ## Version History
    * v0: first version.
    """

    role = Role.TAKER


class TakingVectorEnv(OrderBookVectorEnv):
    """A batch of markets with a taker in each; ``TakingEnv`` describes the task."""

    role = Role.TAKER
