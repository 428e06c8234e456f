"""``hftgym calibrate``: a scenario that loads and runs, judged on data the fit has not seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hftgym.analytics.event_table import EventKind, EventTable
from hftgym.calibration.calibrate import KINDS, MODELS, calibrate
from hftgym.calibration.coarse import coarsened, mean_spread_tick
from hftgym.calibration.recording import read_recording
from hftgym.calibration.scenario_text import number_text, rounded, scenario_text
from hftgym.calibration.split import shown_events, split_events
from hftgym.cli import main
from hftgym.cli.market import FlowModel
from hftgym.errors import DataError, OutputError, UsageError
from hftgym.scenario import load_scenario
from tests.calibration.recordings import Book, santa_fe_market
from tests.data.lobster_days import Exchange, write_files

AMZN = "lobster/AMZN_2012-06-21_44553000_57600000_message_1.csv"


@pytest.fixture(scope="module")
def lobster(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LOBSTER pair of some thousand random messages."""
    exchange = Exchange(depth=3)
    rng = np.random.default_rng(2)
    for action, a, b, c in rng.integers(0, 1_000, (6_000, 4)).tolist():
        exchange.act(action, a, b, c)
    # The generator's times are nanoseconds apart: a tenth of a second each makes it minutes.
    messages = [
        (f"{36_000 + k // 10}.{k % 10}", *message[1:])
        for k, message in enumerate(exchange.messages)
    ]
    return write_files(tmp_path_factory.mktemp("lobster"), messages, exchange.rows)[0]


def test_the_parts_are_cut_by_time_with_a_gap() -> None:
    table = santa_fe_market(0.5, 1.0, 0.2, band=8, lots=1, seconds=300, levels=1)
    split = split_events(table)
    first, last = int(table.t_ns[0]), int(table.t_ns[-1])
    train_end, test_begin = (
        (int(split.train.t_ns[-1]) - first) / (last - first),
        (int(split.test.t_ns[0]) - first) / (last - first),
    )
    assert 0.69 < train_end <= 0.70
    assert 0.75 <= test_begin < 0.76
    with pytest.raises(UsageError, match="a gap is left"):
        split_events(table, 0.8, 0.2)
    with pytest.raises(DataError, match="at least 200 are needed"):
        split_events(table.part(0, 100))


def test_only_what_changes_the_shown_levels_is_judged() -> None:
    table = santa_fe_market(0.5, 1.0, 0.2, band=12, lots=1, seconds=60, levels=2)
    assert shown_events(table).rows >= table.rows - 1  # it writes down nothing else
    book = Book(2)
    for px in (99, 98, 97):
        book.change(0, EventKind.ADD, 1, px, 1)
    book.change(1, EventKind.ADD, -1, 101, 2)
    book.change(2, EventKind.ADD, -1, 103, 2)
    whole = book.table()
    one_level = EventTable(
        **{
            name: value[:, :1] if getattr(value, "ndim", 0) == 2 else value
            for name, value in vars(whole).items()
        }
    )
    assert shown_events(one_level).px.tolist() == [101]


def test_coarse_ticks_add_up_levels() -> None:
    book = Book(3)
    for side, px, lots in ((1, 99, 1), (1, 98, 2), (1, 91, 4), (-1, 101, 1), (-1, 111, 5)):
        book.change(0, EventKind.ADD, side, px, lots)
    book.change(2 * 10**9, EventKind.TRADE, -1, 101, 1)
    table = book.table()
    coarse = coarsened(table, 10)
    assert coarse.bid_px[-1].tolist() == [9, 0, 0]
    assert coarse.bid_lots[-1].tolist() == [7, 0, 0]
    assert coarse.ask_px[-2].tolist() == [11, 12, 0]
    assert coarse.ask_px[-1].tolist() == [12, 0, 0]
    assert coarse.px.tolist() == [9, 9, 9, 11, 12, 11]
    assert mean_spread_tick(table) == 2.0
    assert mean_spread_tick(coarse) == 2.0


def test_numbers_are_written_as_what_they_are() -> None:
    assert [number_text(x) for x in (3, 3.0, 0.123456, 123456.0, 1e-7)] == [
        "3",
        "3.0",
        "0.1235",
        "1.235e+05",
        "1e-07",
    ]
    assert rounded(0.123456) == 0.1235


