"""The doctor: every line is a fact, and a broken part makes it say so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hftgym.cli import main
from hftgym.doctor import Check, DoctorReport, run_doctor


def test_a_report_is_well_only_when_every_check_is() -> None:
    well = Check("numpy", True, "2.4.6")
    broken = Check("numba", False, "0.67.0, but hftgym needs <0.69,>=0.68")
    assert DoctorReport((well,)).ok
    assert DoctorReport((well,)).text() == "ok  numpy  2.4.6\nall well"
    report = DoctorReport((well, broken))
    assert not report.ok
    assert report.text().splitlines() == [
        "ok  numpy  2.4.6",
        "BAD numba  0.67.0, but hftgym needs <0.69,>=0.68",
        "not well: numba",
    ]


def test_it_looks_at_packages_cache_and_environment() -> None:
    said: list[str] = []
    report = run_doctor(say=said.append)
    checks = {check.name: check for check in report.checks}
    for name in ("system", "numpy", "numba", "gymnasium", "tensorboard", "numba cache"):
        assert checks[name].ok, checks[name]
    assert checks["numba"].detail.startswith("0.68.")
    assert checks["environment"].ok, checks["environment"]
    assert any("market" in line for line in said)


def test_a_wrong_version_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hftgym.doctor.metadata.version", lambda name: "0.1")
    monkeypatch.setattr("hftgym.doctor._step_environment", lambda: "not started here")
    report = run_doctor()
    numba = next(check for check in report.checks if check.name == "numba")
    assert not numba.ok
    assert numba.detail == "0.1, but hftgym needs <0.69,>=0.68"


def test_what_raises_becomes_a_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode() -> str:
        raise OSError("no market\ntoday")

    monkeypatch.setattr("hftgym.doctor._step_environment", explode)
    assert main(["doctor", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    line = next(check for check in report["checks"] if check["name"] == "environment")
    assert line == {"name": "environment", "ok": False, "detail": "OSError: no market today"}


@pytest.mark.ray
@pytest.mark.slow
def test_ray_is_used_when_asked(ray_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hftgym.doctor._step_environment", lambda: "not started here")
    report = run_doctor(ray=True)
    cluster = next(check for check in report.checks if check.name == "ray cluster")
    assert cluster.ok, cluster
