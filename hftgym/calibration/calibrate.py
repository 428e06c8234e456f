"""``hftgym calibrate``: fits a scenario to real data and judges it on data that it has not seen.

The first 70 % of the recording's time is fitted, the last 25 % judges, what lies between is a gap.
The scenario is written, read back, simulated, and measured by the same code as both parts of the
recording (``realism``). Nothing in the fit has seen the judging part, and nothing is tuned after.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hftgym.analytics.event_series import mid_tick
from hftgym.analytics.event_sources import simulate_events
from hftgym.analytics.event_table import EventTable
from hftgym.analytics.progress import Phase, Silent
from hftgym.analytics.realism import measure_realism
from hftgym.analytics.realism_report import RealismReport
from hftgym.calibration.recording import Recording, read_recording
from hftgym.calibration.scenario_text import scenario_text
from hftgym.calibration.split import shown_events, split_events
from hftgym.errors import OutputError, UsageError
from hftgym.names import check_name
from hftgym.scenario import load_scenario

#: Longest simulation, in seconds: enough for every figure, and a minute is a long wait.
LONGEST_S = 20_000.0


class Fit(Protocol):
    """What an estimator found."""

    def table(self) -> dict[str, Any]:
        """Return the figures by name, for people and for JSON."""

    def params(self, units_per_lot: int) -> dict[str, Any]:
        """Return the parameters of the participant, for lots of so many units of the recording."""

    @property
    def tick(self) -> int:
        """Ticks of the recording in one of the model."""

    @property
    def settle_s(self) -> float:
        """Seconds until the simulated market has forgotten how it began."""

    @property
    def summary(self) -> str:
        """What was fitted, in a sentence or two for the scenario's comment."""


