"""A small market that runs in no time, for logs and pictures."""

from __future__ import annotations

from pathlib import Path

from hftgym.scenario import Scenario

FIELDS = {
    "name": "small",
    "description": "noise takers and two makers",
    "burn_in_s": 2.0,
    "participants": [
        {"kind": "noise_taker", "params": {"rate_per_s": 4.0}},
        {"kind": "fixed_spread", "count": 2, "params": {"half_spread_tick": 2.0}},
        {"kind": "zero_intelligence"},
    ],
}


def small() -> Scenario:
    """Return the market."""
    return Scenario.model_validate(FIELDS)


def small_file(folder: Path) -> Path:
    """Write the market as YAML."""
    import yaml

    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(FIELDS))
    return path
