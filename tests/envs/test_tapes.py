"""Episodes on real order flow: where they begin and end, and what they leave alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftgym.core.constants import NO_PX
from hftgym.errors import ConfigError, HftgymError, NoInputError, UsageError
from hftgym.scenario import ParticipantSpec, Scenario
from hftgym.training.metrics import tape_fidelity
from tests.envs.making import conservation, single, vector

AMZN = "AMZN_2012-06-21_44553000_57600000_message_1.csv"
SPLITS = ("train", "tune", "validation", "test")
SCENARIO = Scenario.model_validate(
    {"name": "tape", "description": "One afternoon of a stock", "burn_in_s": 60.0, "tape": {}}
)


@pytest.fixture(scope="module")
def message(shared_data: Path) -> Path:
    path = shared_data / "lobster" / AMZN
    if not path.is_file():
        pytest.skip(f"needs {AMZN}")
    return path


def make(message: Path, num_envs: int = 4, **arguments: Any) -> Any:
    return vector(
        num_envs,
        scenario=SCENARIO,
        data=str(message),
        snapshots=4,
        half_spread_tick=10.0,
        **arguments,
    )


def test_episodes_stay_inside_their_part(message: Path) -> None:
    parts = {}
    for split in SPLITS:
        setting = make(message, split=split).setting
        starts = setting.snapshots.markets["now_ns"]
        tape = setting.tape
        assert tape is not None
        share = (starts - tape.first_t_ns) / (tape.last_t_ns - tape.first_t_ns)
        ends = share + setting.horizon_ns / (tape.last_t_ns - tape.first_t_ns)
        parts[split] = (share.min(), ends.max())
        assert len(set(starts.tolist())) == 4
    train_end = 0.70 * 0.85
    assert 0.0 < parts["train"][0] and parts["train"][1] <= train_end
    assert 0.0 < parts["tune"][0] and parts["tune"][1] <= train_end
    assert train_end <= parts["validation"][0] and parts["validation"][1] <= 0.70
    assert 0.75 <= parts["test"][0] and parts["test"][1] <= 1.0
    overlap = set(make(message, split="train").setting.snapshots.markets["now_ns"].tolist())
    assert not overlap & set(make(message, split="tune").setting.snapshots.markets["now_ns"])


def test_the_book_is_history_where_nobody_quotes(message: Path) -> None:
    env = make(message, split="test", horizon_s=60.0)
    env.reset(options={"market_seeds": env.distinct_market_seeds})
    tape = env.setting.tape
    assert tape is not None
    for _ in range(119):
        env.step(np.ones((4, 2), np.float32))
        for market in env.markets:
            row = int(market["tape"]["row"])
            book = market["books"][0]
            shown = [
                int(book["touch_bid_px"]),
                int(book["touch_bid_lots"]),
                int(book["touch_ask_px"]),
                int(book["touch_ask_lots"]),
            ]
            assert shown == tape.book[row, 0].tolist()
            assert int(market["tape"]["missed"]) == int(market["tape"]["surviving"]) == 0
    assert abs(tape.book[:, 0, 0]).max() < NO_PX


def test_quoting_on_a_tape(message: Path) -> None:
    env = make(message, split="train", horizon_s=120.0, initial_inventory="uniform")
    env.reset(seed=2)
    for _ in range(240):
        obs, _, terminated, _, _ = env.step(np.full((4, 2), -0.5, np.float32))
        assert [conservation(m) for m in env.markets] == [(0, 0)] * 4
    assert terminated.all()
    records = env.last_episodes
    assert records["fills"].sum() > 0
    total = records["pnl_spread"] + records["pnl_inventory"] + records["pnl_fees"]
    np.testing.assert_array_equal(total, records["wealth"])
    assert np.isfinite(obs).all()


def test_an_episode_tells_how_far_it_left_history(message: Path) -> None:
    """Idle: not at all. Inside of history's spread: another touch, and executions that it took."""
    idle = make(message, split="test", horizon_s=60.0)
    idle.reset(options={"market_seeds": idle.distinct_market_seeds})
    for _ in range(120):
        idle.step(np.ones((4, 2), np.float32))
    records = idle.last_episodes
    assert (records["tape_volume"] > 0).any()
    for name in ("tape_missed", "tape_surviving", "tape_clamped", "tape_gap_mean", "tape_gap95"):
        assert not records[name].any(), name
    assert (records["tape_agree"] == 1.0).all()
    assert (tape_fidelity(records) or {})["agree"] == 1.0

    close = make(message, split="test", horizon_s=60.0)
    close.reset(options={"market_seeds": idle.distinct_market_seeds})
    for _ in range(120):
        close.step(np.full((4, 2), -0.9, np.float32))
    records = close.last_episodes
    assert (records["tape_agree"] < 1.0).all() and (records["tape_gap_mean"] > 0.0).all()
    assert (records["tape_gap95"] >= records["tape_gap_mean"] * 0.5).all()
    # What an agent took of an execution survives in the named order, and is cancelled.
    assert 0 < records["tape_surviving"].sum() <= records["maker_lots"].sum()


def test_windows_are_all_the_markets(message: Path) -> None:
    env = make(message, split="test")
    assert env.distinct_markets == 4
    env.reset(options={"market_seeds": env.distinct_market_seeds})
    assert len(set(env.markets["now_ns"].tolist())) == 4
    assert vector(1).distinct_markets is None
    assert vector(1).distinct_market_seeds is None


def test_constants_are_those_of_the_training_part(message: Path) -> None:
    train, test = make(message, split="train"), make(message, split="test")
    assert train.task_info == test.task_info
    assert train.setting.scales == test.setting.scales
    assert 0.3 < train.task_info.sigma_tick_per_sqrt_s < 10.0


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (None, UsageError, "plays a tape: give data"),
        ("orders.csv", UsageError, "must be the message file"),
        ("no_message_1.csv", NoInputError, "there is no file"),
    ],
)
def test_missing_data(data: str | None, error: type[HftgymError], message: str) -> None:
    with pytest.raises(error, match=message):
        single(scenario=SCENARIO, data=data)


def test_too_long_for_the_part(message: Path) -> None:
    env = make(message, split="validation", horizon_s=3600.0)
    with pytest.raises(ConfigError, match="validation part of the tape has room for episodes of"):
        env.reset(seed=1)


def test_participants_beside_a_tape_can_be_drawn(message: Path) -> None:
    """History stays the same; who trades beside it differs from reset to reset."""
    beside = SCENARIO.model_copy(
        update={
            "name": "tape_and_noise",
            "participants": (ParticipantSpec(kind="noise_taker", params={"rate_per_s": 0.2}),),
        }
    )
    env = vector(
        16,
        scenario=Scenario.model_validate(beside.model_dump()),
        data=str(message),
        snapshots=2,
        half_spread_tick=10.0,
        horizon_s=30.0,
        randomise={"noise_taker.rate_per_s": (0.05, 3.0)},
    )
    env.reset(seed=1)
    rates = env.parameters[:, 0]
    assert rates.min() < 0.8 and rates.max() > 2.2
    noise = env.setting.blueprint.kinds.index("noise_taker")
    begun = env.markets["part"]["account"]["fills"][:, noise].copy()
    for _ in range(40):
        env.step(np.ones((16, 2), np.float32))
    fills = env.markets["part"]["account"]["fills"][:, noise] - begun
    assert np.corrcoef(rates, fills)[0, 1] > 0.8
    assert all(conservation(market) == (0, 0) for market in env.markets)
