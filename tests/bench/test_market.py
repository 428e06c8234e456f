"""The markets' benchmark: its figures belong together and its market trades."""

from __future__ import annotations

import json

import pytest

from hftgym.bench.market import bench_market, mixed_market


def test_figures_belong_together() -> None:
    result = bench_market(repeats=2, events=5_000, batch=2, day_messages=20_000)
    for name in ("participants_100", "participants_1000"):
        found = result[name]
        low, high = found["events_per_s_range"]
        assert 0 < low <= found["events_per_s"] <= high
        parts = sum(found[f"{part}_per_s"] for part in ("messages", "wakes", "captures"))
        assert parts == pytest.approx(found["events_per_s"], abs=3)
        assert found["trades_per_message"] > 0.02
    assert result["thousand_per_hundred"] > 0
    assert result["day"]["messages_done"] > 20_000  # the makers move their quotes too
    assert result["day"]["trades"] > 100
    assert result["batch"]["gain"] > 0
    assert result["yardstick"]["events_per_its_message"] > 1
    assert json.loads(json.dumps(result)) == result


def test_the_mix_is_what_it_says() -> None:
    counts = {spec.kind: spec.count for spec in mixed_market(1_000, "large").participants}
    assert counts == {"zero_intelligence": 600, "informed_taker": 300, "glft": 100}
    assert all(spec.latency.order_ns for spec in mixed_market(100, "medium").participants)
