"""Progress where there is no terminal: a line a minute, and one at the end."""

from __future__ import annotations

import io

import pytest

from hftgym.training import progress
from hftgym.training.progress import PhaseProgress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_line_a_minute_says_how_far_how_fast_and_how_long_still(clock: list[float]) -> None:
    stream = io.StringIO()
    with PhaseProgress("train", 4_000, "steps", stream=stream) as bar:
        clock[0] += 59.0
        bar.advance(500)
        assert stream.getvalue() == ""
        clock[0] += 1.0
        bar.advance(500, "validation J +3.20")
        bar.advance(200)
        clock[0] += 60.0
        bar.advance(800)
        clock[0] += 1.0
    assert stream.getvalue().splitlines() == [
        "train: 1,000 of 4,000 steps in 60.0 s (17/s), 3 min left; validation J +3.20",
        "train: 2,000 of 4,000 steps in 120.0 s (17/s), 2 min left; validation J +3.20",
        "train: 2,000 of 4,000 steps in 121.0 s (17/s)",
    ]


def test_nothing_done_is_no_estimate_and_quiet_is_quiet(clock: list[float]) -> None:
    for quiet in (False, True):
        stream = io.StringIO()
        with PhaseProgress("tune", 10, "trials", stream=stream, quiet=quiet) as bar:
            clock[0] += 61.0
            bar.advance(0)
        lines = stream.getvalue().splitlines()
        assert lines == ([] if quiet else ["tune: 0 of 10 trials in 61.0 s (0/s)"] * 2)
