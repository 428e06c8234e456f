"""A taker that follows order flow: trades when the move that it predicts pays for the spread.

In a stylised book the mid moves by OFI / (2 D) ticks, where OFI is the order flow imbalance at the
touch and D the mean size of a quote there (Cont, Kukanov and Stoikov 2014, "The price impact of
order book events", section 2). A share of that move is expected to come still. The queues
themselves tell the next move, too: with I = (bid lots - ask lots) / (bid lots + ask lots) the
weighted mid lies I half-spreads above the mid (Gould and Bonart 2016, "Queue imbalance as a one-
tick-ahead price predictor"; Stoikov 2018, "The micro-price").

A position is opened when the predicted move exceeds half-spread, fee and edge, and closed after
``hold_s``, or at once when the prediction turns against it as far.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import NO_PX, SECOND_NS
from hftgym.core.jit import leaf
from hftgym.core.records import record
from hftgym.participants.base import participant
from hftgym.participants.targeting import TakerParams, hold, kept, next_look_ns


class Params(TakerParams):
    """Parameters of the taker."""

    interval_s: float = Field(0.5, gt=0, description="mean seconds between looks")
    window_s: float = Field(5.0, gt=0, description="memory of order flow and depth, seconds")
    depth_lot: float = Field(0.0, ge=0, description="mean quote at the touch, lots; 0: measured")
    flow_weight: float = Field(0.5, ge=0, description="share of the flow's move yet to come")
    queue_weight: float = Field(1.0, ge=0, description="weight of the queue imbalance")
    fee_tick: float = Field(0.3, ge=0, description="taker fee, ticks per lot")
    edge_tick: float = Field(0.0, ge=0, description="profit beyond the costs, ticks")
    hold_s: float = Field(5.0, gt=0, description="how long a position is held, seconds")
    lots: int = Field(1, ge=1, description="size of a position, lots")


#: Time of the last view, the totals in it, the averages, and the position that is wanted.
MEMORY = record(
    [
        ("t_ns", "i8"),
        ("ofi", "i8"),
        ("flow_lot", "f8"),  # order flow imbalance over the window
        ("depth_lot", "f8"),  # mean size of a quote at the touch
        ("side", "i8"),
        ("close_ns", "i8"),
    ]
)


@leaf
def flow_move(flow_lot, depth_lot):
    """Return the move that goes with an order flow imbalance, ticks: OFI / (2 D)."""
    return flow_lot / (2.0 * depth_lot)


@leaf
def queue_move(bid_lots, ask_lots, half_spread_tick):
    """Return how far the imbalance-weighted mid lies above the mid, ticks."""
    return half_spread_tick * (bid_lots - ask_lots) / (bid_lots + ask_lots)


@participant(Params, MEMORY, own_orders=1, view_levels=1)
def decide(view, own, params, memory, rng, out):
    """Predict the move; open, keep or close."""
    out.next_wake_ns = next_look_ns(view.delivered_ns, params.interval_s, params.jitter, rng)
    if view.phase != 0 or view.bid_px[0] == -NO_PX or view.ask_px[0] == NO_PX:
        memory.t_ns = 0  # what was seen before tells nothing about what comes
        return 0
    depth_lot = 0.5 * (view.bid_lots[0] + view.ask_lots[0])
    if memory.t_ns == 0:
        memory.flow_lot = 0.0
        memory.depth_lot = depth_lot
    else:
        keep = kept(view.t_ns - memory.t_ns, params.window_s)
        memory.flow_lot = keep * memory.flow_lot + (view.ofi - memory.ofi)
        memory.depth_lot = keep * memory.depth_lot + (1.0 - keep) * depth_lot
    if params.depth_lot > 0.0:
        memory.depth_lot = params.depth_lot
    memory.t_ns = max(view.t_ns, 1)
    memory.ofi = view.ofi
    half_spread_tick = 0.5 * (view.ask_px[0] - view.bid_px[0]) / params.tick_px
    move = params.flow_weight * flow_move(memory.flow_lot, memory.depth_lot)
    move += params.queue_weight * queue_move(view.bid_lots[0], view.ask_lots[0], half_spread_tick)
    if abs(move) > half_spread_tick + params.fee_tick + params.edge_tick:
        memory.side = 1 if move > 0.0 else -1
        memory.close_ns = view.delivered_ns + int(params.hold_s * SECOND_NS)
    elif view.delivered_ns >= memory.close_ns:
        memory.side = 0
    hold(view, own, out, memory.side * params.lots, params.lots, params.at_market)
    return out.count
