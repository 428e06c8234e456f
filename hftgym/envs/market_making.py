"""``hftgym/MarketMaking-v0``: quote both sides of a live order book."""

from __future__ import annotations

from hftgym.envs.single import OrderBookEnv
from hftgym.envs.task import Role
from hftgym.envs.vector_env import OrderBookVectorEnv


class MarketMakingEnv(OrderBookEnv):
    """Make a market: keep a bid and an ask in a live order book against other traders.

    ## Description
    The environment is one participant of a simulated (or replayed) exchange with price-time
    priority. Its feed, its orders and the exchange's answers each take 5 ms. Orders persist from
    step to step and keep their place in the queue while their price is unchanged. What is observed
    is what the learner knows: the last delivered view of the book and what private responses have
    told. The reward is the exchange's truth.

    ## Action Space
    ``action="continuous"`` (default): ``Box(-1, 1, (2,), float32)``, for bid and ask. A price lies
    ``half_spread_tick * 4 ** a`` ticks from the observed mid, rounded outward; at 0.98 and above
    the side is withdrawn. ``action="discrete"``: ``MultiDiscrete([6, 6])`` of withdraw, keep, join
    the touch, improve it by 1 tick, behind it by 1 tick, by 2 ticks; ``info["action_mask"]`` and
    ``action_masks()`` say which make sense. Orders are post-only (one that would cross rests a tick
    behind the other side), of ``lots`` lots. A side whose fill would take the known inventory
    beyond ``max_inventory_lot`` is withdrawn.

    ``action="sized"``: ``Box(-1, 1, (4,), float32)``, two distances and two sizes, from 1 lot (-1)
    to ``lots`` (1). ``action="orders"``: one message a step, as in ``TradingEnv``.

    ## Observation Space
    ``Box(float32, (30,))``; scales are fixed, values are clipped at 5. h0 is ``half_spread_tick``,
    sigma the volatility in ``task_info``. The table stands in ``observation_fields``.
    ``observation="levels"`` adds the best levels of the book, ``"messages"`` the newest public
    messages, row by row behind the rest (``hftgym.envs.layout``).

    | index | name | unit | range |
    |---|---|---|---|
    | 0 | inventory | known inventory / max_inventory_lot | -1, 1 |
    | 1 | time_left | share of the horizon; 0 under continuing | 0, 1 |
    | 2 | spread | 2 h0; 5 when a side is empty | 0, 5 |
    | 3 | microprice_offset | h0 | -5, 5 |
    | 4-6 | imbalance_1 to _3 | (bid - ask) / (bid + ask), best 1 to 3 levels | -1, 1 |
    | 7, 8 | ofi_1s, ofi_10s | order flow imbalance, fixed scale of lots | -5, 5 |
    | 9, 10 | signed_volume_1s, signed_volume_10s | bought - sold, fixed scale of lots | -5, 5 |
    | 11-13 | return_0.5s, return_2s, return_10s | 2 sigma sqrt(time) | -5, 5 |
    | 14 | volatility_ratio | realised over 10 s / sigma | 0, 5 |
    | 15 | bid_distance | h0 from the observed mid; 5 without an order | -5, 5 |
    | 16 | bid_live | 1: acknowledged by the exchange | 0, 1 |
    | 17 | bid_pending | 1: a message is in flight | 0, 1 |
    | 18 | bid_queue_share | lots ahead / lots of the level; 1 when not resting | 0, 1 |
    | 19 | bid_age | a / (a + 5 s) since the last new or amend | 0, 1 |
    | 20 | bid_since_fill | a / (a + 30 s) since the last known fill | 0, 1 |
    | 21-26 | ask_distance to ask_since_fill | the same of the ask | -5, 5; 0, 1 |
    | 27, 28 | bid_at_limit, ask_at_limit | 1: withdrawn by the inventory limit | 0, 1 |
    | 29 | wealth | known profit / (limit sigma sqrt(horizon)) | -5, 5 |

    ## Rewards
    The terms of ``info["reward_terms"]``, in ticks, add up to the reward times h0. W is cash plus
    inventory at the mid in ticks, q the inventory, L the liquidation at the end of a finite
    horizon: |q| (half of the spread + taker fee).

    | ``reward`` | times h0 |
    |---|---|
    | ``inventory`` (default) | dW - phi q^2 dt - L, q at the start of the step |
    | ``pnl`` | dW - L |
    | ``asymmetric`` | dW - damping max(0, what holding q gained) - L (Spooner 2018) |
    | ``cara`` | U(W + dW - L) - U(W), U(w) = (1 - exp(-gamma w)) / gamma, w since the start |
    | ``cartea_jaimungal`` | dW - phi q^2 dt, q at the end of the step; alpha q^2 instead of L |

    The sum of an episode's ``inventory`` rewards times h0 is its ``objective``, which is kept for
    every form.

    ## Starting State
    A burnt-in market of the split, chosen by the market seed, with fresh random streams. Inventory
    is 0, or uniform within half of the limit with ``initial_inventory="uniform"``: it is taken over
    at the mid from another participant's account, so accounts still add up to zero.

    ## Episode End
    ``horizon="finite"``: terminated after ``horizon_s``; the deadline is part of the task.
    ``horizon="continuing"``: truncated then, without liquidation and without time in the
    observation, so a learner bootstraps.

    ## Arguments
    See below. ``reset(seed=s)`` draws the market seed from the split's own domain;
    ``reset(options={"market_seed": n})`` sets it exactly. Later resets without a seed walk through
    markets that are a function of the first.

    ## References
    Avellaneda and Stoikov 2008; Gueant, Lehalle and Fernandez-Tapia 2013; Cont, Kukanov and
    Stoikov 2014; Cartea, Jaimungal and Penalva 2015; Spooner, Fearnley, Savani and Koukorinis 2018.

    ## Version History
    * v0: first version.
    """

    role = Role.MAKER


class MarketMakingVectorEnv(OrderBookVectorEnv):
    """A batch of markets with a maker in each; ``MarketMakingEnv`` describes the task."""

    role = Role.MAKER