def test_a_scenario_reads_back(tmp_path: Path) -> None:
    text = scenario_text(
        name="fitted",
        description="A market",
        comment="word " * 60,
        instrument={"price_unit": "0.01", "start_px": 5_000},
        burn_in_s=90.0,
        kind="hawkes_flow",
        params={"base_per_s": [0.123456] * 10, "decay_per_s": 2.0},
    )
    assert max(map(len, text.splitlines())) <= 100
    path = tmp_path / "fitted.yaml"
    path.write_text(text)
    scenario = load_scenario(path)
    assert scenario.participants[0].params["base_per_s"] == [0.1235] * 10
    assert scenario.participants[0].latency.feed_ns == 0
    assert scenario.instrument.start_px == 5_000


@pytest.mark.parametrize("model", list(MODELS))
def test_a_model_is_fitted_written_and_measured(lobster: Path, model: str, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "fitted.yaml"
    found = calibrate(lobster, model, out=out, seed=4)
    text = out.read_text()
    assert len(text.splitlines()) <= 60
    assert text.startswith(f"# A stock on NASDAQ (LOBSTER), as the {model} model sees it")
    scenario = load_scenario(out)
    assert scenario.name == "fitted"
    assert [spec.kind for spec in scenario.participants] == [KINDS[model]]
    assert found.test.real is not None and found.train.real is not None
    assert found.test.real.seconds < found.train.real.seconds
    assert found.test.simulated.events > 100
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False, default=float))
    assert plain["model"] == model
    assert plain["test"]["distances"]
    assert "held-out part" in str(found)
    again = tmp_path / "again" / "fitted.yaml"
    again.parent.mkdir()
    assert calibrate(lobster, model, out=again, seed=4).to_dict()["test"] == found.to_dict()["test"]
    assert again.read_text() == text


def test_the_command_and_its_models_agree() -> None:
    assert [model.value for model in FlowModel] == list(MODELS) == list(KINDS)


@pytest.mark.parametrize(
    ("out", "error", "says"),
    [
        ("x.txt", UsageError, "ends in .yaml"),
        ("nowhere/x.yaml", OutputError, "no such folder"),
        ("a b.yaml", UsageError, "name of a scenario"),
    ],
)
def test_a_place_that_can_not_be_written_is_refused(
    lobster: Path, out: str, error: type[Exception], says: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=says):
        calibrate(lobster, "santa_fe", out=tmp_path / out)


def test_a_scenario_in_the_way_is_not_overwritten(
    lobster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    label = read_recording(lobster).label
    (tmp_path / f"santa_fe_{label}.yaml").write_text("mine")
    with pytest.raises(OutputError, match="name it with --out"):
        calibrate(lobster, "santa_fe")
    assert (tmp_path / f"santa_fe_{label}.yaml").read_text() == "mine"


def test_errors_of_the_command_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", str(tmp_path / "absent.csv"), "--model", "santa_fe"]) == 66
    assert capsys.readouterr().err.count("error[HG-N") == 1
    assert main(["calibrate", str(tmp_path), "--model", "heston"]) == 2
    assert "heston" in capsys.readouterr().err


def test_real_data_says_what_it_is(shared_data: Path) -> None:
    amzn = read_recording(shared_data / AMZN)
    assert (amzn.label, amzn.lot, amzn.units_per_lot) == ("amzn", "1", 1)
    bitcoin = read_recording(shared_data / "bitstamp_l3_2015/2015-05-01.log.xz")
    assert (bitcoin.label, bitcoin.lot) == ("bitstamp_2015_05_01", "0.01")


def test_the_parameters_of_amzn(shared_data: Path) -> None:
    """The numbers that docs/calibration.md prints."""
    from hftgym.calibration.santa_fe import fit_santa_fe

    fit = fit_santa_fe(split_events(read_recording(shared_data / AMZN).table).train)
    found = [rounded(x, 3) for x in (fit.limit_rate, fit.market_rate, fit.cancel_rate)]
    assert found == [0.0423, 0.206, 0.158]
    assert round(fit.sigma_lots) == 89
