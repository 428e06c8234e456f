"""The competitive maker of Glosten and Milgrom 1985: quotes that earn nothing and lose nothing.

"Bid, ask and transaction prices in a specialist market with heterogeneously informed traders": the
value is ``low`` or ``high``, a trader is informed with probability mu. Before each trade the ask is
E[V | the next trader buys] and the bid E[V | the next trader sells]: a quote already takes in what
a trade against it would tell. By Bayes, with q the probability of ``high``,

    q after a buy = q (1 + mu) / (q (1 + mu) + (1 - q) (1 - mu)),

and after a sale with -mu. Every trade in the feed moves q; each lot counts as one trader.

A value has no two possible levels in a market that goes on. So the maker lives through information
events (Easley and O'Hara 1992, "Time and the process of security price adjustment"): every
``event_s`` the value is taken to be ``surprise_tick`` above or below what the maker has come to
believe, as likely as not. It knows nothing but the trades.
"""

from __future__ import annotations

import math

from pydantic import Field

from hftgym.core.constants import SECOND_NS, WakeOn
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.quoting import quote_around

_ON_TRADE = int(WakeOn.TRADE)
_ON_PHASE = int(WakeOn.PHASE)


class Params(ParticipantParams):
    """Parameters of the maker."""

    informed_share: float = Field(0.2, gt=0, lt=1, description="mu: traders who know the value")
    surprise_tick: float = Field(10.0, gt=0, description="distance of both values, ticks")
    event_s: float = Field(60.0, gt=0, description="time between two pieces of news, seconds")
    lots: int = Field(1, ge=1, description="size of each quote, lots")
    limit_lot: int = Field(1_000, ge=1, description="largest inventory, lots")


#: The middle of both values, which event it is, and the trades when it began.
MEMORY = record([("middle_px", "f8"), ("event", "i8"), ("known", "i8"), ("signed_volume", "i8")])


@leaf
def belief(prior, informed_share, net_buys):
    """Return P(high) after so many more buys than sales.

    Each buy multiplies the odds by (1 + mu) / (1 - mu), each sale divides them by it, so that the
    order in which they came does not matter.
    """
    odds = math.log((1.0 + informed_share) / (1.0 - informed_share)) * net_buys
    return 1.0 / (1.0 + (1.0 - prior) / prior * math.exp(min(-odds, 700.0)))


@participant(Params, MEMORY, own_orders=4, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Take in the trades since the last news, and quote what the next one would be worth."""
    event = view.delivered_ns // int(params.event_s * SECOND_NS)
    out.next_wake_ns = (event + 1) * int(params.event_s * SECOND_NS)
    out.wake_on = _ON_TRADE + _ON_PHASE
    if memory.known == 0:
        memory.known = 1
        memory.middle_px = 0.5 * view.mid_2px
        memory.signed_volume = view.signed_volume
        memory.event = event
    surprise_px = params.surprise_tick * params.tick_px
    net_buys = view.signed_volume - memory.signed_volume
    if event != memory.event:
        high = belief(0.5, params.informed_share, net_buys)
        memory.middle_px += (2.0 * high - 1.0) * surprise_px
        memory.signed_volume = view.signed_volume
        memory.event = event
        net_buys = 0
    mu = params.informed_share
    fair = 2.0 * belief(0.5, mu, net_buys) - 1.0
    ask = 2.0 * belief(0.5, mu, net_buys + 1) - 1.0 - fair
    bid = fair - 2.0 * belief(0.5, mu, net_buys - 1) + 1.0
    quote_around(
        view,
        own,
        out,
        memory.middle_px + fair * surprise_px,
        bid * params.surprise_tick,
        ask * params.surprise_tick,
        params.lots,
        params.limit_lot,
        params.tick_px,
    )
    return out.count
