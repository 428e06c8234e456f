"""Gates on what simple policies earn, and on what can be foretold, in ``MarketMaking-v0``.

The touch must be competitive (joining it earns about nothing, undercutting it loses), quoting must
pay, but not much of what an omniscient quoter earns (there must be something to learn), and the
mid must be hard to foretell (skill lies in quoting, not in forecasting).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.analytics.gate_play import (
    LANES,
    Act,
    Progress,
    Task,
    actions_at,
    around_value,
    constant,
    play,
)
from hftgym.analytics.gate_report import (
    FloatArray,
    GateRow,
    Verdict,
    bootstrap_of_sums,
    judge,
    ratio_of_sums,
)
from hftgym.analytics.predictability import episode_moments, squared_errors
from hftgym.envs.forms import DISCRETE_ACTIONS

#: Largest |J| of joining the touch, as a share of the spread that it earns.
JOIN_BAND = 0.20
#: Largest J of the best constant spread, as a share of the oracle's.
ORACLE_SHARE = 0.50
#: Largest out-of-sample R2 of 10 s mid returns.
R2_BAND = 0.05
RETURN_S = 10.0

#: Constant distances from the mid that are tried, ticks: more can not be told apart, as the mid
#: lies on half ticks and quotes on ticks.
DISTANCES_TICK = tuple(0.5 * k for k in range(1, 13))
#: Quotes around the value that are tried: half-spread (ticks) and skew (ticks per lot).
ORACLES = tuple((half, skew) for half in (0.5, 1.0, 1.5) for skew in (0.1, 0.2, 0.3, 0.5))
#: Markets on which they are tried.
TUNE_MARKETS = 256
TUNE_MARKETS_ORACLE = 64

Episodes = npt.NDArray[Any]


@dataclass(frozen=True)
class Played:
    """What the policies earned on the same validation markets.

    Attributes:
        join: episodes of always joining the touch.
        improve: episodes of always going one tick before it.
        best: episodes of the best constant distance.
        distance_tick: this distance.
        oracle: episodes of the best quotes around the value; None without a value.
        moments: second moments of observations and returns, by episode (`episode_moments`).
        notes: what was chosen, by key.
    """

    join: Episodes
    improve: Episodes
    best: Episodes
    distance_tick: float
    oracle: Episodes | None
    moments: FloatArray
    notes: dict[str, str] = field(default_factory=dict)


def episodes_to_play(episodes: int, with_value: bool) -> int:
    """Return how many episodes `play_all` plays, for a progress bar."""
    tuned = len(DISTANCES_TICK) * min(episodes, TUNE_MARKETS)
    if with_value:
        tuned += len(ORACLES) * min(episodes, TUNE_MARKETS_ORACLE)
    return tuned + (5 if with_value else 4) * episodes


def play_all(task: Task, episodes: int, progress: Progress | None = None) -> Played:
    """Tune on tuning markets, play on validation markets.

    Args:
        task: what is played.
        episodes: validation markets.
        progress: called with the number of episodes that have just ended.
    """
    with_value = task.scenario.value is not None
    lanes = min(LANES, max(2, episodes))
    tuning = task.make("tune", lanes, observe_value=with_value)
    half_spread_tick = tuning.half_spread_tick

    def at(distance_tick: float) -> Act:
        bid, ask = actions_at((distance_tick, distance_tick), half_spread_tick)
        return constant(float(bid), float(ask))

    few = task.market_seeds("tune", min(episodes, TUNE_MARKETS))
    trials = play(tuning, [(at(d), few) for d in DISTANCES_TICK], progress)
    objective = np.array([trial["objective"].mean() for trial in trials])
    distance_tick = DISTANCES_TICK[int(objective.argmax())]
    notes = {"best": f"{distance_tick:g} ticks from the mid, chosen on {len(few)} tuning markets"}

    seeds = task.market_seeds("validation", episodes)
    venv = task.make("validation", lanes, observe_value=with_value)
    jobs = [(at(distance_tick), seeds)]
    if with_value:
        few = task.market_seeds("tune", min(episodes, TUNE_MARKETS_ORACLE))
        info = tuning.task_info
        acts = [around_value(half, skew, info) for half, skew in ORACLES]
        trials = play(tuning, [(act, few) for act in acts], progress)
        best = int(np.argmax([trial["objective"].mean() for trial in trials]))
        half, skew = ORACLES[best]
        notes["oracle"] = f"value -+ {half:g} ticks, skew {skew:g} tick/lot"
        jobs.append((acts[best], seeds))
    played = play(venv, jobs, progress)
    moments = episode_moments(venv, seeds, RETURN_S, progress)

    touch = task.make("validation", lanes, action="discrete")
    join, improve = (
        constant(move, move, np.int64)
        for move in (DISCRETE_ACTIONS.index("join"), DISCRETE_ACTIONS.index("improve 1"))
    )
    at_touch = play(touch, [(join, seeds), (improve, seeds)], progress)
    return Played(
        join=at_touch[0],
        improve=at_touch[1],
        best=played[0],
        distance_tick=distance_tick,
        oracle=played[1] if with_value else None,
        moments=moments,
        notes=notes,
    )


def policy_gates(played: Played, rng: np.random.Generator) -> list[GateRow]:
    """Return the gates on policies and on predictability."""
    return [
        _join(played.join, rng),
        _sign(played.improve, rng, "improve", "J of always improving the touch", -1.0, ""),
        _sign(
            played.best, rng, "best_constant", "J of the best constant", 1.0, played.notes["best"]
        ),
        _share_of_oracle(played, rng),
        _r2(played.moments, rng),
    ]


def _mean_interval(episodes: Episodes, rng: np.random.Generator) -> tuple[float, float, float]:
    objective = episodes["objective"]
    n = len(objective)
    low, high = bootstrap_of_sums(objective[:, None], lambda sums: sums[:, 0] / n, rng)
    return float(objective.mean()), low, high


def _trading(episodes: Episodes) -> str:
    return (
        f"{episodes['fills'].mean():.0f} fills, {episodes['wealth'].mean():.0f} earned, "
        f"{episodes['inventory_penalty'].mean():.0f} inventory penalty"
    )


def _join(episodes: Episodes, rng: np.random.Generator) -> GateRow:
    value, low, high = _mean_interval(episodes, rng)
    # The scale of "about 0" is the spread that the joiner captures: what is left of it after
    # adverse selection, inventory penalty and liquidation must be little, one way or the other.
    limit = JOIN_BAND * float(np.abs(episodes["pnl_spread"].mean()))
    return GateRow(
        "join",
        "J of always joining the touch",
        value,
        "tick lot",
        low,
        high,
        f"about 0: |J| <= {limit:.0f} ({JOIN_BAND:.0%} of the spread it earns)",
        judge(abs(value) <= limit or low <= 0.0 <= high),
        _trading(episodes),
    )


def _sign(
    episodes: Episodes, rng: np.random.Generator, key: str, title: str, sign: float, note: str
) -> GateRow:
    value, low, high = _mean_interval(episodes, rng)
    beyond = low > 0.0 if sign > 0.0 else high < 0.0
    return GateRow(
        key,
        title,
        value,
        "tick lot",
        low,
        high,
        f"{'>' if sign > 0.0 else '<'} 0, with its interval",
        judge(beyond),
        "; ".join(filter(None, (note, _trading(episodes)))),
    )


def _share_of_oracle(played: Played, rng: np.random.Generator) -> GateRow:
    title, band = "best constant / oracle", f"at most {ORACLE_SHARE:.0%}"
    if played.oracle is None:
        return GateRow(
            "oracle_share",
            title,
            math.nan,
            "",
            band=band,
            verdict=Verdict.NOT_APPLICABLE,
            note="nobody knows a value in this scenario",
        )
    table = np.column_stack((played.best["objective"], played.oracle["objective"]))
    oracle = float(table[:, 1].mean())
    share = float(ratio_of_sums(table.sum(axis=0, keepdims=True))[0])

    def ratio(sums: FloatArray) -> FloatArray:
        return 100.0 * ratio_of_sums(sums)

    return GateRow(
        "oracle_share",
        title,
        100.0 * share,
        "%",
        *bootstrap_of_sums(table, ratio, rng),
        band,
        judge(oracle > 0.0 and share <= ORACLE_SHARE),
        f"oracle's J {oracle:.0f} tick lot ({played.notes['oracle']})",
    )


def _r2(moments: FloatArray, rng: np.random.Generator) -> GateRow:
    half = len(moments) // 2
    errors = squared_errors(moments[half:], moments[:half].sum(axis=0))
    value = 1.0 - float(ratio_of_sums(errors.sum(axis=0, keepdims=True))[0])

    def r2(sums: FloatArray) -> FloatArray:
        return 100.0 * (1.0 - ratio_of_sums(sums))

    return GateRow(
        "r2_10s",
        "R2 of 10 s returns, out of sample",
        100.0 * value,
        "%",
        *bootstrap_of_sums(errors, r2, rng),
        f"at most {R2_BAND:.0%}",
        judge(value <= R2_BAND),
        f"least squares on the observation: {half} episodes to learn, the others to judge",
    )
