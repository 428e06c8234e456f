"""The owner of markets: opens, advances, keeps the log, goes back, refuses what makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

from hftgym.core.constants import LogKind
from hftgym.errors import InternalError, UsageError
from hftgym.scenario import load_scenario
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


def test_no_markets_are_refused() -> None:
    with pytest.raises(UsageError, match="markets: 0; must be at least 1"):
        Simulator("default", markets=0)


def test_a_log_buffer_that_one_event_may_overrun_is_an_error_not_a_hang() -> None:
    market = Simulator("default", keep_log=True)
    market.advance(60)  # a book to be swept
    market._log_buffer[0]["capacity"] = 8
    with pytest.raises(InternalError, match="log buffer"):
        market.advance(60)
