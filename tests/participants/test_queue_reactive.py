"""The queue-reactive flow: its invariant distribution, its tables, and its reference price."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind
from hftgym.participants.queue_reactive import REACH, Params
from tests.participants.markets import SECOND, group, simulate

REF_PX = 10_001  # of a market that opens at 10,000
COLUMNS = len(Params().limit_per_s) // REACH
LIMIT, CANCEL, MARKET = (
    np.reshape(table, (REACH, COLUMNS))
    for table in (Params().limit_per_s, Params().cancel_per_s, Params().market_per_s)
)


def queue_of(side: int, px: int) -> tuple[int, int]:
    return side, (REF_PX - 1 - px if side == BUY else px - REF_PX)


class Queues:
    """Six queues around a fixed reference, played from the log: time in each size, and events."""

    def __init__(self, log: np.ndarray) -> None:
        self.size = {(side, i): 0 for side in (BUY, SELL) for i in range(REACH)}
        self.seconds = np.zeros((2, REACH, 2 * COLUMNS))
        self.best_s = np.zeros((2, REACH, 2 * COLUMNS))  # as the best queue of its side
        self.events: Counter[tuple[str, int, int]] = Counter()
        last_ns = 0
        opened = False
        for row in log:
            t_ns = int(row["t_ns"])
            opened = opened or t_ns > 1_000  # the opening takes some nanoseconds
            if opened:
                self.wait((t_ns - last_ns) / SECOND)
            last_ns = t_ns
            self.play(int(row["kind"]), int(row["side"]), int(row["px"]), opened)

    def wait(self, seconds: float) -> None:
        for side in (BUY, SELL):
            best = False
            for i in range(REACH):
                n = self.size[side, i]
                self.seconds[(1 - side) // 2, i, n] += seconds
                if n > 0 and not best:
                    self.best_s[(1 - side) // 2, i, n] += seconds
                    best = True

    def play(self, kind: int, side: int, px: int, opened: bool) -> None:
        queue = queue_of(-side if kind == LogKind.TRADE else side, px)
        event = {LogKind.REST: "limit", LogKind.TRADE: "market"}.get(kind, "cancel")  # type: ignore[call-overload]
        if opened:
            self.events[event, queue[1], self.size[queue]] += 1
        self.size[queue] += 1 if event == "limit" else -1


def invariant(distance: int, market: np.ndarray) -> np.ndarray:
    """The product of ratios of birth to death rates."""
    n = np.arange(1, COLUMNS)
    ratios = LIMIT[distance, n - 1] / (CANCEL[distance, n] + market[distance, n])
    weights = np.concatenate([[1.0], np.cumprod(ratios)])
    return weights / weights.sum()


@pytest.fixture(scope="module")
def independent() -> Queues:
    """Model I, where market orders reach the first queues alone."""
    market = MARKET.copy()
    market[1:] = 0.0
    params = {"market_per_s": market.ravel().tolist(), "theta": 0.0}
    return Queues(simulate(12_000, group("queue_reactive", params=params)).log())


def test_queues_have_the_invariant_distribution(independent: Queues) -> None:
    market = MARKET.copy()
    market[1:] = 0.0
    for distance in range(REACH):
        exact = invariant(distance, market)
        for seconds in independent.seconds[:, distance]:
            assert seconds[COLUMNS:].sum() == 0.0
            share = seconds[:COLUMNS] / seconds.sum()
            assert 0.5 * np.abs(share - exact).sum() < 0.03  # total variation
            assert share @ np.arange(COLUMNS) == pytest.approx(exact @ np.arange(COLUMNS), rel=0.05)


def test_rates_measured_from_the_log_are_the_tables(independent: Queues) -> None:
    compared = 0
    for distance in range(REACH):
        for name, table in (("limit", LIMIT), ("cancel", CANCEL), ("market", MARKET)):
            for n in range(COLUMNS):
                if name == "market" and distance > 0:
                    continue
                seconds = independent.seconds[:, distance, n].sum()
                expected = table[distance, n] * seconds
                found = independent.events[name, distance, n]
                assert abs(found - expected) < 4 * max(expected, 9.0) ** 0.5, (name, distance, n)
                compared += expected > 100
    assert compared > 60


def test_market_orders_reach_the_best_queue_with_its_own_rate() -> None:
    """Rare limit orders at the first queue: the second one is often the best."""
    limit = LIMIT.copy()
    limit[0] *= 0.2
    params = {"limit_per_s": limit.ravel().tolist(), "theta": 0.0}
    found = Queues(simulate(4_000, group("queue_reactive", params=params)).log())
    for distance in range(REACH):
        expected = (MARKET[distance] * found.best_s[:, distance, :COLUMNS].sum(axis=0)).sum()
        count = sum(
            n for (name, i, _), n in found.events.items() if (name, i) == ("market", distance)
        )
        assert abs(count - expected) < 4 * max(expected, 9.0) ** 0.5
        assert distance == 2 or expected > 300


def test_it_opens_with_queues_of_the_invariant_distribution() -> None:
    sizes = []
    for seed in range(300):
        m = simulate(1e-6, group("queue_reactive"), seed=seed).market()
        orders = m["orders"][(m["orders"]["owner"] == 0) & (m["orders"]["lots"] > 0)]
        touch = orders[(orders["side"] == BUY) & (orders["px"] == REF_PX - 1)]
        sizes.append(len(touch))
        distances = {queue_of(int(o["side"]), int(o["px"]))[1] for o in orders}
        assert distances <= set(range(REACH))
    exact = invariant(0, MARKET)
    mean = exact @ np.arange(COLUMNS)
    sd = (exact @ np.arange(COLUMNS) ** 2 - mean**2) ** 0.5
    assert abs(np.mean(sizes) - mean) < 4 * sd / 300**0.5


@pytest.mark.parametrize("theta_reset", [0.0, 1.0])
def test_the_reference_follows_the_mid(theta_reset: float) -> None:
    """Its price then leaves the start, and no own order stays out of reach of it."""
    run = simulate(0.0, group("queue_reactive", params={"theta": 1.0, "theta_reset": theta_reset}))
    places, spreads = [], []
    for _ in range(400):
        run.advance(5.0)
        m = run.market()
        book = m["books"][0]
        places.append(int(book["mid_2px"]) / 2)
        spreads.append(int(book["touch_ask_px"]) - int(book["touch_bid_px"]))
        orders = m["orders"][(m["orders"]["owner"] == 0) & (m["orders"]["lots"] > 0)]
        assert orders["px"].max() - orders["px"].min() < 2 * REACH
    assert np.ptp(places) > 5
    assert np.median(spreads) == 1
    assert run.market()["part"][0]["account"]["rejects"] == 0


def test_without_theta_the_price_stays() -> None:
    run = simulate(2_000, group("queue_reactive", params={"theta": 0.0}))
    log = run.log()
    assert log["px"].min() >= REF_PX - REACH
    assert log["px"].max() < REF_PX + REACH


def test_what_can_not_be_is_refused() -> None:
    with pytest.raises(
        ValueError, match="cancel_per_s: 9 numbers; the three tables must have 3 rows"
    ):
        Params(cancel_per_s=(0.0,) * 9)
    with pytest.raises(ValueError, match="its first column, an empty queue, must be 0"):
        Params(limit_per_s=(0.0,) * 6, cancel_per_s=(1.0,) * 6, market_per_s=(0.0,) * 6)
    with pytest.raises(ValueError, match="last column of row 1; must be below what leaves there"):
        Params(limit_per_s=(1.0,) * 6, cancel_per_s=(0.0, 1.0) * 3, market_per_s=(0.0,) * 6)
    with pytest.raises(ValueError, match="rates must be finite and not negative"):
        Params(limit_per_s=(-1.0,) * 6, cancel_per_s=(0.0, 1.0) * 3, market_per_s=(0.0,) * 6)
