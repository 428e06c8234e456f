"""``hftgym/Trading-v0``: single orders, with no role given."""

from __future__ import annotations

from hftgym.envs.single import OrderBookEnv
from hftgym.envs.task import Role
from hftgym.envs.vector_env import OrderBookVectorEnv


class TradingEnv(OrderBookEnv):
    """Trade freely: place, amend and cancel single orders, or take at the market.

    ## Description
    A participant of the same markets as ``MarketMakingEnv``, with four order slots of its own whose
    place in the queue it sees. Each step it sends one message or none.

    ## Action Space
    ``action="orders"`` (default): ``MultiDiscrete([5, 4, 2, 10, 3])``:

    | component | choices |
    |---|---|
    | verb | wait, limit order, market order, amend, cancel |
    | slot | 0 to 3: that of the limit order, of the order to amend or to cancel |
    | side | buy, sell; an amended order keeps its own |
    | price | -3 to 6 ticks behind the own touch; before it, a limit order may trade at once |
    | size | 1, 2 or 5 times ``lots`` |

    What can not be done (a slot that is taken, no room under ``max_inventory_lot`` should all that
    is open be filled) sends nothing; ``info["action_mask"]`` and ``action_masks()`` (24 flags) say
    which choices make sense. The other forms are those of ``MarketMakingEnv``.

    ## Observation Space
    ``Box(float32, (54,))``: the 30 numbers of ``MarketMakingEnv``, then six for each slot:

    | index | name | unit | range |
    |---|---|---|---|
    | 30 | order_0_side | 1: buys, -1: sells, 0: free | -1, 1 |
    | 31 | order_0_distance | h0 behind the mid; 5 when free | -5, 5 |
    | 32 | order_0_lots | l / (l + 5) | 0, 1 |
    | 33 | order_0_pending | 1: a message is in flight | 0, 1 |
    | 34 | order_0_queue_share | lots ahead / lots of the level; else 1 | 0, 1 |
    | 35 | order_0_age | a / (a + 5 s) since the last new or amend | 0, 1 |
    | 36-53 | order_1_side to order_3_age | the same of the others | |

    ## Rewards
    ``reward="pnl"`` (default) and the other forms of ``MarketMakingEnv``.

    ## Starting State
    A burnt-in market of the split, chosen by the market seed; inventory 0 or uniform.

    ## Episode End
    Terminated after ``horizon_s``; truncated under ``horizon="continuing"``.

    ## Arguments
    Those of ``hftgym.envs.arguments``.

    ## Version History
    * v0: first version.
    """

    role = Role.TRADER


class TradingVectorEnv(OrderBookVectorEnv):
    """A batch of markets with a trader in each; ``TradingEnv`` describes the task."""

    role = Role.TRADER
