"""Playing simple policies on the market-making environment, for the gates.

The policies are as plain as they can be (a constant action, quotes around the value): they ask
something of the market, and are not the baselines that learners are compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.core.rng import text_hash
from hftgym.envs.layout import OBS_INDEX
from hftgym.envs.market_making import MarketMakingVectorEnv
from hftgym.envs.seeds import SPLIT_SHIFT, split_tag
from hftgym.envs.setting import DISTANCE_BASE, WITHDRAW
from hftgym.scenario import Scenario

#: Environments at a time.
LANES = 256
#: Distance of action 0, whatever the scenario says: 0.5 to 7.5 ticks can be asked for.
HALF_SPREAD_TICK = 2.0

FloatArray = npt.NDArray[np.float64]
UInt64Array = npt.NDArray[np.uint64]
#: Actions of a batch from what it observes and, for an oracle, value minus mid in ticks.
Act = Callable[[npt.NDArray[np.float32], FloatArray], npt.NDArray[Any]]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Task:
    """What is played: a scenario over whole seconds.

    Attributes:
        scenario: the market.
        seconds: length of an episode.
        seed: root of the market seeds.
    """

    scenario: Scenario
    seconds: int
    seed: int

    def make(self, split: str, lanes: int, **arguments: Any) -> MarketMakingVectorEnv:
        """Return a vector environment that waits at the end of an episode."""
        return MarketMakingVectorEnv(
            lanes,
            self.scenario,
            split=split,
            horizon_s=float(self.seconds),
            half_spread_tick=HALF_SPREAD_TICK,
            autoreset_mode="Disabled",
            **arguments,
        )

    def market_seeds(self, split: str, episodes: int) -> UInt64Array:
        """Return market seeds of a split, shape (episodes,); more begin with the same ones."""
        words = np.random.SeedSequence([self.seed, text_hash(f"gates {split}")])
        low = words.generate_state(episodes, np.uint64) >> np.uint64(2)
        return low | np.uint64(split_tag(split) << SPLIT_SHIFT)


def constant(bid: float, ask: float, kind: Any = np.float32) -> Act:
    """Return the policy that always sends the same action."""

    def act(obs: npt.NDArray[np.float32], offset_tick: FloatArray) -> npt.NDArray[Any]:
        return np.full((len(obs), 2), (bid, ask), kind)

    return act


def actions_at(distance_tick: npt.ArrayLike, half_spread_tick: float) -> npt.NDArray[np.float32]:
    """Return the actions that quote at these distances from the observed mid.

    Args:
        distance_tick: wanted distances, any shape; what is closer than the action allows is moved
            out to the closest, what is further is withdrawn.
        half_spread_tick: distance of action 0.
    """
    distance = np.maximum(np.asarray(distance_tick, np.float64), half_spread_tick / DISTANCE_BASE)
    action = np.log(distance / half_spread_tick) / np.log(DISTANCE_BASE)
    # Half a thousandth of a tick inward: a distance on the grid must not be rounded beyond it.
    return np.where(action >= WITHDRAW, 1.0, np.maximum(action - 1e-5, -1.0)).astype(np.float32)


def around_value(half_tick: float, skew_tick_per_lot: float, task: Any) -> Act:
    """Return the policy that quotes around the latent value, leaning against its inventory."""

    def act(obs: npt.NDArray[np.float32], offset_tick: FloatArray) -> npt.NDArray[Any]:
        lots = obs[:, OBS_INDEX["inventory"]] * np.float64(task.max_inventory_lot)
        centre = offset_tick - skew_tick_per_lot * lots
        distance = np.column_stack((half_tick - centre, half_tick + centre))
        return actions_at(distance, task.half_spread_tick)

    return act


def play(
    venv: MarketMakingVectorEnv,
    jobs: Sequence[tuple[Act, UInt64Array]],
    progress: Progress | None = None,
) -> list[npt.NDArray[Any]]:
    """Play each policy on its markets; jobs share the lanes.

    Args:
        venv: what `Task.make` returned.
        jobs: policies and the seeds of their markets.
        progress: called with the number of episodes that have just ended.

    Returns:
        For each job its episodes, dtype EPISODE, in the order of its seeds.
    """
    owners = np.concatenate([np.full(len(seeds), j) for j, (_, seeds) in enumerate(jobs)])
    seeds = np.concatenate([seeds for _, seeds in jobs])
    episodes = np.zeros(len(seeds), venv.last_episodes.dtype)
    offset = np.zeros(venv.num_envs)
    for begin in range(0, len(seeds), venv.num_envs):
        used = min(venv.num_envs, len(seeds) - begin)
        # Idle lanes repeat the first market; their episodes are not kept.
        lane_seeds = np.full(venv.num_envs, seeds[begin], np.uint64)
        lane_seeds[:used] = seeds[begin : begin + used]
        lane_owner = np.full(venv.num_envs, owners[begin])
        lane_owner[:used] = owners[begin : begin + used]
        spans = [(jobs[j][0], np.flatnonzero(lane_owner == j)) for j in np.unique(lane_owner)]
        actions = np.zeros((venv.num_envs, 2), venv.single_action_space.dtype)
        obs, infos = venv.reset(options={"market_seeds": lane_seeds})
        for _ in range(venv.setting.steps):
            if "truth" in infos:
                offset = infos["truth"]["value_offset"]
            for act, lanes in spans:
                actions[lanes] = act(obs[lanes], offset[lanes])
            obs, _, _, _, infos = venv.step(actions)
        episodes[begin : begin + used] = venv.last_episodes[:used]
        if progress is not None:
            progress(used)
    ends = np.cumsum([len(s) for _, s in jobs])
    return np.split(episodes, ends[:-1])