@dataclass(frozen=True)
class Calibration:
    """A fitted scenario and how real it looks.

    Attributes:
        model: Name of the model.
        data: Name of the recording.
        scenario_path: Where the scenario was written.
        fitted: Figures of the fit.
        train: The simulation beside the part that was fitted, without the judge.
        test: The simulation beside the held-out part.
    """

    model: str
    data: str
    scenario_path: Path
    fitted: Mapping[str, Any]
    train: RealismReport
    test: RealismReport

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for ``--json``."""
        return {
            "model": self.model,
            "data": self.data,
            "scenario": str(self.scenario_path),
            "fitted": {key: _finite(value) for key, value in self.fitted.items()},
            "train": self.train.to_dict(),
            "test": self.test.to_dict(),
        }

    def __str__(self) -> str:
        """Return the fit, the held-out report, and what both parts say beside each other."""
        lines = [f"{self.model} fitted to {self.data}: {self.scenario_path}", ""]
        lines += [f"  {key}: {_figure(value)}" for key, value in self.fitted.items()]
        lines += ["", "held-out part", str(self.test), "", "training part: distances"]
        for here, there in zip(self.train.distances, self.test.distances, strict=True):
            lines.append(
                f"  {here.title}: KS {here.kolmogorov_smirnov:.3f} (held out "
                f"{there.kolmogorov_smirnov:.3f}; between halves of the held-out data "
                f"{there.floor_kolmogorov_smirnov:.3f})"
            )
        return "\n".join(lines)


def calibrate(
    data: Path,
    model: str,
    *,
    out: Path | None = None,
    seed: int = 0,
    phase: Phase = Silent,
) -> Calibration:
    """Fit a scenario to a recording, write it, simulate it, and measure it.

    The same arguments give the same scenario and the same figures.

    Args:
        data: A LOBSTER message file (or its folder), or a Bitstamp log.
        model: One of ``MODELS``.
        out: The YAML file to write, which may exist; by default a new one in the working directory.
        seed: Of the simulation and of the judge.
        phase: Opens a progress bar.

    Raises:
        UsageError: If there is no such model, or the scenario's name is not allowed.
        NoInputError: If the data is not there.
        DataError: If the data breaks a rule, or has too little of what the model needs.
        OutputError: If the scenario can not be written.
    """
    if model not in MODELS:
        raise UsageError("HG-U191", f"model {model!r}; there are {', '.join(MODELS)}")
    with phase("read", 1, "recording") as bar:
        recording = read_recording(Path(data))
        bar.advance(1)
    path = _place(out, f"{model}_{recording.label}")
    split = split_events(recording.table)
    with phase(f"fit {model}", 1, "model") as bar:
        fit = MODELS[model](split.train)
        bar.advance(1)
    text = _scenario(path.stem, model, recording, split.train, fit)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError("HG-O191", f"{path}: {error.strerror}; choose another --out") from error
    scenario = load_scenario(path)
    seconds = min(split.test.seconds, LONGEST_S)
    with phase("simulate", int(seconds), "seconds") as bar:
        simulated = simulate_events(scenario, seconds=seconds, seed=seed, progress=bar.advance)
    market = [shown_events(table) for table in simulated]
    return Calibration(
        model=model,
        data=recording.table.name,
        scenario_path=path,
        fitted=fit.table(),
        train=measure_realism(market, shown_events(split.train), judged=False),
        test=measure_realism(market, shown_events(split.test), seed=seed, phase=phase),
    )


def _fit_santa_fe(train: EventTable) -> Fit:
    from hftgym.calibration.santa_fe import fit_santa_fe

    return fit_santa_fe(train)


def _fit_hawkes(train: EventTable) -> Fit:
    from hftgym.calibration.hawkes import fit_hawkes_flow

    return fit_hawkes_flow(train)


def _fit_queue_reactive(train: EventTable) -> Fit:
    from hftgym.calibration.queue_reactive import fit_queue_reactive

    return fit_queue_reactive(train)


#: Estimators by name; each is imported when it is called.
MODELS: dict[str, Callable[[EventTable], Fit]] = {
    "santa_fe": _fit_santa_fe,
    "hawkes": _fit_hawkes,
    "queue_reactive": _fit_queue_reactive,
}
#: Kind of participant that plays the model.
KINDS = {
    "santa_fe": "zero_intelligence",
    "hawkes": "hawkes_flow",
    "queue_reactive": "queue_reactive",
}


def _place(out: Path | None, name: str) -> Path:
    """Return the file to write, checked before any work is done."""
    path = Path(f"{name}.yaml") if out is None else Path(out)
    if path.suffix != ".yaml":
        raise UsageError("HG-U192", f"--out {path}: a scenario file ends in .yaml")
    check_name(path.stem, "name of a scenario")
    if out is None and path.exists():
        raise OutputError("HG-O190", f"{path} exists; name it with --out to write it anew")
    if not path.parent.is_dir():
        raise OutputError("HG-O192", f"{path.parent}: no such folder; make it first")
    return path


def _scenario(name: str, model: str, recording: Recording, train: EventTable, fit: Fit) -> str:
    spread = (train.ask_px[:, 0] - train.bid_px[:, 0])[train.two_sided]
    mid = float(mid_tick(train)[-1]) / fit.tick
    comment = (
        f"{recording.origin}, as the {model} model sees it: fitted to the first "
        f"{train.seconds / 3600:.1f} hours ({train.rows:,} events) of {train.name}, where the "
        f"median spread is {np.median(spread):g} ticks. {fit.summary} "
        f"docs/calibration.md says what such a fit gets right and what it does not."
    )
    return scenario_text(
        name=name,
        description=f"{recording.origin} as a fitted {model} flow",
        comment=comment,
        instrument={
            "price_unit": str(fit.tick * Decimal(recording.price_unit)),
            "lot": recording.lot,
            "start_px": max(1, round(mid)),
            "taker_fee": 0,
        },
        burn_in_s=max(60.0, fit.settle_s),
        kind=KINDS[model],
        params=fit.params(recording.units_per_lot),
    )


def _finite(value: Any) -> Any:
    """Return a figure as JSON knows it: what is not a finite number becomes None."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _figure(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
