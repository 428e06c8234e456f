"""Two instruments in one market: what a book has of its own, and what the two share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import BUY, SELL, LogKind, MessageKind, Phase
from hftgym.errors import ConfigError
from hftgym.market import Learner, blueprint
from hftgym.scenario import Scenario, load_scenario
from hftgym.simulator import Simulator

SECOND_NS = 1_000_000_000


def flow(instrument: str | None = None, **fields: Any) -> list[dict[str, Any]]:
    """Participants who trade without a value, for one instrument."""
    on = {"instrument": instrument} if instrument else {}
    name = instrument or fields.pop("name")
    return [
        {"kind": "noise_taker", "name": f"noise_{name}", "params": {"rate_per_s": 4.0}} | on,
        {"kind": "deep_liquidity", "name": f"deep_{name}"} | on,
        {"kind": "zero_intelligence", "name": f"zi_{name}"} | on,
    ]


def pair(participants: list[dict[str, Any]], **fields: Any) -> Scenario:
    """Return a market with the instruments A and B."""
    second = {"instrument": {"id": "B"}} | fields.pop("second", {})
    return Scenario.model_validate(
        {
            "name": "two",
            "description": "two instruments",
            "market_class": "pair",
            "instrument": {"id": "A"},
            "second": second,
            "participants": participants,
        }
        | fields
    )


def alone(name: str, **fields: Any) -> Scenario:
    """Return a market with one instrument whose participants are those of ``flow(name)``."""
    base = {"name": "one", "description": "one instrument", "participants": flow(name=name)}
    return Scenario.model_validate(base | fields)


def log_of(
    scenario: Scenario, seconds: float = 20.0, seed: int = 3
) -> tuple[Simulator, np.ndarray]:
    """Return a market that has run, and its log."""
    run = Simulator(scenario, seed=seed, keep_log=True)
    run.advance(seconds)
    return run, run.log()


def unowned(rows: np.ndarray, first: int) -> list[tuple[Any, ...]]:
    """Return rows as tuples; participants are counted from ``first``, and marks name no book."""
    rows = rows.copy()
    for side in ("maker", "taker"):
        rows[side][rows[side] >= 0] -= first
    about_book = np.isin(rows["kind"], [LogKind.PHASE, LogKind.UNCROSS])
    rows["marks"][about_book] = 0
    return rows.tolist()


@pytest.mark.parametrize("book", [0, 1])
def test_each_book_is_the_market_it_would_be_alone(book: int) -> None:
    """X-DESK-01: with phases, too, of this book alone."""
    calendar = [{"at_s": 6.0, "phase": "halt"}, {"at_s": 9.0, "phase": "continuous"}]
    plan = (
        {"calendar": calendar}
        if book == 0
        else {"second": {"instrument": {"id": "B"}, "calendar": calendar}}
    )
    run, log = log_of(pair([*flow("A"), *flow("B")], **plan))
    _, expected = log_of(alone("AB"[book], calendar=calendar))
    rows = run.blueprint.rows_of(log, book)
    assert len(rows) > 100
    assert unowned(rows, 3 * book) == unowned(expected, 0)
    assert len(rows) < len(log)


def test_accounts_sum_to_zero_in_each_instrument() -> None:
    """X-DESK-02."""
    run, _ = log_of(load_scenario("pairs"), 60.0)
    m = run.market()
    n = int(m["participants"])
    accounts, books = m["part"]["account"][:n], run.blueprint.books
    for book in range(2):
        assert int(m["books"][book]["trades"]) > 10
        assert int(accounts["position"][books == book].sum()) == 0
        assert int(np.abs(accounts["position"][books == book]).sum()) > 0
        cash = int(accounts["cash"][books == book].sum())
        assert cash + int(accounts["fees"][books == book].sum()) == 0
    assert run.conservation() == (0, 0)


def test_a_market_of_two_repeats_and_goes_on_from_a_snapshot() -> None:
    run, _ = log_of(load_scenario("pairs"), 20.0)
    kept = run.snapshot()
    run.advance(20.0)
    end = run.state_hash()
    run.restore(kept)
    run.advance(20.0)
    assert run.state_hash() == end
    other, _ = log_of(load_scenario("pairs"), 40.0)
    assert other.state_hash() == end
    other.markets[0]["books"][1]["last_px"] += 1
    assert other.state_hash() != end


def hands(*calendar: dict[str, Any], **limits: Any) -> Simulator:
    """Return a market with two hands at each instrument; ``me_B`` has limits, A a calendar."""
    people = [
        {"kind": "manual", "name": f"{who}_{on}", "instrument": on}
        | ({"limits": limits} if (who, on) == ("me", "B") else {})
        for on in "AB"
        for who in ("me", "you")
    ]
    return Simulator(pair(people, calendar=list(calendar)), keep_log=True)


def rest(run: Simulator, who: str, side: int, px: int, lots: int = 1, slot: int = 0) -> None:
    """Send a limit order and let it act."""
    run.send(f"{who}#0", MessageKind.LIMIT, slot=slot, side=side, px=px, lots=lots)
    run.advance(1.0)


def test_the_kill_switch_marks_at_the_own_book() -> None:
    """X-DESK-03: a fall of A kills nobody at B, a fall of B does."""
    run = hands(loss=100)
    rest(run, "you_B", SELL, 10_000)
    rest(run, "me_B", BUY, 10_000)
    for book, killed in (("A", 0), ("B", 1)):
        rest(run, f"you_{book}", BUY, 9_000, slot=1)
        rest(run, f"you_{book}", SELL, 9_002, slot=2)
        p = run.blueprint.names.index("me_B#0")
        assert int(run.market()["part"][p]["account"]["killed"]) == killed
    kills = run.log()[run.log()["kind"] == LogKind.KILL]
    assert kills["taker"].tolist() == [p]


def test_a_killed_desk_is_flattened_in_its_own_book_alone() -> None:
    """X-DESK-03: what is left of its position waits for its own book, when the other reopens."""
    reopening = {"at_s": 10.0, "phase": "halt"}, {"at_s": 11.0, "phase": "continuous"}
    run = hands(*reopening, loss=100, flatten=True)
    rest(run, "you_B", SELL, 10_000, lots=3)
    rest(run, "me_B", BUY, 10_000, lots=3)
    rest(run, "you_A", BUY, 9_000, lots=5)
    rest(run, "you_B", BUY, 9_000, slot=1)
    rest(run, "you_B", SELL, 9_002, slot=2)
    run.advance(10.0)
    account = run.market()["part"][run.blueprint.names.index("me_B#0")]["account"]
    assert (int(account["killed"]), int(account["position"])) == (1, 2)
    assert run.market()["books"]["trades"].tolist() == [0, 2]


def test_a_halt_of_one_book_leaves_the_other() -> None:
    run = Simulator(
        pair(
            [*flow("A"), *flow("B")],
            second={"instrument": {"id": "B"}, "calendar": [{"at_s": 5.0, "phase": "halt"}]},
        ),
        keep_log=True,
    )
    run.advance(10.0)
    books = run.market()["books"]
    assert [Phase(int(b["instrument"]["phase"])) for b in books] == [Phase.CONTINUOUS, Phase.HALT]
    trades = run.trades()
    late = trades[trades["t_ns"] > 5 * SECOND_NS]
    assert len(run.blueprint.rows_of(late, 0)) > 0
    assert len(run.blueprint.rows_of(late, 1)) == 0


def test_orders_that_end_at_one_time_end_in_their_own_books() -> None:
    from hftgym.core.constants import Flag
    from hftgym.core.entries import send_one
    from hftgym.core.records import OUT

    run = hands()
    for p in range(4):
        out = np.zeros(1, OUT)
        out[0]["count"] = 1
        message, terms = out[0]["messages"][0], out[0]["terms"][0]
        message["kind"], message["side"], message["px"] = MessageKind.LIMIT, BUY, 9_000 + p
        message["lots"], message["flags"] = 1, Flag.GTD
        terms["expire_ns"] = 5 * SECOND_NS
        send_one(run.markets, 0, run.blueprint.table, p, out)
    run.advance(4.0)
    bids = run.market()["books"]["sides"][:, 0]["orders"]
    assert bids.tolist() == [2, 2]
    run.advance(2.0)
    assert run.market()["books"]["sides"][:, 0]["orders"].tolist() == [0, 0]
    ended = run.log()[run.log()["kind"] == LogKind.CANCEL]
    assert sorted(ended["maker"].tolist()) == [0, 1, 2, 3]


def spread_path(seconds: int, **second: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the common value and the spread at each second, read by takers of either book."""
    readers = [
        {
            "kind": "informed_taker",
            "name": f"r{on}",
            "instrument": on,
            "params": {"rate_per_s": 5.0},
        }
        for on in "AB"
    ]
    grid = {"grid_ns": SECOND_NS}
    run = Simulator(
        pair(readers, value=grid, second={"instrument": {"id": "B", "start_px": 10_500}} | second)
    )
    values: dict[str, dict[int, float]] = {"value": {}, "spread": {}}
    for _ in range(0, seconds, 30):
        run.advance(30.0)
        for name, seen in values.items():
            v = run.market()[name]
            k = int(v["k"])
            seen |= {j: float(v["ring"][j % 64]) for j in range(max(k - 63, 0), k + 1)}
    ends = seconds - 30
    return tuple(np.array([seen[k] for k in range(ends)]) for seen in values.values())  # type: ignore[return-value]


