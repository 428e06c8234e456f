"""The same day with and without an order: equal until it acts, and its cost adds up."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core.constants import LogKind, MessageKind
from hftgym.errors import UsageError
from hftgym.scenario import ParticipantSpec, load_scenario
from hftgym.simulation.counterfactual import SlicedOrder, counterfactual
from hftgym.simulator import Simulator
from scripts.counterfactual import show

TIMES_S = np.array([0.0, 0.0005, 1.0, 10.0, 30.0])


def with_me() -> Simulator:
    base = load_scenario("default")
    me = ParticipantSpec(kind="manual", name="me")
    scenario = base.model_copy(update={"participants": (*base.participants, me)})
    return Simulator(scenario, seed=11, keep_log=True)


def test_two_copies_with_different_actions_are_two_futures_of_one_past() -> None:
    market = with_me()
    market.advance(90.0)
    buys, sells, waits = market.copy(), market.copy(), market.copy()
    for copy, side in ((buys, 1), (sells, -1)):
        copy.send("me#0", MessageKind.MARKET, side=side, lots=15)
    for copy in (buys, sells, waits):
        copy.advance(0.0009)  # the order is on its way
        assert copy.book_hash() == market.book_hash()
        copy.advance(20.0)
    market.advance(0.0009)
    market.advance(20.0)
    assert waits.state_hash() == market.state_hash()
    assert len({copy.state_hash() for copy in (buys, sells, waits)}) == 3
    me = market.blueprint.names.index("me#0")
    fills = [copy.log()[copy.log()["taker"] == me] for copy in (buys, sells, waits)]
    fills = [rows[rows["kind"] == LogKind.TRADE] for rows in fills]
    assert [int((rows["side"] * rows["lots"]).sum()) for rows in fills] == [15, -15, 0]
    mids = [int(copy.market()["books"][0]["mid_2px"]) for copy in (sells, waits, buys)]
    assert mids == sorted(mids)
    assert buys.conservation() == sells.conservation() == (0, 0)


def test_who_stands_by_leaves_the_day_as_it_is() -> None:
    """A participant who sends nothing changes no row of anybody."""
    alone = Simulator("default", seed=11, keep_log=True)
    beside = with_me()
    for market in (alone, beside):
        market.advance(90.0)
    np.testing.assert_array_equal(alone.log(), beside.log())


def test_the_cost_of_an_order_adds_up() -> None:
    scenario = load_scenario("default")
    order = SlicedOrder(side=-1, slices=4, slice_lots=3, every_s=2.0, wait_s=10.0)
    found = counterfactual(scenario, 5, order, TIMES_S)
    assert found.lots == 12
    assert found.fees == pytest.approx(0.3)
    assert found.mid_with[:2].tolist() == found.mid_without[:2].tolist()
    assert found.paid_without > 0
    again = counterfactual(scenario, 5, order, TIMES_S)
    assert again.mid_with.tolist() == found.mid_with.tolist()
    assert again.paid_decision == found.paid_decision


def test_orders_move_the_price_their_way_on_average(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = load_scenario("default")
    order = SlicedOrder(slice_lots=6, every_s=3.0)  # the last of ten is sent after 27 s
    found = [counterfactual(scenario, seed, order, TIMES_S) for seed in range(24)]
    moved = np.array([one.mid_with[-1] - one.mid_without[-1] for one in found])
    assert moved.mean() > 4 * moved.std(ddof=1) / np.sqrt(len(moved)) > 0
    paid = np.array([one.paid_without for one in found])
    assert paid.mean() > 1.0  # at least half of the spread
    show(found, 1)
    assert "24 markets, 60.0 lots in each" in capsys.readouterr().out


def test_an_order_that_is_none_is_refused() -> None:
    for fields in ({"side": 0}, {"slices": 0}, {"slice_lots": 0}, {"every_s": 0.0}):
        with pytest.raises(UsageError, match="side is"):
            SlicedOrder(**fields)  # type: ignore[arg-type]
