"""Scenarios: the bundled ones load, the models refuse what can not be a market."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hftgym.errors import ConfigError, NoInputError, UsageError
from hftgym.instrument import MONEY_LIMIT
from hftgym.scenario import (
    Instrument,
    Latency,
    ParticipantSpec,
    Scenario,
    TapeSpec,
    Value,
    config_hash,
    list_scenarios,
    load_scenario,
    scenario_folder,
)
from hftgym.yaml_model import parse_overrides

HEAD = "# A test market.\nname: x\ndescription: y\n"


def load(tmp_path: Path, text: str, *sets: str) -> Scenario:
    file = tmp_path / "x.yaml"
    file.write_text(HEAD + text)
    return load_scenario(file, parse_overrides(sets))


def message(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return str(caught.value).removeprefix(str(tmp_path) + "/")


@pytest.mark.parametrize("name", list_scenarios())
def test_bundled_scenarios_are_short_described_and_valid(name: str) -> None:
    lines = (scenario_folder() / f"{name}.yaml").read_text().splitlines()
    assert len(lines) <= 60
    assert re.match(r"# \w+", lines[0])
    scenario = load_scenario(name)
    assert scenario.name == name
    assert len(set(scenario.participant_names)) == sum(s.count for s in scenario.participants)


def test_the_default_scenario_is_bundled() -> None:
    assert "default" in list_scenarios()


def test_defaults_are_the_documented_market(tmp_path: Path) -> None:
    scenario = load(tmp_path, "")
    assert scenario == Scenario(name="x", description="y")
    assert scenario.instrument == Instrument(
        price_unit="0.01", tick_px=1, px_min=1, px_max=2**31, unit_value=10, taker_fee=3
    )
    assert (scenario.burn_in_s, scenario.value, scenario.tape) == (60.0, None, None)
    assert Value().jump_per_s == pytest.approx(1 / 60)
    assert Latency() == Latency(feed_ns=1_000_000, order_ns=1_000_000, response_ns=1_000_000)


def test_params_are_completed_with_the_kinds_defaults(tmp_path: Path) -> None:
    text = "participants:\n  - kind: noise_taker\n    params: {rate_per_s: 0.25}\n"
    (spec,) = load(tmp_path, text).participants
    assert spec.params["rate_per_s"] == 0.25
    assert set(spec.params) > {"rate_per_s"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "value: {sigma: 1}\n",
            "x.yaml:4: unknown key 'sigma' in 'value'; did you mean 'sigma_tick_per_sqrt_s'?",
        ),
        (
            "instrument:\n  margin: {}\n",
            "x.yaml:5: key 'margin' in 'instrument' is not implemented yet; remove it",
        ),
        (
            "instrument:\n  kind: option\n",
            "x.yaml:5: instrument.kind = 'option': is not implemented yet",
        ),
        (
            "instrument:\n  price_unit: '-1'\n",
            "x.yaml:5: instrument.price_unit = '-1': must be a decimal number above 0, in quotes, "
            "as in '0.01'",
        ),
        (
            "instrument:\n  price_unit: 0.01\n",
            "x.yaml:5: instrument.price_unit = 0.01: must be a valid string",
        ),
        (
            "instrument:\n  start_px: 0\n",
            "x.yaml:5: instrument.start_px = 0: must be greater than or equal to 1",
        ),
        (
            "participants:\n  - kind: noise_taker\n    params: {ratee_per_s: 1}\n",
            "x.yaml:6: unknown key 'ratee_per_s' in 'participants.0.params'; did you mean "
            "'rate_per_s'?",
        ),
        (
            "participants:\n  - kind: noise_taker\n    params:\n      rate_per_s: fast\n",
            "x.yaml:7: participants.0.params.rate_per_s = 'fast': must be a valid number",
        ),
        (
            "participants:\n  - kind: noise_taker\n    mode: cash\n",
            "x.yaml:6: key 'mode' in 'participants.0' is not implemented yet; remove it",
        ),
        (
            "participants:\n  - kind: noise_taker\n    name: ../x\n",
            "x.yaml:6: participants.0.name = '../x': name of a participant '../x' is not allowed: "
            "1 to 64 of the characters A-Z a-z 0-9 . _ -, not '.' or '..', no '-' in front",
        ),
        (
            "participants:\n  - kind: noise_taker\n    limits: {burst: 3}\n",
            "x.yaml:6: burst 3 needs orders_per_s: there is no rate to exceed (in "
            "participants.0.limits)",
        ),
        (
            "participants:\n  - kind: noise_taker\n    limits: {flatten: true}\n",
            "x.yaml:6: flatten needs loss: nothing else closes a position (in "
            "participants.0.limits)",
        ),
        (
            "participants:\n  - kind: noise_taker\n    limits:\n      position_lots: 0\n",
            "x.yaml:7: participants.0.limits.position_lots = 0: must be greater than or equal to 1",
        ),
        (
            "participants:\n  - kind: noise_taker\n    limits:\n      orders_per_s: 0\n",
            "x.yaml:7: participants.0.limits.orders_per_s = 0: must be greater than or equal to "
            "0.001",
        ),
        (
            "tape:\n  train_share: 0.8\n",
            "x.yaml:4: train_share + test_share must be below 1, so that a gap is left (in tape)",
        ),
        (
            "tape: {message: a.csv}\n",
            "x.yaml:4: message and orderbook must be given together (in tape)",
        ),
        (
            "breaks_gates: {variance_ration: it trends}\n",
            "x.yaml:4: 'variance_ration' is no gate; did you mean 'variance_ratio'? (in "
            "breaks_gates)",
        ),
        (
            "breaks_gates: {join: ''}\n",
            "x.yaml:4: join: say in one line of at most 200 characters why (in breaks_gates)",
        ),
        ("burn_in_s: -1\n", "x.yaml:4: burn_in_s = -1: must be greater than or equal to 0"),
        (
            "market_class: tiny\n",
            "x.yaml:4: market_class = 'tiny': must be 'small', 'medium', 'large', 'huge' or 'pair'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert message(tmp_path, text) == expected


def test_an_unknown_kind_names_the_nearest(tmp_path: Path) -> None:
    found = message(tmp_path, "participants:\n  - kind: noise_takr\n")
    assert found.startswith("x.yaml:5: participants.0.kind = 'noise_takr': ")
    assert "did you mean 'noise_taker'?" in found


def test_a_kind_that_is_not_there(tmp_path: Path) -> None:
    found = message(tmp_path, "participants:\n  - kind: nobody.has.this:Maker\n")
    assert found.startswith("x.yaml:5: participants.0.kind = 'nobody.has.this:Maker': ")
    found = message(tmp_path, "participants:\n  - kind: pathlib:Path\n")
    assert found.startswith("x.yaml:5: participants.0.kind = 'pathlib:Path': ")


@pytest.mark.parametrize(
    "fields",
    [
        {"px_max": 2**31, "max_lots": 2**31},
        {"px_max": 2**40, "max_lots": 2**20, "unit_value": 4},
        {"start_px": 10_001, "tick_px": 2},
        {"px_min": 20_000},
        {"px_max": 9_999},
        {"lot": "nan"},
        {"lot": "inf"},
        {"lot": ""},
        {"unit_value": 0},
        {"id": ""},
    ],
)
def test_instruments_that_can_not_be(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Instrument(**fields)


def test_the_largest_instrument_stays_below_the_money_limit() -> None:
    largest = Instrument(px_max=2**30, max_lots=2**31, unit_value=1)
    assert largest.px_max * largest.max_lots * largest.unit_value < MONEY_LIMIT
    with pytest.raises(ValidationError, match=r"must be below 2\^62"):
        Instrument(px_max=2**31, max_lots=2**31, unit_value=1)


def spec(kind: str = "noise_taker", name: str | None = None, count: int = 1) -> ParticipantSpec:
    return ParticipantSpec(kind=kind, name=name, count=count)


def scenario(*participants: ParticipantSpec) -> Scenario:
    return Scenario(name="x", description="y", participants=participants)


def test_names_of_participants_count_up_within_a_group() -> None:
    groups = (spec(count=2), spec(name="slow", count=2), spec(), spec("informed_taker"))
    assert scenario(*groups).participant_names == (
        "noise_taker#0",
        "noise_taker#1",
        "slow#0",
        "slow#1",
        "noise_taker#2",
        "informed_taker#0",
    )


@pytest.mark.parametrize(
    "groups",
    [
        (spec(name="a"), spec(name="a")),
        (spec(name="a"), spec("informed_taker", name="a")),
        (spec("informed_taker"), spec(name="informed_taker")),
        (spec(name="noise_taker"), spec()),
    ],
)
def test_two_groups_can_not_share_a_name(groups: tuple[ParticipantSpec, ...]) -> None:
    with pytest.raises(ValidationError, match="two groups of participants are called"):
        scenario(*groups)


def test_the_hash_is_of_the_meaning_not_the_text(tmp_path: Path) -> None:
    plain = load(tmp_path, "")
    spelled_out = load(tmp_path, "burn_in_s: 60\ninstrument: {tick_px: 1}\n")
    other = load(tmp_path, "burn_in_s: 61\n")
    assert plain.config_hash == spelled_out.config_hash == config_hash(plain)
    assert plain.config_hash != other.config_hash
    assert re.fullmatch("[0-9a-f]{64}", plain.config_hash)


def test_a_scenario_survives_its_own_json() -> None:
    for name in list_scenarios():
        loaded = load_scenario(name)
        again = Scenario.model_validate_json(loaded.model_dump_json(), strict=True)
        assert again == loaded
        assert again.config_hash == loaded.config_hash


def test_overrides_are_applied_before_validation(tmp_path: Path) -> None:
    found = load(tmp_path, "value: {}\n", "value.sigma_tick_per_sqrt_s=0.5", "burn_in_s=5")
    assert found.value == Value(sigma_tick_per_sqrt_s=0.5)
    assert found.burn_in_s == 5.0


def test_names_that_are_no_scenario(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown scenario 'defualt'; did you mean 'default'"):
        load_scenario("defualt")
    for name in ("../scenarios/default", "", "zzz", "default\0", "x" * 300):
        with pytest.raises(UsageError, match="unknown scenario"):
            load_scenario(name)
    with pytest.raises(NoInputError, match=r"none\.yaml: can not read the file"):
        load_scenario(tmp_path / "none.yaml")


def test_a_tape_leaves_a_gap() -> None:
    tape = TapeSpec()
    assert tape.train_share + tape.test_share < 1
    assert tape.resilience_ns == 0


def test_reading_a_market_without_participants_needs_no_compiler(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(HEAD)
    code = (
        "import sys; from hftgym.scenario import load_scenario; load_scenario(sys.argv[1]);"
        "sys.exit('numba' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x.yaml")], check=True, timeout=60)
