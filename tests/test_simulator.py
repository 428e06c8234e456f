"""The owner of markets: opens, advances, keeps the log, goes back, refuses what makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core.constants import LogKind, MessageKind
from hftgym.core.records import TAPE_OP
from hftgym.errors import InternalError, UsageError
from hftgym.market import blueprint
from hftgym.scenario import ParticipantSpec, load_scenario
from hftgym.simulator import Simulator


def test_a_market_trades() -> None:
    market = Simulator("default", seed=7)
    market.advance(10.0)
    m = market.market()
    assert m["now_ns"] == 10_000_000_000
    market.advance_until(60_000_000_000)
    book = m["books"][0]
    assert book["trades"] > 10
    assert 0 < book["touch_bid_px"] < book["touch_ask_px"]
    assert market.conservation() == (0, 0)


def test_the_log_tells_what_the_accounts_hold() -> None:
    market = Simulator("default", seed=7, keep_log=True)
    market.advance(200)
    market.advance(200)
    log, trades, m = market.log(), market.trades(), market.market()
    assert len(log) == m["log_count"]
    assert (np.diff(log["t_ns"]) >= 0).all()
    assert len(trades) == m["books"][0]["trades"] > 100
    assert (trades["kind"] == LogKind.TRADE).all()
    instrument = market.scenario.instrument
    for p in range(int(m["participants"])):
        account = m["part"][p]["account"]
        signed = np.where(trades["taker"] == p, trades["side"], 0) - np.where(
            trades["maker"] == p, trades["side"], 0
        )
        assert account["position"] == (signed * trades["lots"]).sum()
        fees = (
            np.where(trades["taker"] == p, instrument.taker_fee, 0)
            + np.where(trades["maker"] == p, instrument.maker_fee, 0)
        ) * trades["lots"]
        value = signed * trades["px"] * trades["lots"] * instrument.unit_value
        assert account["cash"] == -(value + fees).sum()
        assert account["fees"] == fees.sum()


def test_without_a_log_none_is_kept_and_nothing_else_changes() -> None:
    kept, bare = Simulator("default", seed=7, keep_log=True), Simulator("default", seed=7)
    for market in (kept, bare):
        market.advance(60)
    assert kept.state_hash() == bare.state_hash()
    assert len(bare.log()) == 0 < len(kept.log())


def test_reset_starts_anew() -> None:
    market = Simulator("default", seed=7, markets=2, keep_log=True)
    fresh = [market.state_hash(i) for i in range(2)]
    market.advance(30)
    market.reset(7)
    assert [market.state_hash(i) for i in range(2)] == fresh
    assert len(market.log()) == 0
    market.reset(8, start_ns=34_200_000_000_000)
    assert market.market()["now_ns"] == 34_200_000_000_000
    market.advance(10)
    assert market.market()["now_ns"] == 34_210_000_000_000


def test_a_snapshot_of_other_markets_is_refused() -> None:
    one, two = Simulator("default"), Simulator("default", markets=2)
    with pytest.raises(UsageError, match="another market class or number of markets"):
        one.restore(two.snapshot())
    big = Simulator(load_scenario("default").model_copy(update={"market_class": "medium"}))
    with pytest.raises(UsageError, match="another market class or number of markets"):
        one.restore(big.snapshot())


def test_a_snapshot_is_a_copy() -> None:
    market = Simulator("default")
    saved = market.snapshot()
    before = market.state_hash()
    market.advance(5)
    assert market.state_hash() != before
    market.restore(saved)
    assert market.state_hash() == before


def test_the_log_can_be_taken_as_it_is_made() -> None:
    market, whole = (Simulator("default", seed=7, markets=2, keep_log=True) for _ in range(2))
    taken = []
    for _ in range(5):
        market.advance(4.0)
        whole.advance(4.0)
        taken.append(market.take_log(1))
        assert len(market.log(1)) == 0
    np.testing.assert_array_equal(np.concatenate(taken), whole.log(1))
    np.testing.assert_array_equal(market.log(0), whole.log(0))


def test_a_copy_goes_its_own_way() -> None:
    market = Simulator("default", seed=7, keep_log=True)
    market.advance(20.0)
    before, rows = market.state_hash(), len(market.log())
    other = market.copy()
    other.advance(20.0)
    assert (market.state_hash(), len(market.log())) == (before, rows)
    market.advance(20.0)
    assert market.state_hash() == other.state_hash()
    np.testing.assert_array_equal(market.log(), other.log())


def by_hand() -> Simulator:
    base = load_scenario("default")
    me = ParticipantSpec(kind="manual", name="me")
    market = Simulator(base.model_copy(update={"participants": (*base.participants, me)}), seed=7)
    market.advance(60.0)
    return market


def test_messages_by_hand_act_after_the_latency() -> None:
    market = by_hand()
    bid_px = int(market.market()["books"][0]["touch_bid_px"]) - 1
    account = market.market()["part"][market.blueprint.names.index("me#0")]["account"]
    market.send("me#0", MessageKind.LIMIT, side=1, px=bid_px, lots=3)
    market.advance(0.000999999)
    assert account["open_buy_lots"] == 0
    market.advance(0.000000001)
    assert account["open_buy_lots"] == 3
    market.send("me#0", MessageKind.AMEND, px=bid_px, lots=2)
    market.send("me#0", MessageKind.CANCEL)
    market.advance(0.001)
    assert account["open_buy_lots"] == 0
    market.advance(0.001)  # now it knows
    market.send("me#0", MessageKind.MARKET, side=-1, lots=2)
    market.advance(0.001)
    assert account["position"] == -2
    assert account["messages"] == 4


def test_messages_by_hand_that_make_no_sense_are_refused() -> None:
    market = by_hand()
    for arguments, said in (
        (("you#0", MessageKind.CANCEL), "'you#0' is not in this market"),
        (("me#1", MessageKind.CANCEL), "did you mean 'me#0'"),
        (("me#0", MessageKind.CANCEL), "can not send CANCEL about slot 0 .* is empty"),
    ):
        with pytest.raises(UsageError, match=said):
            market.send(*arguments)
    with pytest.raises(UsageError, match="slot 16: me#0 has the slots 0 to 15"):
        market.send("me#0", MessageKind.CANCEL, slot=16)
    market.send("me#0", MessageKind.MARKET, side=1, lots=1)
    with pytest.raises(UsageError, match=r"can not send MARKET about slot 0 .* is used"):
        market.send("me#0", MessageKind.MARKET, side=1, lots=1)


def test_no_markets_are_refused() -> None:
    with pytest.raises(UsageError, match="markets: 0; must be at least 1"):
        Simulator("default", markets=0)


def test_a_log_buffer_that_one_event_may_overrun_is_an_error_not_a_hang() -> None:
    market = Simulator("default", keep_log=True)
    market.advance(60)  # a book to be swept
    market._log_buffer[0]["capacity"] = 8
    with pytest.raises(InternalError, match="log buffer"):
        market.advance(60)


def test_the_hash_of_history_sees_its_fields_and_nothing_between_them() -> None:
    ops = np.zeros(3, TAPE_OP)
    same, other = ops.copy(), ops.copy()
    same.view(np.uint8).reshape(3, -1)[:, -1] = 7  # the record is longer than its fields
    other["lots"][2] = 1
    hashes = [blueprint(load_scenario("default"), ops=o).data_hash for o in (ops, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]
