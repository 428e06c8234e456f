"""One simulation as its name says it: a scenario, its data, a seed, and how long it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hftgym.core.constants import SECOND_NS
from hftgym.data.lobster_files import message_file
from hftgym.envs.history import load_tape, tape_files
from hftgym.errors import UsageError
from hftgym.scenario import Scenario
from hftgym.simulator import Simulator

#: Length of a simulation whose scenario does not say when its day ends, after the burn-in.
USUAL_S = 300.0


@dataclass(frozen=True)
class Session:
    """A market that can be run, once or with many seeds.

    Attributes:
        simulator: its owner, at the opening.
        start_ns: opening.
        begin_ns: end of the burn-in.
        end_ns: end of the day.
        data: the message file as it was given; None without a tape.
    """

    simulator: Simulator
    start_ns: int
    begin_ns: int
    end_ns: int
    data: str | None = None

    @property
    def scenario(self) -> Scenario:
        """The scenario."""
        return self.simulator.scenario

    @property
    def data_hash(self) -> str:
        """Hash of what does not stand in the scenario itself: history, recorded latencies."""
        return self.simulator.blueprint.data_hash


def open_session(
    scenario: Scenario, data: str | Path | None = None, seconds: float | None = None
) -> Session:
    """Prepare a simulation.

    Args:
        scenario: the market.
        data: of a tape: its LOBSTER message file, or the folder that holds one pair.
        seconds: length after the burn-in. When absent, a tape plays to its end, a scenario whose
            calendar ends with ``closed`` to that time, and any other ``USUAL_S``.

    Raises:
        UsageError: if data is given and not wanted, or the other way round, or the length is not
            positive.
        NoInputError: if there is no such data.
        DataError: if the data are not valid.
        ConfigError: if the market class is too small.
    """
    files = tape_files(scenario, message_file(data) if data is not None else None)
    tape = None if files is None else load_tape(scenario, *files)
    start_ns = 0 if tape is None else tape.first_t_ns
    begin_ns = start_ns + round(scenario.burn_in_s * SECOND_NS)
    calendar = scenario.calendar
    if seconds is not None:
        end_ns = begin_ns + round(seconds * SECOND_NS)
    elif tape is not None:
        end_ns = tape.last_t_ns
    elif calendar and calendar[-1].phase == "closed":
        end_ns = round(calendar[-1].at_s * SECOND_NS)
    else:
        end_ns = begin_ns + round(USUAL_S * SECOND_NS)
    if end_ns <= begin_ns:
        length_s = (end_ns - begin_ns) / SECOND_NS
        raise UsageError(
            "HG-U202",
            f"scenario {scenario.name!r}: {length_s:g} s after a burn-in of "
            f"{scenario.burn_in_s:g} s; give a positive number of --seconds",
        )
    # A copy: kernels are compiled for writable operations, with a tape or without.
    simulator = Simulator(scenario, ops=None if tape is None else tape.ops.copy(), keep_log=True)
    return Session(
        simulator,
        start_ns,
        begin_ns,
        end_ns,
        None if files is None else str(files[0] if data is None else data),
    )
