"""Watching an episode: pictures, the ladder in a terminal, and that neither changes anything."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import RecordVideo, RenderCollection

import hftgym.extras
from hftgym.core.constants import BUY, NO_PX, SELL, OwnState, Phase
from hftgym.core.records import own_fields, record
from hftgym.envs.rendering import RENDER_MODES, real_time_fps
from hftgym.envs.rendering.axes import Axis, clock, price_axis, value_axis
from hftgym.envs.rendering.ink import BOUGHT, CLOSED, COLUMN_PX, GROUND, LEFT, SOLD
from hftgym.envs.rendering.known import own_state
from hftgym.envs.rendering.picture import HEIGHT, PRICE_PX, TOP, WIDTH, Picture
from hftgym.envs.rendering.terminal import Terminal
from hftgym.envs.rendering.trail import COLUMN, COLUMNS, Fill, Trail, fills_between
from hftgym.errors import UsageError
from tests.envs.making import ENV_ID, FEW, actions, single

SHAPE = (HEIGHT, WIDTH, 3)


def play(env: Any, steps: int, *, seed: int = 5, render: bool = False) -> list[float]:
    """Reset and step with random actions; the rewards."""
    env.reset(seed=seed)
    rewards = []
    for action in actions(seed, steps)[:, 0]:
        rewards.append(float(env.step(action)[1]))
        if render:
            env.render()
    return rewards


# ------------------------------------------------------------------ Gymnasium's side
@pytest.mark.parametrize("mode", RENDER_MODES)
def test_gymnasium_checker_in_every_mode(mode: str) -> None:
    check_env(single(render_mode=mode, horizon_s=2.0))


@pytest.mark.parametrize("mode", RENDER_MODES)
def test_watching_changes_nothing(mode: str) -> None:
    watched, alone = single(render_mode=mode), single()
    assert play(watched, 60, render=True) == play(alone, 60)
    assert watched.market.tobytes() == alone.market.tobytes()
    watched.close()


@pytest.mark.parametrize("mode", RENDER_MODES)
def test_close_twice_and_go_on(mode: str) -> None:
    env = single(render_mode=mode)
    env.close()  # nothing was shown
    with pytest.raises(gymnasium.error.ResetNeeded, match="before render"):
        env.render()
    env.reset(seed=1)
    env.close()
    env.close()
    env.reset(seed=1)
    env.step(np.zeros(2, np.float32))


def test_a_film_runs_as_fast_as_the_market() -> None:
    assert single(step_s=0.5).metadata["render_fps"] == 2
    assert single(step_s=0.05).metadata["render_fps"] == 20
    assert [real_time_fps(step_s) for step_s in (0.001, 3600.0)] == [60, 1]
    assert gymnasium.spec(ENV_ID) is not None
    assert single().metadata["render_modes"] == list(RENDER_MODES)


def test_collected_frames() -> None:
    env = RenderCollection(gymnasium.make(ENV_ID, **FEW, render_mode="rgb_array"))
    play(env, 3)
    frames = env.render()
    assert [frame.shape for frame in frames] == [SHAPE] * 4  # the reset has one, too
    listed = gymnasium.make(ENV_ID, **FEW, render_mode="rgb_array_list")
    play(listed, 3)
    np.testing.assert_array_equal(np.array(listed.render()), np.array(frames))


def test_recorded_film(tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    env = gymnasium.make(ENV_ID, **FEW, horizon_s=3.0, render_mode="rgb_array")
    film = RecordVideo(env, str(tmp_path / "films"), episode_trigger=lambda _: True)
    play(film, 6)
    film.close()
    assert [path.suffix for path in (tmp_path / "films").iterdir()] == [".mp4"]


# ------------------------------------------------------------------ libraries
def test_no_picture_without_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hftgym.extras, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"PIL: not installed; pip install 'hftgym\[render\]'"):
        single(render_mode="rgb_array")
    single(render_mode="human")
    single(render_mode="ansi")


def test_pillow_is_imported_for_pictures_only() -> None:
    code = (
        "import sys, hftgym.envs.market_making, hftgym.envs.rendering.terminal;"
        "print('PIL' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


# ------------------------------------------------------------------ the picture
def test_a_frame_at_reset_and_another_after_a_step() -> None:
    env = single(render_mode="rgb_array")
    env.reset(seed=3)
    first = env.render()
    assert (first.shape, first.dtype) == (SHAPE, np.uint8)
    env.step(np.zeros(2, np.float32))
    second = env.render()
    assert (first != second).any()
    first[:] = 0  # the caller's own
    np.testing.assert_array_equal(env.render(), second)


def test_equal_histories_give_equal_pictures() -> None:
    """Whether they were drawn all the time or only at the end, and whatever was before."""
    often, once = (single(render_mode="rgb_array") for _ in range(2))
    play(often, 20, seed=8)
    play(often, 40, render=True)
    play(once, 40)
    np.testing.assert_array_equal(often.render(), once.render())


def test_more_steps_than_columns() -> None:
    env = single(render_mode="rgb_array")
    play(env, COLUMNS + 30)
    trail = env._canvas._trail
    assert trail.columns["step"].tolist() == list(range(31, COLUMNS + 31))
    assert all(fill.step >= 31 for fill in trail.fills)
    assert env.render().shape == SHAPE


def test_a_picture_shows_delivered_views_and_the_true_profit() -> None:
    env = single(render_mode="rgb_array", horizon_s=30.0)
    play(env, 40)
    state, task = env._batch.states[0], env.setting.task[0]
    shown = Trail()
    shown.begin(env.market, state, task)
    blind = env._batch.markets.copy()
    for name in ("books", "value", "orders", "tape"):  # the truth, gone
        blind[name] = np.zeros((), blind.dtype[name])
    again = Trail()
    again.begin(blind[0], state, task)
    np.testing.assert_array_equal(shown.columns, again.columns)
    for _ in range(20):
        env.step(np.zeros(2, np.float32))
    assert env._canvas._trail.columns["pnl_tick"][-1] == env.last_episode["wealth"] != 0.0


def still(steps: int = 30, bid_px: int = 1000, ask_px: int = 1040) -> np.ndarray:
    """Return a market of ticks of 10 that does not move: five levels a side of 7 lots."""
    columns = np.zeros(steps, COLUMN)
    columns["step"] = np.arange(steps)
    columns["bid_px"] = bid_px - 10 * np.arange(5)
    columns["ask_px"] = ask_px + 10 * np.arange(5)
    columns["bid_lots"] = columns["ask_lots"] = 7
    columns["mid_2px"] = bid_px + ask_px
    columns["indicative_px"] = NO_PX
    return columns


def picture(columns: np.ndarray, fills: tuple[Fill, ...] = ()) -> np.ndarray:
    """Draw a history that did not happen."""
    task = np.zeros(1, single().setting.task.dtype)
    for name, value in {"tick_px": 10, "limit_lot": 10, "step_s": 1.0, "steps": 300}.items():
        task[name] = value
    canvas = Picture()
    canvas._task = task[0]
    canvas._trail.columns = columns
    canvas._trail.fills = list(fills)
    return canvas.draw()


def heat(frame: np.ndarray) -> np.ndarray:
    """Return the part of a frame that shows depth."""
    return frame[TOP + 1 : TOP + PRICE_PX - 1, LEFT : LEFT + COLUMN_PX * COLUMNS]


@pytest.mark.parametrize(("side", "px", "colour"), [(BUY, 1000, BOUGHT), (SELL, 1040, SOLD)])
def test_a_fill_is_marked_at_its_step_and_price(side: int, px: int, colour: Any) -> None:
    columns, step = still(), 12
    frame = heat(picture(columns, (Fill(step, side, px, 1),)))
    y, x = np.nonzero((frame == colour).all(axis=2))
    assert len(y) > 10
    assert abs((x.min() + x.max()) / 2 - COLUMN_PX * (step + 0.5)) <= 1
    # Five levels of one tick each, asks above, then the spread, then bids.
    blocks = np.flatnonzero((frame[:, 1] != GROUND).any(axis=1))
    asks, bids = np.split(blocks, np.flatnonzero(np.diff(blocks) > 2) + 1)
    row = len(bids) / 5
    tip, touch = (y.min(), bids[0]) if side == BUY else (y.max(), asks[-1])
    assert 0 <= side * (tip - touch) <= row


def test_depth_beyond_the_levels_of_a_view_stays_blank() -> None:
    columns = still()
    columns["phase"][:10] = Phase.HALT
    frame = heat(picture(columns))
    blank = (frame == GROUND).all(axis=2) | (frame == CLOSED).all(axis=2)
    middle = 20 * COLUMN_PX
    shown = np.flatnonzero(~blank[:, middle])
    assert 0.4 < len(shown) / PRICE_PX < 0.9
    assert (frame[0, : 10 * COLUMN_PX] == CLOSED).all()
    assert (frame[0, 10 * COLUMN_PX :] == GROUND).all()
    assert blank[:, 30 * COLUMN_PX :].all()  # steps that have not come yet


def test_own_quotes_are_drawn_at_their_price() -> None:
    columns = still()
    before = heat(picture(columns))
    columns["own_px"][5:15, 0] = 1020  # in the middle of the spread
    columns["own_lots"][5:15, 0] = 1
    after = heat(picture(columns))
    y, x = np.nonzero((before != after).any(axis=2))
    assert (x.min(), x.max()) == (5 * COLUMN_PX, 15 * COLUMN_PX - 1)
    spread = np.flatnonzero((before[:, 1] == GROUND).all(axis=1))
    inside = spread[(spread > 40) & (spread < PRICE_PX - 40)]
    assert abs(y.mean() - inside.mean()) < 2.0


@pytest.mark.parametrize("empty", [("bid",), ("ask",), ("bid", "ask")])
def test_empty_sides(empty: tuple[str, ...]) -> None:
    columns = still(3)
    for side in empty:
        columns[f"{side}_lots"] = 0
        columns[f"{side}_px"] = -NO_PX if side == "bid" else NO_PX
    assert picture(columns).shape == SHAPE


# ------------------------------------------------------------------ axes
@pytest.mark.parametrize("span", [0.0, 1.0, 7.0, 40.0, 999.0, 1e6])
def test_price_axis_holds_what_it_must(span: float) -> None:
    now = np.array([5000.0, 5000.0 + span])
    axis = price_axis(10, 300, np.full(5, np.nan), 4.0, now)
    assert axis.low <= now[0] - 4.0 and now[1] + 4.0 <= axis.high
    assert axis.low % 1.0 == axis.high % 1.0 == 0.5  # whole ticks have whole rows
    labels = axis.labels(30)
    assert len(labels) >= 2
    assert (-np.diff(axis.y(np.array(labels))) >= 29.99).all()


def test_value_axis_has_round_ends_and_zero() -> None:
    for values in ([0.0], [-3.0, 12.0], [-1e5], [0.3]):
        axis = value_axis(0, 100, np.array(values), 4.0)
        assert axis.low <= min(0.0, *values) and max(0.0, *values) <= axis.high
        assert 0.0 in axis.labels(24)
    assert Axis(10, 100, 0.0, 1.0).y(np.array([0.0, 0.25, 2.0])).tolist() == [110.0, 85.0, 10.0]


def test_clock() -> None:
    assert clock(65.0, 1.0) == "1:05"
    assert clock(65.5, 0.5) == "1:05.5"
    assert clock(59.96, 0.02) == "1:00.0"
    assert clock(3725.0, 5.0) == "1:02:05"


# ------------------------------------------------------------------ own fills
def own(orders: list[tuple[OwnState, int, int, int, int]], **known: int) -> Any:
    """Return an own state; orders are state, side, px, lots filled, generation."""
    state = np.zeros(1, record(own_fields(len(orders))))[0]
    for slot, values in zip(state["orders"], orders, strict=True):
        for name, value in zip(("state", "side", "px", "filled", "gen"), values, strict=True):
            slot[name] = value
    for name, value in known.items():
        state[name] = value
    return state


LIVE, FREE, AMENDED = OwnState.LIVE, OwnState.FREE, OwnState.PENDING_AMEND


@pytest.mark.parametrize(
    ("before", "after", "cash", "expected"),
    [
        ([(LIVE, BUY, 99, 0, 1)], [(FREE, BUY, 99, 2, 1)], -198, [(BUY, 99, 2)]),
        # a new order in a slot that had one before
        ([(FREE, SELL, 90, 3, 1)], [(FREE, SELL, 101, 1, 2)], 101, [(SELL, 101, 1)]),
        # amended, filled before that and after it
        ([(LIVE, BUY, 99, 0, 1)], [(AMENDED, BUY, 97, 1, 2)], -99, [(BUY, 99, 1)]),
        ([(LIVE, BUY, 99, 1, 1)], [(LIVE, BUY, 97, 2, 2)], -97, [(BUY, 97, 1)]),
        # both sides, one of them amended
        (
            [(LIVE, BUY, 99, 0, 1), (LIVE, SELL, 102, 0, 1)],
            [(LIVE, BUY, 98, 1, 2), (FREE, SELL, 102, 1, 1)],
            3,
            [(BUY, 99, 1), (SELL, 102, 1)],
        ),
        # it took, at better prices than its own
        ([(FREE, BUY, 0, 0, 0)], [(FREE, BUY, 110, 4, 1)], -408, [(BUY, 102, 4)]),
    ],
)
def test_fills_follow_from_what_the_learner_knows(
    before: Any, after: Any, cash: int, expected: list[tuple[int, int, int]]
) -> None:
    found = fills_between(own(before), own(after, cash=10 * cash, fills=1), 7, 10)
    assert found == [Fill(7, *fill) for fill in expected]
    assert fills_between(own(after), own(after), 7, 10) == []


def test_fills_of_an_episode_add_up_to_inventory_and_cash() -> None:
    env = single(render_mode="rgb_array", half_spread_tick=1.5)
    play(env, COLUMNS - 1, seed=11)
    fills = env._canvas._trail.fills
    known = own_state(env.market, env.setting.blueprint.learners[0])
    unit = int(env.setting.task[0]["unit_value"])
    assert len(fills) > 20 and {fill.side for fill in fills} == {BUY, SELL}
    assert sum(fill.side * fill.lots for fill in fills) == known["position"]
    assert sum(fill.side * fill.lots * fill.px for fill in fills) * unit == -known["cash"]


# ------------------------------------------------------------------ the terminal
class Screen(io.StringIO):
    """A terminal that remembers what was written to it."""

    def isatty(self) -> bool:
        return True


def test_blocks_of_text_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    env = single(render_mode="human", horizon_s=1.0)
    play(env, 2)
    assert env.render() is None
    env.close()
    blocks = capsys.readouterr().out.split("\n\n")
    assert [block.split("   ")[0] for block in blocks] == [
        "step 0 of 2",
        "step 1 of 2",
        "step 2 of 2",
        "",
    ]
    assert "\x1b" not in "".join(blocks)
    text = single(render_mode="ansi", horizon_s=1.0)
    play(text, 2)
    head, *levels = blocks[2].splitlines()
    assert head.startswith(text.render().splitlines()[0]) and "P&L" in head
    assert levels == text.render().splitlines()[1:]


def test_a_terminal_shows_one_frame_over_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("LINES", "8")
    monkeypatch.setenv("COLUMNS", "40")
    env = single(render_mode="human")
    env.metadata["render_fps"] = 1000
    play(env, 2)
    frames = screen.getvalue().split("\x1b[J")[:-1]
    assert len(frames) == 3
    assert not frames[0].startswith("\x1b[")
    for frame, last in zip(frames[1:], frames, strict=False):
        assert frame.startswith(f"\x1b[{last.count(chr(10))}F")
    lines = re.sub(r"\x1b\[\d*[FKJ]", "", frames[-1]).splitlines()
    assert len(lines) == 7 and max(map(len, lines)) <= 39
    env.close()
    env.close()
    env.reset(seed=1)  # below what has been left, not over it
    assert not screen.getvalue().split("\x1b[J")[3].startswith("\x1b[")


def test_a_terminal_keeps_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(sys, "stdout", Screen())
    monkeypatch.setattr("hftgym.envs.rendering.terminal.time.sleep", slept.append)
    monkeypatch.setattr("hftgym.envs.rendering.terminal.time.monotonic", lambda: 10.0)
    canvas = Terminal(4.0)
    for _ in range(3):
        canvas._replace(["a line"])
    assert slept == [0.25, 0.25]
