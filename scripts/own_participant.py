"""A participant of your own, outside of the package: follows the flow of trades.

Run it from the clone, ``python -m scripts.own_participant``, or name it in a scenario:

    participants:
      - kind: scripts.own_participant:follower
        params: {threshold_lot: 4, hold_s: 5.0}

It buys one lot when buyers have taken ``threshold_lot`` lots more than sellers since its last look
(and sells one in the other case), holds for ``hold_s`` seconds, and closes at the market.
"""

from __future__ import annotations

from pydantic import Field

from hftgym.core.constants import BUY, NONE, SECOND_NS, SELL
from hftgym.core.records import record
from hftgym.core.rng import exponential
from hftgym.participants.base import ParticipantParams, participant
from hftgym.participants.orders import free_slot, take
from hftgym.scenario import ParticipantSpec, load_scenario
from hftgym.simulator import Simulator


class Params(ParticipantParams):
    """What a scenario may set: numbers, each with a default."""

    threshold_lot: int = Field(4, ge=1, description="imbalance of trades that it follows, lots")
    hold_s: float = Field(5.0, gt=0, description="how long it holds a position, seconds")
    look_s: float = Field(1.0, gt=0, description="mean time between looks, seconds")


#: What it keeps between decisions; zeros at first.
MEMORY = record([("signed_volume", "i8"), ("close_ns", "i8")])


@participant(Params, MEMORY, own_orders=4, view_levels=1)
def follower(view, own, params, memory, rng, out):
    """Follow an imbalance of trades, or close what was followed."""
    wait_ns = int(exponential(rng, params.look_s * SECOND_NS)) + 1
    out.next_wake_ns = view.delivered_ns + wait_ns
    flow = view.signed_volume - memory.signed_volume
    memory.signed_volume = view.signed_volume
    slot = free_slot(own)
    if slot == NONE or view.phase != 0 or own.live > 0:
        return 0
    if own.position != 0:
        if view.delivered_ns >= memory.close_ns:
            take(out, slot, SELL if own.position > 0 else BUY, abs(own.position))
    elif abs(flow) >= params.threshold_lot:
        take(out, slot, BUY if flow > 0 else SELL, 1)
        memory.close_ns = view.delivered_ns + int(params.hold_s * SECOND_NS)
    return out.count


def main() -> None:
    """Put one follower into the default market and print what became of it."""
    base = load_scenario("default")
    spec = ParticipantSpec(kind="scripts.own_participant:follower")
    market = Simulator(base.model_copy(update={"participants": (*base.participants, spec)}), seed=1)
    market.advance(600.0)
    m = market.market()
    account = m["part"][market.blueprint.names.index("follower#0")]["account"]
    mark = int(account["position"]) * int(m["books"][0]["mid_2px"]) // 2
    equity = int(account["cash"]) + mark * base.instrument.unit_value
    print(
        f"follower#0 after 600 s: {account['fills']} fills, {account['taker_lots']} lots, "
        f"fees {account['fees']}, equity {equity} money units"
    )


if __name__ == "__main__":
    main()
