"""Executors: the schedule is the formula at every slice, and the order is done to the lot."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind
from hftgym.participants import almgren_chriss, pov, twap, vwap
from hftgym.scenario import ParticipantSpec, Scenario
from hftgym.simulator import Simulator
from tests.core.scripted import Stage, Step, limit, market

MS, SECOND = 1_000_000, 1_000_000_000
#: Almgren and Chriss 2000, section 4: a million shares in five days, here lots of 1,000 shares and
#: seconds for days; money per share times 1,000 for the coefficients.
PAPER = {"risk_aversion": 1e-3, "sigma": 0.95, "eta": 2.5e-3, "gamma": 2.5e-4}
LEFT = (1_000_000, 541_956, 289_854, 147_897, 62_142, 0)


def group(kind: str, **params: Any) -> dict[str, Any]:
    latency = {"feed_ns": MS, "order_ns": MS, "response_ns": MS}
    return {"kind": kind, "latency": latency, "params": params}


def stage(kind: dict[str, Any], **scripts: list[Step]) -> Stage:
    deep = [limit(0, BUY, 99, 100_000), limit(0, SELL, 101, 100_000, slot=1)]
    return Stage({"book": deep, **scripts}, extra=[kind])


def position(scene: Stage, kind: str) -> int:
    return int(scene.part(kind)["account"]["position"])


def test_the_trajectory_of_almgren_and_chriss() -> None:
    kappa = almgren_chriss.urgency(1.0, 1e-6, 0.95, 2.5e-6, 2.5e-7)
    assert kappa == pytest.approx(0.6071, abs=5e-5)
    assert 1 / kappa == pytest.approx(1.647, abs=5e-4)
    left = [1e6 * almgren_chriss.share_left(5.0 - j, 5.0, kappa) for j in range(6)]
    np.testing.assert_allclose(left, LEFT, rtol=1e-6, atol=1e-6 * 62_142 * 8)
    # Its cost and risk, from the shares traded in each slice.
    traded, eta_left = -np.diff(left), 2.5e-6 - 2.5e-7 / 2
    cost = 2.5e-7 * 1e12 / 2 + 0.0625 * traded.sum() + eta_left * (traded**2).sum()
    assert cost == pytest.approx(911_227, rel=1e-6)
    assert 0.95 * np.sqrt((np.array(left[1:]) ** 2).sum()) == pytest.approx(603_431, rel=1e-6)
    # Without risk aversion, and with very much of it.
    assert almgren_chriss.urgency(1.0, 0.0, 0.95, 2.5e-6, 2.5e-7) == 0.0
    assert [almgren_chriss.share_left(5.0 - j, 5.0, 0.0) for j in range(6)] == [
        pytest.approx(1 - j / 5) for j in range(6)
    ]
    assert almgren_chriss.share_left(999.0, 1_000.0, 5.0) == pytest.approx(np.exp(-5.0))


def test_the_volume_curve_of_the_vwap_executor() -> None:
    x = np.linspace(0.0, 1.0, 1_001)
    for u_shape in (0.0, 0.5, 1.0):
        share = np.array([vwap.volume_share(v, u_shape) for v in x])
        density = np.gradient(share, x)
        np.testing.assert_allclose(
            density[1:-1], (1 + u_shape * (12 * (x - 0.5) ** 2 - 1))[1:-1], atol=1e-5
        )
        assert share[0] == 0.0
        assert share[-1] == 1.0
        assert (np.diff(share) >= 0).all()


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(
    ("kind", "slices", "parent", "params", "due"),
    [
        ("twap", 4, 7, {}, [2, 4, 5, 7]),
        ("vwap", 8, 1_000, {"u_shape": 1.0}, [289, 438, 492, 500, 508, 563, 711, 1_000]),
        ("vwap", 4, 1_000, {"u_shape": 0.0}, [250, 500, 750, 1_000]),
        ("vwap", 4, 100, {"profile": [5.0, 0.0, 15.0]}, [19, 25, 44, 100]),
        ("almgren_chriss", 5, 1_000, PAPER, [458, 710, 852, 938, 1_000]),
    ],
)
def test_the_schedule_is_kept_at_every_slice(
    kind: str, slices: int, parent: int, params: dict[str, Any], due: list[int], side: int
) -> None:
    values = {"start_s": 2.0, "horizon_s": float(slices), "slices": slices, "look_s": 0.05}
    scene = stage(group(kind, side=side, parent_lots=parent, **values, **params))
    scene.advance(2 * SECOND - 1)
    assert scene.part(kind)["account"]["messages"] == 0
    done = []
    for j in range(slices):
        scene.advance((3 + j) * SECOND - 1)
        done.append(side * position(scene, kind))
    assert done == due
    messages = int(scene.part(kind)["account"]["messages"])
    scene.advance(60 * SECOND)
    assert side * position(scene, kind) == parent
    assert scene.part(kind)["account"]["messages"] == messages  # and then it sleeps
    # Never a worse price than the opposite touch.
    assert {row["px"] for row in scene.rows(LogKind.TRADE)} == {100 + side}


def test_schedules_are_the_formulas_of_whole_orders() -> None:
    kappa = almgren_chriss.urgency(1.0, *PAPER.values())
    for j in range(1, 6):
        assert almgren_chriss.due_lot(j, 5, 1_000, 5.0, kappa) == round(1_000 - LEFT[j] / 1_000)
        assert twap.due_lot(j, 5, 1_000) == 200 * j
    assert pov.due_lot(1_234, 1_000, 0.1) == 123
    assert pov.due_lot(123_400, 1_000, 0.1) == 1_000
    assert pov.due_lot(-3, 1_000, 0.1) == 0


def test_it_waits_at_the_touch_first_and_takes_later() -> None:
    """Of four lots due in a slice of 4 s, one is sold to it where it waits."""
    kind = group("twap", parent_lots=4, horizon_s=4.0, slices=1, patience=0.5, look_s=0.1)
    scripts = {
        "book": [limit(0, BUY, 99, 2), limit(0, SELL, 101, 100, slot=1)],
        "seller": [market(1 * SECOND, SELL, 3)],
    }
    scene = Stage(scripts, extra=[kind])
    scene.advance(1 * SECOND - 1)
    assert scene.own_lots("twap#0") == 4
    scene.advance(2 * SECOND - 1)
    assert position(scene, "twap") == 1  # behind the book's two lots
    scene.advance(4 * SECOND)
    rows = [r for r in scene.rows(LogKind.TRADE) if scene.index("twap") in (r["maker"], r["taker"])]
    assert [(r["px"], r["lots"]) for r in rows] == [(99, 1), (101, 3)]
    assert rows[1]["t_ns"] >= 2 * SECOND


def test_it_follows_the_touch_while_it_waits() -> None:
    kind = group("twap", parent_lots=4, horizon_s=8.0, slices=1, look_s=0.1)
    scene = stage(kind, better=[limit(1 * SECOND, BUY, 100, 1)])
    scene.advance(2 * SECOND)
    rest = scene.m["orders"][: len(scene.m["orders"])]
    mine = rest[(rest["owner"] == scene.index("twap")) & (rest["lots"] > 0)]
    assert [(int(o["px"]), int(o["lots"])) for o in mine] == [(100, 4)]


def test_what_the_book_could_not_give_is_done_behind_the_horizon() -> None:
    kind = group("twap", parent_lots=9, horizon_s=4.0, slices=2, look_s=0.1)
    scripts = {
        "book": [limit(0, SELL, 101, 3), limit(20 * SECOND, SELL, 103, 100, slot=1)],
        "bidder": [limit(0, BUY, 99, 1)],
    }
    scene = Stage(scripts, extra=[kind])
    scene.advance(19 * SECOND)
    assert position(scene, "twap") == 3
    scene.advance(21 * SECOND)
    assert position(scene, "twap") == 9
    wakes = int(scene.part("twap")["wakes"])
    scene.advance(100 * SECOND)
    assert scene.part("twap")["wakes"] == wakes


@pytest.mark.parametrize("participation", [0.1, 0.3])
def test_participation_in_a_busy_market(participation: float) -> None:
    horizon_s = 900.0
    values = {"participation": participation, "parent_lots": 100_000, "horizon_s": horizon_s}
    maker = {"half_spread_tick": 2.0, "lots": 20, "limit_lot": 100_000, "value_delay_ns": 0}
    scenario = {
        "name": "busy",
        "description": "busy",
        "value": {"sigma_tick_per_sqrt_s": 0.3},
        "participants": [
            {"kind": "noise_taker", "params": {"rate_per_s": 5.0}},
            {"kind": "fixed_spread", "count": 3, "params": maker},
            {"kind": "pov", "params": {**values, "slices": 180, "look_s": 0.2}},
        ],
    }
    run = Simulator(Scenario.model_validate(scenario), 5, keep_log=True)
    who = run.blueprint.names.index("pov#0")
    for until_s in (300.0, 600.0, 901.0):
        run.advance_until(round(until_s * SECOND))
        trades = run.trades()
        trades = trades[trades["t_ns"] <= min(until_s, horizon_s) * SECOND]
        own = (trades["maker"] == who) | (trades["taker"] == who)
        others = int(trades["lots"][~own].sum())
        done = int(run.market()["part"][who]["account"]["position"])
        assert others > 1_500
        assert done / others == pytest.approx(participation, rel=0.03)
    # The last slice is done behind the horizon; then it sleeps.
    assert abs(done - participation * others) <= 2
    messages = int(run.market()["part"][who]["account"]["messages"])
    run.advance(60)
    assert run.market()["part"][who]["account"]["messages"] == messages


def test_a_participation_ends_with_its_parent_order() -> None:
    kind = group("pov", participation=0.5, parent_lots=3, horizon_s=20.0, slices=20, look_s=0.1)
    scene = stage(kind, taker=[market(t * SECOND, BUY, 4) for t in (3, 4, 5, 6)])
    scene.advance(60 * SECOND)
    assert position(scene, "pov") == 3


def test_impossible_orders_are_refused() -> None:
    with pytest.raises(ValueError, match="must be 1"):
        ParticipantSpec(kind="twap", params={"side": 0})
    with pytest.raises(ValueError, match="none below 0"):
        ParticipantSpec(kind="vwap", params={"profile": [1.0, -1.0]})
    with pytest.raises(ValueError, match="use more slices"):
        ParticipantSpec(kind="almgren_chriss", params={"gamma": 1.0, "slices": 1})


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize(
    ("params", "done"),
    [
        (
            {"lag_lots": 2.0},
            [0, 2, 2, 4, 4, 6, 6, 7],
        ),  # the last lot waits: all together never pass the parent
        ({"lag_lots": 1.0}, [1, 2, 3, 4, 5, 6, 7, 7]),
        ({"lag_lots": 5.0}, [0, 0, 0, 0, 5, 5, 5, 5]),
    ],
)
def test_behind_the_mid_it_waits_there_and_takes_what_is_overdue(
    params: dict[str, Any], done: list[int], side: int
) -> None:
    values = {"parent_lots": 8, "horizon_s": 8.0, "slices": 8, "look_s": 0.1}
    kind = group("twap", side=side, distance_tick=2.5, wait_lots=1, **values, **params)
    scene = stage(kind)
    held, waiting = [], set()
    for j in range(8):
        scene.advance((j + 1) * SECOND - 1)
        held.append(side * position(scene, "twap"))
        orders = scene.m["orders"]
        mine = orders[(orders["owner"] == scene.index("twap")) & (orders["lots"] > 0)]
        waiting |= {(int(o["px"]), int(o["lots"])) for o in mine}
    assert held == done
    assert waiting == {(100 - 3 * side, 1)}  # rounded outward
    scene.advance(12 * SECOND)  # the rest, at any price
    assert side * position(scene, "twap") == 8
    assert not (scene.m["orders"]["owner"] == scene.index("twap")).any()
    messages = int(scene.part("twap")["account"]["messages"])
    scene.advance(60 * SECOND)
    assert scene.part("twap")["account"]["messages"] == messages  # and then it sleeps


def test_behind_the_mid_a_share_of_volume_gets_the_whole_parent_done() -> None:
    values = {"parent_lots": 8, "horizon_s": 4.0, "slices": 4, "look_s": 0.1}
    scene = stage(group("pov", distance_tick=2.5, participation=0.5, **values))
    scene.advance(3 * SECOND - 1)
    assert position(scene, "pov") == 0  # nobody trades
    scene.advance(12 * SECOND)
    assert position(scene, "pov") == 8


def test_behind_the_mid_it_sends_nothing_while_nothing_trades() -> None:
    kind = group("twap", distance_tick=2.5, parent_lots=8, horizon_s=4.0, slices=4, look_s=0.1)
    scene = Stage({}, extra=[kind], fields={"start_phase": "pre_open"})
    scene.advance(3 * SECOND)
    assert scene.part("twap")["account"]["messages"] == 0