@pytest.mark.slow
def test_the_spread_has_its_half_life_and_its_width() -> None:
    """X-DESK-04."""
    _, spread = spread_path(60_000, spread_half_life_s=10.0, spread_sd_tick=4.0)
    x = spread[200:] - 500.0
    assert abs(x.mean()) < 0.3
    assert x.std() == pytest.approx(4.0, rel=0.06)
    phi = float(x[:-1] @ x[1:] / (x[:-1] @ x[:-1]))
    assert np.log(0.5) / np.log(phi) == pytest.approx(10.0, rel=0.1)


def test_the_first_value_does_not_know_of_the_spread() -> None:
    """X-DESK-04: its path is the same whatever the spread is."""
    narrow, wide = spread_path(300, spread_sd_tick=0.0), spread_path(300, spread_sd_tick=50.0)
    assert (narrow[0] == wide[0]).all()
    assert (narrow[1] == 500.0).all()
    assert wide[1].std() > 5.0


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"market_class": "small"}, "give market_class: pair and second: together"),
        ({"second": {"instrument": {"id": "A"}}}, "both instruments have the id 'A'"),
        ({"second": {"instrument": {"id": "B", "quote": "EUR"}}}, "it must be 'USD' too"),
        ({"participants": flow("C")}, "'C' of noise_C is not traded here; there are A, B"),
        (
            {"second": {"instrument": {"id": "B"}, "calendar": [{"at_s": 1, "phase": "pre_open"}]}},
            "second.calendar: pre_open at 1.0 s can not follow continuous",
        ),
    ],
)
def test_what_is_wrong_with_two_instruments_is_said(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        pair(fields.pop("participants", []), **fields)


def test_a_learner_has_an_instrument_and_a_firm() -> None:
    desks = [Learner(name=f"desk_{on}#0", instrument=on, firm="house") for on in "AB"]
    plan = blueprint(pair([]), desks)
    assert plan.books.tolist() == [0, 1]
    firms = plan.record[0]["part"]["account"]["firm"][:2]
    assert firms[0] == firms[1]
    with pytest.raises(ConfigError) as error:
        blueprint(pair([]), [Learner(instrument="C")])
    assert error.value.code == "HG-C060"
    assert "there are A, B" in str(error.value)


def test_a_row_without_an_owner_says_its_book() -> None:
    """X-DESK-05: both books open at one time, the first one first."""
    opening = {"start_phase": "pre_open", "calendar": [{"at_s": 2.0, "phase": "continuous"}]}
    second = {"instrument": {"id": "B"}} | opening
    run, log = log_of(pair([*flow("A"), *flow("B")], second=second, **opening), 5.0)
    phases = log[log["kind"] == LogKind.PHASE]
    assert phases["marks"].tolist() == [0, 1]
    assert (phases["t_ns"] == 2 * SECOND_NS).all()
    assert [len(run.blueprint.rows_of(phases, book)) for book in range(2)] == [1, 1]
