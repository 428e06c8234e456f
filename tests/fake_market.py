"""A small market with the face of the real vector environment, for tests of the training code.

The mid is a random walk; a quote at distance d is filled with probability 0.4 exp(-d / h0) a step.
Everything is a function of (market seed, step), so episodes do not depend on their lane.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from agents.noise import NoiseState, normals, uniforms

ENV_ID = "hftgymtests/FakeMarket-v0"
OBSERVATIONS = 30

EPISODE = np.dtype(
    [
        ("market_seed", "u8"),
        ("steps", "i4"),
        *((name, "f8") for name in ("reward", "objective", "wealth", "inventory_penalty")),
        *((name, "f8") for name in ("liquidation", "pnl_spread", "pnl_inventory", "pnl_fees")),
        *((name, "i8") for name in ("fills", "maker_lots", "taker_lots", "messages", "rejects")),
        *((name, "f8") for name in ("inventory_mean_abs", "inventory_max_abs")),
        ("inventory_end", "i8"),
        *((name, "f8") for name in ("drawdown", "spread_mean", "depth_mean")),
        ("market_volume", "i8"),
        ("quoting_share", "f8"),
    ]
)


@dataclass(frozen=True)
class FakeTask:
    half_spread_tick: float = 2.0
    max_inventory_lot: float = 10.0
    horizon_s: float = 10.0
    step_s: float = 0.5
    sigma_tick_per_sqrt_s: float = 1.0
    phi: float = 0.01
    taker_fee_tick: float = 0.3
    maker_fee_tick: float = 0.0
    role: str = "maker"
    target_lots: int = 0
    signal_correlation: float = 0.0
    offset_sd_tick: float = 0.0
    obs_index: dict[str, int] = field(default_factory=lambda: {"inventory": 0, "time_left": 1})


class FakeMarket(VectorEnv):
    def __init__(
        self,
        num_envs: int = 1,
        *,
        horizon_s: float = 10.0,
        step_s: float = 0.5,
        horizon: str = "finite",
        split: str = "train",
        observe_value: bool = False,
        initial_inventory: str = "zero",
        autoreset_mode: str = "SameStep",
        data: str | None = None,
        **ignored: Any,
    ) -> None:
        assert autoreset_mode == "SameStep"
        self.metadata = {"autoreset_mode": AutoresetMode.SAME_STEP, "render_modes": []}
        self.num_envs = num_envs
        self.single_observation_space = gymnasium.spaces.Box(-5, 5, (OBSERVATIONS,), np.float32)
        self.single_action_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
        self.task_info = FakeTask(horizon_s=horizon_s, step_s=step_s)
        self.finite = horizon == "finite"
        self.observe_value = observe_value
        self.uniform_start = initial_inventory == "uniform"
        self.steps_per_episode = round(horizon_s / step_s)
        self.last_episodes = np.zeros(num_envs, EPISODE)
        self.render_mode = None
        self.marker = "fake"
        if data is not None:
            self.distinct_market_seeds = np.arange(5, dtype=np.uint64)  # all the windows of a tape

    def reset(self, *, seed=None, options=None):
        mask = (options or {}).get("reset_mask")
        if mask is not None:
            self._seeds[mask] += np.uint64(1 << 20)
            self._begin(mask)
            return self._observe(), self._infos()
        if isinstance(seed, int) or seed is None:
            base = np.arange(self.num_envs) + (seed or 0)
        else:
            base = np.array(seed)
        self._seeds = np.array((options or {}).get("market_seeds", base), np.uint64)
        self._live = np.zeros(self.num_envs, EPISODE)
        self._step = np.zeros(self.num_envs, np.int64)
        self._q = np.zeros(self.num_envs)
        self._offset = np.zeros(self.num_envs)
        self._peak = np.zeros(self.num_envs)
        self._begin(np.ones(self.num_envs, bool))
        return self._observe(), self._infos()

    def _begin(self, who):
        self._live[who] = np.zeros(int(who.sum()), EPISODE)
        self._live["market_seed"][who] = self._seeds[who]
        self._step[who] = 0
        self._peak[who] = 0.0
        self._q[who] = 0.0
        if self.uniform_start:
            draw = uniforms(NoiseState(self._seeds, np.full_like(self._seeds, 10**6)), 1)[:, 0]
            self._q[who] = np.floor(draw * 11)[who] - 5

    def _infos(self):
        return {"truth": {"value_offset": self._offset.copy()}} if self.observe_value else {}

    def _observe(self):
        obs = np.zeros((self.num_envs, OBSERVATIONS), np.float32)
        obs[:, 0] = self._q / self.task_info.max_inventory_lot
        obs[:, 1] = (1 - self._step / self.steps_per_episode) if self.finite else 0.0
        return obs

    def step(self, actions):
        assert np.isfinite(actions).all() and (np.abs(actions) <= 1).all()
        task, live = self.task_info, self._live
        noise = NoiseState(self._seeds, self._step.astype(np.uint64))
        u = uniforms(noise, 2)
        distance = task.half_spread_tick * 4.0 ** actions.astype(np.float64)
        quoted = actions < 0.98
        filled = quoted & (u < 0.4 * np.exp(-distance / task.half_spread_tick))
        filled[:, 0] &= self._q < task.max_inventory_lot
        filled[:, 1] &= self._q > -task.max_inventory_lot
        move = normals(noise, 1)[:, 0] * task.sigma_tick_per_sqrt_s * np.sqrt(task.step_s)
        self._q += filled[:, 0].astype(float) - filled[:, 1]
        spread = (distance * filled).sum(axis=1)
        inventory = self._q * move
        self._step += 1
        done = self._step >= self.steps_per_episode
        liquidation = np.where(done & self.finite, -np.abs(self._q) * task.half_spread_tick, 0.0)
        penalty = task.phi * self._q**2 * task.step_s
        objective = spread + inventory + liquidation - penalty
        reward = objective / task.half_spread_tick
        live["pnl_spread"] += spread
        live["pnl_inventory"] += inventory
        live["pnl_fees"] += liquidation
        live["objective"] += objective
        live["reward"] += reward
        live["fills"] += filled.sum(axis=1)
        live["maker_lots"] += filled.sum(axis=1)
        live["inventory_mean_abs"] += np.abs(self._q) / self.steps_per_episode
        live["inventory_max_abs"] = np.maximum(live["inventory_max_abs"], np.abs(self._q))
        live["quoting_share"] += quoted.any(axis=1) / self.steps_per_episode
        live["spread_mean"], live["depth_mean"] = 3.0, 7.0
        live["market_volume"] += 4
        self._peak = np.maximum(self._peak, live["objective"])
        live["drawdown"] = np.maximum(live["drawdown"], self._peak - live["objective"])
        live["steps"] = self._step
        infos = self._infos()
        if done.any():
            self.last_episodes[done] = live[done]
            final = np.full(self.num_envs, None, object)
            observed = self._observe()
            for i in np.flatnonzero(done):
                final[i] = observed[i]
            episode = {"r": live["reward"].copy(), "l": live["steps"].copy()}
            infos |= {"final_obs": final, "_final_obs": done.copy()}
            infos |= {"final_info": {"episode": episode}, "_final_info": done.copy()}
            self._seeds[done] = self._seeds[done] * np.uint64(6364136223846793005) + np.uint64(1)
            self._begin(done)
        none = np.zeros(self.num_envs, bool)
        ended, cut = (done, none) if self.finite else (none, done)
        return self._observe(), reward, ended.copy(), cut.copy(), infos

    def count(self, factor):
        return self.num_envs * factor


def register() -> None:
    if ENV_ID not in gymnasium.registry:
        gymnasium.register(ENV_ID, vector_entry_point=FakeMarket)
