"""Running a scenario: what is written, what is printed, and that all money is somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hftgym.cli import main
from hftgym.core.constants import LogKind
from hftgym.errors import HftgymError, OutputError, UsageError
from hftgym.simulation import simulate as module
from hftgym.simulation.market_log import read_header, read_log
from hftgym.simulation.simulate import Simulated, simulate
from hftgym.simulator import Simulator
from tests.data.lobster_days import Exchange, write_files
from tests.simulation.small import small, small_file

FILES = {"events-4.parquet", "figures.json", "day.png", "day.html"}


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    """A minute of the default market."""
    folder = tmp_path_factory.mktemp("default") / "run"
    return simulate("default", seed=4, out=folder, seconds=60.0, quiet=True)


def test_the_folder_has_log_figures_and_pictures(done: Simulated) -> None:
    assert {path.name for path in done.folder.iterdir()} == FILES
    assert (done.folder / "day.png").read_bytes().startswith(b"\x89PNG")
    figures = json.loads((done.folder / "figures.json").read_text())
    assert figures == json.loads(json.dumps(done.to_dict()))
    assert figures["markets"][0]["volatility_60s"] > 0


def test_the_log_is_that_of_the_market(done: Simulated) -> None:
    market = Simulator("default", seed=4, keep_log=True)
    market.advance(120.0)
    log = read_log(done.folder / "events-4.parquet")
    np.testing.assert_array_equal(log, market.log())
    header = read_header(done.folder / "events-4.parquet")
    assert header == done.logs[0]
    assert int(header.log_hash, 16) == market.market()["log_hash"]
    assert int(header.state_hash, 16) == market.state_hash()
    assert (header.seed, header.begin_ns, header.end_ns) == (4, 60 * 10**9, 120 * 10**9)
    assert header.participants == list(market.blueprint.names)
    assert header.codes["kind"][str(int(LogKind.TRADE))] == "TRADE"


def test_all_money_is_somewhere(done: Simulated) -> None:
    """Participants, fees and counter-accounts add up to zero at one mark, to the last unit."""
    (market,) = done.markets
    assert market.sum_half == 0
    assert sum(group.pnl_half for group in market.groups) == -market.fee_half != 0
    log = read_log(done.folder / "events-4.parquet")
    late = log[(log["t_ns"] > 60 * 10**9) & (log["kind"] == LogKind.TRADE)]
    taken = {group.name: group.taker_lots for group in market.groups}
    by_index = np.bincount(late["taker"], late["lots"], len(done.logs[0].participants))
    for name, lots in zip(done.logs[0].participants, by_index, strict=True):
        taken[name.partition("#")[0]] -= int(lots)
    assert set(taken.values()) == {0}
    assert sum(group.fees for group in market.groups) * 2 == market.fee_half
    assert market.lots * market.seconds == pytest.approx(late["lots"].sum())


def test_the_page_opens_without_a_network(done: Simulated) -> None:
    page = (done.folder / "day.html").read_text()
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=", page) == []
    assert "Plotly.newPlot" in page
    assert len(page) > 3_000_000  # the library itself
    assert "GLFT makers, informed and noise takers" in page
    assert "sum, exactly" in page


def test_one_market_or_one_of_many(tmp_path: Path) -> None:
    many = simulate(small(), seed=3, markets=3, out=tmp_path / "many", seconds=5.0, quiet=True)
    alone = simulate(small(), seed=4, out=tmp_path / "alone", seconds=5.0, quiet=True)
    assert [log.seed for log in many.logs] == [3, 4, 5]
    assert many.logs[1] == alone.logs[0]
    assert many.markets[1].groups == alone.markets[0].groups
    assert len({log.log_hash for log in many.logs}) == 3
    assert (tmp_path / "many" / "events-4.parquet").read_bytes() == (
        tmp_path / "alone" / "events-4.parquet"
    ).read_bytes()
    text = str(many)
    assert "seeds 3-5" in text
    assert "+-" in text
    assert "+-" not in str(alone)
    assert re.search(r"sum, exactly +0\n", text)


def test_a_scenario_says_when_its_day_ends(tmp_path: Path) -> None:
    day = small().model_dump() | {
        "calendar": [{"at_s": 6.0, "phase": "closing_auction"}, {"at_s": 8.0, "phase": "closed"}]
    }
    found = simulate(type(small()).model_validate(day), out=tmp_path / "a", quiet=True)
    assert (found.logs[0].end_ns, found.markets[0].seconds) == (8 * 10**9, 6.0)
    with pytest.raises(UsageError, match=r"-1 s after a burn-in of 2 s"):
        simulate(small(), out=tmp_path / "b", seconds=-1.0, quiet=True)
    assert not (tmp_path / "b").exists()


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(OutputError, match="is not empty; name a new folder"):
        simulate(small(), out=tmp_path, seconds=2.0, quiet=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_what_goes_wrong_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "draw_png", explode)
    monkeypatch.chdir(tmp_path)
    for out in (None, tmp_path / "run"):
        with pytest.raises(KeyboardInterrupt):
            simulate(small(), out=out, seconds=2.0, quiet=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["runs"]


def test_folders_are_named_and_never_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["simulate", str(small_file(tmp_path)), "--seed", "2", "--seconds", "2"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert "simulate small: 4 of 4 s in" in shown.err
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert len(names) == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-simulate-small-2", names[0])
    assert names[1] == f"{names[0]}-2" == Path(found["folder"]).name
    assert f"log hash {found['markets'][0]['log_hash']}" in shown.out


def test_a_tape_plays_to_its_end(tmp_path: Path) -> None:
    exchange = Exchange(3)
    for choice in np.random.default_rng(1).integers(0, 60, size=(200, 4)).tolist():
        exchange.act(*choice)
    message, _ = write_files(tmp_path, exchange.messages, exchange.rows)
    words = ["simulate", "tape", "--data", str(message), "--seconds", "60", "--json"]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    header = read_header(tmp_path / "run" / "events-0.parquet")
    assert header.data == str(message)
    assert header.data_hash != Simulator("default").blueprint.data_hash
    assert header.kinds == ["tape"]


def test_a_real_afternoon(shared_data: Path, tmp_path: Path) -> None:
    message = next((shared_data / "lobster").glob("AMZN_*message*"))
    found = simulate("tape", data=message, out=tmp_path / "run", quiet=True)
    (market,) = found.markets
    assert market.sum_half == 0
    assert found.logs[0].end_ns - found.logs[0].start_ns == pytest.approx(13_047e9, rel=1e-3)
    assert 5 < market.spread_mean_tick < 30  # cents
    assert market.messages == pytest.approx(32_300 / 13_020, rel=0.01)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"scenario": "defualt"}, "did you mean 'default'"),
        ({"scenario": "tape"}, "give data, the path of a LOBSTER"),
        ({"scenario": "default", "data": __file__}, "no LOBSTER pair"),
        ({"scenario": "default", "markets": 0}, "at least one market"),
        ({"scenario": "default", "seed": -1}, "a seed from 0 on"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(HftgymError, match=said):
        simulate(**arguments, out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()


def test_a_missing_library_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("hftgym.extras.find_spec", lambda name: None if name == "plotly" else 1)
    assert main(["simulate", "default"]) == 2
    assert capsys.readouterr().err == (
        "hftgym: error[HG-U201] plotly: not installed; pip install 'hftgym[data,report]'\n"
    )
