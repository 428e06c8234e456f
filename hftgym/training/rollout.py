"""Plays policies on given markets, many at a time.

An episode is a function of (policy, market seed): it does not depend on the number of lanes, on
the lane it is played in, or on who plays beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.errors import InternalError
from hftgym.training.policy import Policy, UInt64Array

Progress = Callable[[int], None]  # called with the number of episodes that have just ended


@dataclass(frozen=True)
class Job:
    """A policy and the markets that it plays.

    Attributes:
        policy: The policy.
        market_seeds: Seeds of the markets, shape (markets,).
        deterministic: False plays the stochastic policy.
    """

    policy: Policy
    market_seeds: UInt64Array
    deterministic: bool = True


@dataclass(frozen=True)
class Played:
    """Episodes of one job, in the order of its market seeds.

    Attributes:
        episodes: Structured array of the environment's episode record, shape (markets,).
        blocks: Objective gained in each block of time, ticks, shape (markets, blocks); None when no
            block length was asked for.
    """

    episodes: npt.NDArray[Any]
    blocks: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Lanes:
    """A contiguous range of lanes that play for one job."""

    job: int
    first: int  # index of the first market in the job
    begin: int
    end: int


def play(
    venv: Any,
    jobs: Sequence[Job],
    *,
    block_s: float | None = None,
    progress: Progress | None = None,
) -> list[Played]:
    """Play each job's policy on each of its markets.

    Args:
        venv: Vector environment that resets in the same step, or markets that workers play.
        jobs: What to play; the jobs share the lanes.
        block_s: Length of the blocks of time, in seconds, for a block bootstrap.
        progress: Called after steps in which episodes ended.

    Returns:
        The episodes of each job.
    """
    elsewhere = getattr(venv, "play_jobs", None)
    if elsewhere is not None:
        shared: list[Played] = elsewhere(jobs, block_s, progress)
        return shared
    task = venv.unwrapped.task_info
    steps = round(task.horizon_s / task.step_s)
    blocks = 0 if block_s is None else -(-steps // max(1, round(block_s / task.step_s)))
    results = [
        Played(
            episodes=np.zeros(len(job.market_seeds), venv.unwrapped.last_episodes.dtype),
            blocks=np.zeros((len(job.market_seeds), blocks)) if blocks else None,
        )
        for job in jobs
    ]
    for lanes in plan(jobs, venv.num_envs):
        _play_lanes(venv, jobs, lanes, results, steps, progress)
    return results


def plan(jobs: Sequence[Job], num_envs: int) -> list[list[Lanes]]:
    """Return rounds of lane ranges that cover every market of every job once."""
    rounds: list[list[Lanes]] = [[]]
    used = 0
    for index, job in enumerate(jobs):
        first = 0
        while first < len(job.market_seeds):
            if used == num_envs:
                rounds.append([])
                used = 0
            n = min(len(job.market_seeds) - first, num_envs - used)
            rounds[-1].append(Lanes(index, first, used, used + n))
            first += n
            used += n
    return [lanes for lanes in rounds if lanes]


def _play_lanes(
    venv: Any,
    jobs: Sequence[Job],
    lanes: Sequence[Lanes],
    results: Sequence[Played],
    steps: int,
    progress: Progress | None,
) -> None:
    n = venv.num_envs
    used = lanes[-1].end
    seeds = np.empty(n, np.uint64)
    for part in lanes:
        seeds[part.begin : part.end] = jobs[part.job].market_seeds[
            part.first : part.first + part.end - part.begin
        ]
    seeds[used:] = seeds[0]  # idle lanes repeat a market; their episodes are not kept
    obs, infos = venv.reset(seed=0, options={"market_seeds": seeds})
    states = [jobs[p.job].policy.initial_state(seeds[p.begin : p.end]) for p in lanes]
    start = np.ones(n, np.bool_)
    finished = np.zeros(n, np.bool_)
    finished[used:] = True
    actions = np.zeros((n, *venv.single_action_space.shape), venv.single_action_space.dtype)
    half_spread_tick = float(venv.unwrapped.task_info.half_spread_tick)
    for step in range(2 * steps + 1):
        for k, part in enumerate(lanes):
            job, span = jobs[part.job], slice(part.begin, part.end)
            if job.policy.needs_truth:
                job.policy.observe_truth({key: v[span] for key, v in infos["truth"].items()})
            if getattr(job.policy, "needs_mask", False):
                job.policy.observe_mask(infos["action_mask"][span])  # type: ignore[attr-defined]
            actions[span], states[k] = job.policy.predict(
                obs[span], states[k], start[span], job.deterministic
            )
        obs, rewards, terminated, truncated, infos = venv.step(actions)
        for part in lanes:
            table = results[part.job].blocks
            if table is not None:
                block = min(step * table.shape[1] // steps, table.shape[1] - 1)
                span = slice(part.begin, part.end)
                gained = np.where(finished[span], 0.0, rewards[span]) * half_spread_tick
                table[part.first : part.first + part.end - part.begin, block] += gained
        start = terminated | truncated
        ended = start & ~finished
        if ended.any():
            _keep(venv.unwrapped.last_episodes, ended, seeds, lanes, results)
            finished |= ended
            if progress is not None:
                progress(int(ended.sum()))
        if finished.all():
            return
    raise InternalError(
        "HG-I040", f"{int((~finished).sum())} episodes did not end within {2 * steps} steps"
    )


def _keep(
    records: npt.NDArray[Any],
    ended: npt.NDArray[np.bool_],
    seeds: UInt64Array,
    lanes: Sequence[Lanes],
    results: Sequence[Played],
) -> None:
    wrong = ended & (records["market_seed"] != seeds)
    if wrong.any():
        lane = int(np.flatnonzero(wrong)[0])
        raise InternalError(
            "HG-I041",
            f"lane {lane} played market {records['market_seed'][lane]}, not {seeds[lane]}",
        )
    for part in lanes:
        here = np.flatnonzero(ended[part.begin : part.end])
        results[part.job].episodes[part.first + here] = records[part.begin + here]
