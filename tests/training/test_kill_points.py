"""Runs that are killed: one for real, and what is said of one that does not come back the same."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch")

from hftgym.cli import main
from hftgym.training import kill_points as module
from hftgym.training.kill_points import KillReport, kill_points


@pytest.mark.slow
def test_a_killed_process_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "resume", "--points", "1", "--seed", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and found["different"] == []
    assert all(0 < at <= 10_240 for at in found["killed_at"])


@pytest.mark.slow
def test_a_run_that_comes_back_with_other_weights_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, asked = module._weights, 0

    def other(run: object) -> bytes:
        nonlocal asked
        asked += 1
        return weights(run) + (b"x" if asked == 2 else b"")  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_weights", other)
    report = kill_points(1, seed=2)
    assert not report.ok and report.different == (0,)


def test_the_report_is_one_line() -> None:
    good = KillReport(3, (640, 1_280), ())
    assert str(good) == (
        "resume: 2 runs killed between steps 640 and 1,280 of 10,240; all ended with the same "
        "weights (seed 3)"
    )
    assert "runs 1 ended with other weights" in str(KillReport(3, (640, 1_280), (1,)))
