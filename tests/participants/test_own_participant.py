"""A participant from outside of the package: named module:attribute, documented, checked."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from pydantic import Field

from hftgym.core.constants import BUY
from hftgym.core.records import record
from hftgym.errors import ConfigError
from hftgym.market import Learner, blueprint
from hftgym.participants.base import (
    Numbers,
    ParticipantParams,
    build_table,
    kinds,
    params_dtype,
    participant,
    resolve,
)
from hftgym.participants.orders import place
from hftgym.scenario import ParticipantSpec, Scenario, load_scenario
from hftgym.simulator import Simulator

REPOSITORY = Path(__file__).resolve().parents[2]
KIND = "scripts.own_participant:follower"


def scenario_with(spec: ParticipantSpec) -> Scenario:
    base = load_scenario("default")
    return base.model_copy(update={"participants": (*base.participants, spec)})


def test_it_trades_in_a_scenario_by_its_name_alone(tmp_path: Path) -> None:
    text = (REPOSITORY / "scenarios" / "default.yaml").read_text()
    text += f"  - kind: {KIND}\n    count: 2\n    params: {{threshold_lot: 3, hold_s: 2.0}}\n"
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace("name: default", "name: mine"))
    market = Simulator(load_scenario(path), seed=1)
    names = market.blueprint.names
    assert names[-2:] == ("follower#0", "follower#1")
    market.advance(300)
    accounts = market.market()["part"][len(names) - 2 : len(names)]["account"]
    assert (accounts["taker_lots"] > 10).all()
    assert (np.abs(accounts["position"]) <= 1).all()
    assert market.conservation() == (0, 0)


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    importlib.import_module("scripts.own_participant").main()
    assert re.fullmatch(
        r"follower#0 after 600 s: [1-9]\d* fills, [1-9]\d* lots, fees \d+, "
        r"equity -?\d+ money units\n",
        capsys.readouterr().out,
    )


def test_the_document_runs_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (REPOSITORY / "docs" / "participants.md").read_text()
    module, run = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    (tmp_path / "my_module.py").write_text(module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        exec(compile(run, "participants.md", "exec"), {})
    finally:
        sys.modules.pop("my_module", None)
    fills, position, _ = (int(word) for word in capsys.readouterr().out.split())
    assert fills > 0
    assert abs(position) <= 1
    # The document shows the function of the script.
    script = (REPOSITORY / "scripts" / "own_participant.py").read_text()
    shown = module[module.index("class Params") : module.index("    return out.count")]
    assert shown in script


def test_the_document_names_every_field() -> None:
    from hftgym.core.records import OUT, OWN, OWN_ORDER, VIEW

    text = (REPOSITORY / "docs" / "participants.md").read_text()
    told = {
        word for chunk in re.findall(r"`([^`\n]*)`", text) for word in re.findall(r"\w+", chunk)
    }
    fields = {*VIEW.names, *OWN.names, *OUT.names, *OWN_ORDER.names}  # type: ignore[misc]
    hidden = {"gen", "count", "messages"}
    assert {f for f in fields if not f.startswith("_")} - told - hidden == set()
    assert set(kinds()) <= told


@pytest.mark.parametrize(
    ("kind", "code", "text"),
    [
        ("scripts.own_participant:folower", "HG-C021", "no attribute 'folower'"),
        ("scripts.no_such_file:x", "HG-C021", "No module named"),
        ("scripts.own_participant:main", "HG-C022", "not made with"),
        ("noise_takr", "HG-C020", "did you mean 'noise_taker'?"),
        ("xyz", "HG-C020", "there are almgren_chriss"),
    ],
)
def test_a_wrong_name_is_refused(kind: str, code: str, text: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(text)) as error:
        resolve(kind)
    assert error.value.code == code


def test_parameters_of_your_own_are_checked_as_all_others_are() -> None:
    with pytest.raises(ValueError, match="threshold_lot"):
        ParticipantSpec(kind=KIND, params={"threshold_lot": 0})
    with pytest.raises(ValueError, match="treshold_lot"):
        ParticipantSpec(kind=KIND, params={"treshold_lot": 3})


def test_parameters_are_numbers() -> None:
    class Words(ParticipantParams):
        word: str = Field("a")

    with pytest.raises(TypeError, match=r"Words\.word: compiled participants take float"):
        params_dtype(Words)


def test_memory_and_parameters_have_their_size() -> None:
    class Plain(ParticipantParams):
        """None."""

    with pytest.raises(ValueError, match="memory: 520 bytes do not fit into 512"):
        participant(Plain, record([("words", "i8", (65,))]))
    many = {f"f{i}": (float, 0.0) for i in range(32)}  # and the tick
    from pydantic import create_model

    with pytest.raises(ValueError, match="params: 264 bytes do not fit into 256"):
        participant(create_model("Many", __base__=ParticipantParams, **many))  # type: ignore[call-overload]


def test_a_table_holds_participants_only() -> None:
    with pytest.raises(TypeError, match="not a participant"):
        build_table([test_a_table_holds_participants_only])  # type: ignore[list-item]


def test_a_market_class_that_is_too_small_is_refused() -> None:
    spec = ParticipantSpec(kind=KIND, count=50)
    with pytest.raises(ConfigError, match="room for 16; choose a larger market_class"):
        blueprint(scenario_with(spec), [Learner()])


class Curve(ParticipantParams):
    """Prices at which it bids, one after the other."""

    first_px: int = 90
    steps_px: tuple[float, ...] = (0.0, 3.0, 1.0)
    lots: tuple[float, ...] = (2.0,)


@participant(Curve, record([("next", "i8")]), own_orders=4)
def bidder(view, own, params, memory, rng, out, data):
    """Bid at the next price of the table."""
    i = memory.next
    if i == params.steps_px_count:
        return 0
    memory.next += 1
    px = params.first_px + int(data[params.steps_px + i])
    place(out, i, BUY, px, int(data[params.lots]), 0)
    out.next_wake_ns = view.delivered_ns + 1_000
    return out.count


def test_tables_lie_beside_the_market_and_equal_ones_once() -> None:
    kind = f"{__name__}:bidder"
    specs = [
        ParticipantSpec(kind=kind, name="a"),
        ParticipantSpec(kind=kind, name="b", params={"steps_px": [5.0, 4.5], "lots": [2.0]}),
    ]
    fields = {"name": "tables", "description": "tables", "instrument": {"start_px": 100}}
    scenario = Scenario.model_validate(fields | {"participants": specs})
    market = Simulator(scenario, keep_log=True)
    market.advance(1.0)
    rests = market.log()
    by_owner = [[int(r["px"]) for r in rests if r["maker"] == who] for who in (0, 1)]
    assert by_owner == [[90, 93, 91], [95, 94]]
    assert set(rests["lots"]) == {2}
    numbers = Numbers()
    assert [numbers.add(t) for t in ((1.0, 2.0), (3.0,), (1.0, 2.0))] == [0, 2, 0]
    assert numbers.used == 3
    with pytest.raises(ConfigError, match="65540 in one market; at most 65536"):
        numbers.add([0.5] * 65_537)
