"""The desks of a pairs trader: when they open and close a leg, what they see of the other book."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, MessageKind
from hftgym.errors import ConfigError
from hftgym.participants import pairs
from hftgym.scenario import ParticipantSpec, Scenario, load_scenario
from hftgym.simulator import Simulator

AT_ONCE = {"feed_ns": 0, "order_ns": 0, "response_ns": 0}
LOTS = 50
START = {"A": 10_000, "B": 10_040}  # in px: mids of ticks 1,000 and 1,004


@pytest.mark.parametrize(
    ("side", "score", "may_open", "wanted"),
    [(0, 1.5, True, 0), (0, 1.6, True, 1), (0, -1.6, True, -1), (0, 9.0, False, 0),
     (1, 0.6, True, 1), (1, 0.5, True, 0), (1, -1.0, True, 0), (1, -1.6, True, -1),
     (1, -1.6, False, 0), (-1, -0.6, True, -1), (-1, -0.5, True, 0), (-1, 1.6, True, 1),
     (1, 0.6, False, 1)],
)  # fmt: skip
def test_a_leg_opens_beyond_the_entry_and_closes_within_the_exit(
    side: int, score: float, may_open: bool, wanted: int
) -> None:
    assert pairs.leg_side(side, score, 1.5, 0.5, may_open) == wanted


def market(later_ns: int = 0, **params: Any) -> Simulator:
    """Two books, quoted by hand, with a desk of pairs at each, that at B later; ticks of 10 px."""
    both: list[dict[str, Any]] = []
    for own, other in ("AB", "BA"):
        mean_tick = (START[other] - START[own]) / 10
        desk = {"kind": "pairs", "params": {"mean_tick": mean_tick} | params}
        feed = {"feed_ns": 0 if own == "A" else later_ns}
        for kind, latency in (({"kind": "manual"}, {}), (desk, feed)):
            name = f"{kind['kind']}_{own}"
            both.append({"name": name, "instrument": own, "latency": AT_ONCE | latency} | kind)
    scenario = Scenario.model_validate(
        {
            "name": "two",
            "description": "two instruments",
            "market_class": "pair",
            "instrument": {"id": "A", "tick_px": 10, "start_px": START["A"]},
            "second": {"instrument": {"id": "B", "tick_px": 10, "start_px": START["B"]}},
            "participants": both,
        }
    )
    run = Simulator(scenario, seed=1)
    for instrument in START:
        quote(run, instrument, 0, MessageKind.LIMIT)
    return run


def quote(run: Simulator, instrument: str, away_tick: int, kind: MessageKind) -> None:
    """Move a book's quotes so many ticks away from its start; the side that gives way first."""
    mid_px = START[instrument] + 10 * away_tick
    book = run.market()["books"][run.blueprint.scenario.instrument_ids.index(instrument)]
    sides = (BUY, SELL) if 2 * mid_px < book["mid_2px"] else (SELL, BUY)
    for side in sides:
        slot = 0 if side == BUY else 1
        px = mid_px - 10 * side
        run.send(f"manual_{instrument}#0", kind, slot=slot, side=side, px=px, lots=LOTS)
        run.advance(1e-6)


def positions(run: Simulator) -> list[int]:
    names = run.blueprint.names
    return [
        int(run.market()["part"][names.index(f"pairs_{i}#0")]["account"]["position"]) for i in START
    ]


@pytest.mark.parametrize("at_market", [True, False])
@pytest.mark.parametrize("way", [1, -1])
def test_both_legs_are_opened_and_closed_together(way: int, at_market: bool) -> None:
    run = market(sd_tick=4.0, lots=3, interval_s=0.5, exit_score=0.5, at_market=at_market)
    held = []
    for b_tick, a_tick in ((6, 0), (7, 0), (3, 0), (3, 1), (-8, 0)):
        quote(run, "B", way * b_tick, MessageKind.AMEND)
        quote(run, "A", way * a_tick, MessageKind.AMEND)
        run.advance(2.0)
        held.append(positions(run))
    # Scores of 1.5, 1.75, 0.75, 0.5 and -2; the first one is not beyond the entry.
    legs = [way * 3, -way * 3]
    assert held == [[0, 0], legs, legs, [0, 0], [-way * 3, way * 3]]


def test_a_view_shows_the_mid_of_the_other_book_as_of_its_capture() -> None:
    """X-DESK-01."""
    run = market(later_ns=20_000_000)  # else the view of one is written where the other's was
    views = run.market()["views"]
    seen = []
    for away_tick in (0, 3, -2):
        quote(run, "B", away_tick, MessageKind.AMEND)
        run.advance(1.5)
        both = set()
        for _ in range(150):
            run.advance(0.01)
            both.add(int(views["other_mid_2px"][views["t_ns"].argmax()]))
        seen.append(sorted(both))
    # Both desks have looked since: at A one saw B, at B one saw A.
    assert seen == [[20_000, 2 * START["B"] + 20 * tick] for tick in (0, 3, -2)]
    alone = Simulator("default", seed=1)
    alone.advance(5.0)
    assert not alone.market()["views"]["other_mid_2px"].any()
    assert alone.market()["views"]["mid_2px"].any()


def test_outside_of_continuous_trading_nothing_is_sent() -> None:
    base = load_scenario("pairs").model_dump(mode="json")
    base["second"] |= {"start_phase": "pre_open"}
    desk = {"kind": "pairs", "params": {"entry_score": 0.1, "interval_s": 0.1}}
    desks = [desk | {"name": f"pairs_{i}", "instrument": i} for i in "AB"]
    run = Simulator(
        Scenario.model_validate(base | {"participants": [*base["participants"], *desks]}), 1
    )
    run.advance(30.0)
    rows = run.market()["part"][[run.blueprint.names.index(f"pairs_{i}#0") for i in "AB"]]
    assert (rows["wakes"] > 100).all()
    assert rows["account"]["messages"][0] > 0
    assert rows["account"]["messages"][1] == 0


def test_a_market_with_one_instrument_has_no_place_for_a_desk_of_pairs() -> None:
    base = load_scenario("default")
    alone = base.model_copy(update={"participants": (ParticipantSpec(kind="pairs"),)})
    with pytest.raises(ConfigError, match=r"'default': pairs#0 .*add 'second:'") as caught:
        Simulator(alone, 1)
    assert caught.value.code == "HG-C074"


def test_an_exit_beyond_the_entry_is_refused() -> None:
    with pytest.raises(ValueError, match="exit_score < entry_score"):
        pairs.Params(entry_score=1.0, exit_score=1.0)


def test_the_bundled_pair_pays_it_before_fees() -> None:
    """The spread of the scenario comes back, so a patient desk sells high and buys low."""
    base = load_scenario("pairs")
    desks = tuple(
        ParticipantSpec(kind="pairs", name=f"pairs_{i}", instrument=i, params={"entry_score": 1.0})
        for i in "AB"
    )
    scenario = base.model_copy(update={"participants": (*base.participants, *desks)})
    earned = []
    for seed in range(6):
        run = Simulator(scenario, seed)
        run.advance(600.0)
        total, m = 0.0, run.market()
        for p in (run.blueprint.names.index(f"pairs_{i}#0") for i in "AB"):
            account = m["part"][p]["account"]
            mid_px = int(m["books"][int(m["part"][p]["book"])]["mid_2px"]) / 2
            unit = scenario.instrument.unit_value
            fees = int(account["fees"])
            total += int(account["cash"]) + fees + int(account["position"]) * mid_px * unit
            assert account["fills"] > 20
        earned.append(total)
    assert np.mean(earned) > 0.0
