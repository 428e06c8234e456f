"""Environments that the tests share: the bundled market with few snapshots and short episodes."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

import hftgym
from hftgym.envs.market_making import MarketMakingEnv, MarketMakingVectorEnv

ENV_ID = "hftgym/MarketMaking-v0"
FEW: dict[str, Any] = {"snapshots": 3}

assert hftgym.__version__  # importing the package registers the environments


def single(**arguments: Any) -> MarketMakingEnv:
    """Make the environment without wrappers."""
    env = gymnasium.make(ENV_ID, disable_env_checker=True, **(FEW | arguments)).unwrapped
    assert isinstance(env, MarketMakingEnv)
    return env


def vector(num_envs: int, **arguments: Any) -> MarketMakingVectorEnv:
    """Make the native vector form."""
    env = gymnasium.make_vec(
        ENV_ID, num_envs, vectorization_mode="vector_entry_point", **(FEW | arguments)
    ).unwrapped
    assert isinstance(env, MarketMakingVectorEnv)
    return env


def actions(seed: int, steps: int, num_envs: int = 1, hold: int = 3) -> np.ndarray:
    """Return random continuous actions, each held for some steps, shape (steps, num_envs, 2)."""
    rng = np.random.default_rng(seed)
    drawn = rng.uniform(-1.0, 1.0, (steps // hold + 1, num_envs, 2)).astype(np.float32)
    return np.repeat(drawn, hold, axis=0)[:steps]


def conservation(market: Any) -> tuple[int, int]:
    """Return the sums of all money and of all positions."""
    accounts = market["part"][: int(market["participants"])]["account"]
    return (
        int(accounts["cash"].sum()) + int(market["fee_account"]),
        int(accounts["position"].sum()),
    )


def fields(record: Any) -> Any:
    """Return a record as dictionaries of plain arrays: the bytes between fields are anything."""
    if not record.dtype.names:
        return record
    return {name: fields(record[name]) for name in record.dtype.names}
