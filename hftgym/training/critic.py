"""How much of what can be known beforehand about returns a critic knows.

Most of a return is noise that no critic can foresee, so its explained variance says little alone.
The ceiling is what the best critic would explain: snapshots of markets branch into several futures
each, and an analysis of variance splits the variance of the returns into a part between states and
a part within them.
"""

from __future__ import annotations

import math
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.errors import UsageError
from hftgym.training.config import TrainConfig
from hftgym.training.progress import PhaseProgress
from hftgym.training.runs import RunFolder
from hftgym.training.seeds import market_seeds
from hftgym.yaml_model import load_yaml_model

FloatArray = npt.NDArray[np.float64]

MOMENTS = (0.1, 0.3, 0.5, 0.7)  # of an episode, at which markets branch
_REST = 0.01  # a return is cut, and the critic asked, where the discount has fallen to this
_RESAMPLES = 2_000


@dataclass(frozen=True)
class CriticQuality:
    """What a critic explains of discounted returns, and what could be explained.

    Intervals (95 %) are of a bootstrap over markets.

    Attributes:
        states: Snapshots of markets that branched.
        branches: Futures of each.
        explained: 1 - Var(G - V) / Var(G), as learners log it, here of returns without bootstrap.
        explained_interval: Its interval.
        ceiling: Share of Var(G) that lies between states: what the true values would explain.
        ceiling_interval: Its interval.
        correlation: Of V with a state's mean return, less the attenuation by the futures' noise.
        bias: Mean of V - G over the standard deviation of G.
    """

    states: int
    branches: int
    explained: float
    explained_interval: tuple[float, float]
    ceiling: float
    ceiling_interval: tuple[float, float]
    correlation: float
    bias: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return some lines for people."""
        (low, high), (bottom, top) = self.explained_interval, self.ceiling_interval
        return (
            f"{self.states} states, {self.branches} futures each\n"
            f"explained variance {self.explained:.3f} ({low:.3f} to {high:.3f})\n"
            f"ceiling            {self.ceiling:.3f} ({bottom:.3f} to {top:.3f}): "
            "what the true values would explain\n"
            f"correlation of V with the true values {self.correlation:.3f}; "
            f"bias {self.bias:+.3f} standard deviations of a return"
        )


def judge_critic(
    run: str | Path,
    *,
    which: str = "best",
    markets: int = 64,
    branches: int = 16,
    quiet: bool = False,
) -> CriticQuality:
    """Judge the critic of a trained policy on validation markets.

    Args:
        run: Run folder.
        which: ``best``, ``latest`` or the name of a checkpoint.
        markets: Validation markets; each branches at `MOMENTS` of an episode.
        branches: Futures of each state.
        quiet: No progress bar.

    Raises:
        UsageError: The run's policy has no critic, or its task is no market.
    """
    folder = RunFolder.open(run)
    config = load_yaml_model(folder.path / "config.yaml", TrainConfig)
    policy: Any = config.learner().load(folder.path, which)
    task: Any = config.task()
    with closing(task.make_training(markets)) as venv:
        if not hasattr(policy, "values") or not hasattr(venv.unwrapped, "task_info"):
            raise UsageError(
                "HG-U227",
                f"{run}: {policy.name} on {config.env_id}; the critic of an actor-critic on a "
                "market can be judged so (hftgym evaluate does it where the values are known)",
            )
        seeds = market_seeds("validation", markets)
        work = len(MOMENTS) * branches
        with PhaseProgress("branch", work, "futures", quiet=quiet) as progress:
            values, returns = branch(venv, policy, seeds, branches, progress.advance)
    return quality(values, returns, np.tile(np.arange(markets), len(MOMENTS)))


def branch(
    venv: Any, policy: Any, seeds: npt.NDArray[np.uint64], branches: int, advance: Any
) -> tuple[FloatArray, FloatArray]:
    """Return what a critic says of states, and the discounted returns of their futures.

    The policy explores as it did when it had learned, so that its returns are what the critic is
    about. Where an episode ends by time, the critic stands for what lies behind.

    Args:
        venv: As for training; a market for each seed.
        policy: Has ``values(obs)``.
        seeds: Of the markets.
        branches: Futures of each state.
        advance: Called with 1 after each future.

    Returns:
        Shapes (moments * markets,) and (moments * markets, branches).
    """
    env = venv.unwrapped
    gamma = float(policy.config["params"]["gamma"])
    steps = round(env.task_info.horizon_s / env.task_info.step_s)
    length = steps if gamma == 1.0 else min(steps, math.ceil(math.log(_REST) / math.log(gamma)))
    rng = np.random.default_rng(0)
    obs, _ = venv.reset(seed=0, options={"market_seeds": seeds})
    state = policy.initial_state(seeds)
    values, returns = [], []
    step = 0
    for moment in MOMENTS:
        while step < int(moment * steps):
            action, state = policy.predict(obs, state, deterministic=False)
            obs, *_ = venv.step(action)
            step += 1
        snapshot = env.snapshot()
        values.append(policy.values(obs))
        found = np.empty((len(seeds), branches))
        for b in range(branches):
            futures = rng.integers(0, 2**63, len(seeds), np.uint64)
            seen = env.restore(snapshot, futures)
            found[:, b] = _returns(venv, policy, seen, futures, length, gamma)
            advance(1)
        returns.append(found)
        obs = env.restore(snapshot)
    return np.concatenate(values), np.concatenate(returns)


def _returns(
    venv: Any,
    policy: Any,
    obs: npt.NDArray[np.float32],
    futures: npt.NDArray[np.uint64],
    length: int,
    gamma: float,
) -> FloatArray:
    """Return discounted returns of one future of every market, shape (markets,)."""
    total, weight = np.zeros(len(obs)), np.ones(len(obs))  # weight 0: the episode is over
    state = policy.initial_state(futures)
    for _ in range(length):
        action, state = policy.predict(obs, state, deterministic=False)
        obs, rewards, terminated, truncated, infos = venv.step(action)
        total += weight * rewards
        weight *= gamma
        cut = truncated & ~terminated & (weight > 0.0)
        if cut.any():
            behind = np.stack(list(infos["final_obs"][cut])).astype(np.float32)
            total[cut] += weight[cut] * policy.values(behind)
        weight[terminated | truncated] = 0.0
    goes_on = weight > 0.0
    if goes_on.any():
        total[goes_on] += weight[goes_on] * policy.values(obs[goes_on])
    return total


def quality(
    values: npt.ArrayLike, returns: npt.ArrayLike, market: npt.ArrayLike | None = None
) -> CriticQuality:
    """Return what values explain of returns, and what could be explained.

    With m_s the mean and w_s the variance of the B returns of state s, the variance between states
    is Var(m_s) - mean(w_s) / B, without the noise of the means (one-way analysis of variance).

    Args:
        values: V of each state, shape (states,).
        returns: G of each future, shape (states, branches), at least two each.
        market: Market that each state belongs to, resampled as one; default: each its own.
    """
    v, g = np.asarray(values, np.float64), np.asarray(returns, np.float64)
    groups = np.arange(len(v)) if market is None else np.asarray(market)
    members = [np.flatnonzero(groups == one) for one in np.unique(groups)]
    rng = np.random.default_rng(0)
    drawn = np.empty((_RESAMPLES, 2))
    for i in range(_RESAMPLES):
        rows = np.concatenate([members[j] for j in rng.integers(0, len(members), len(members))])
        drawn[i] = _explained(v[rows], g[rows]), _ceiling(g[rows])[0]
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    ceiling, between = _ceiling(g)
    means = g.mean(axis=1)
    covariance = float(np.mean((v - v.mean()) * (means - means.mean()))) * len(v) / (len(v) - 1)
    spread = math.sqrt(between * float(v.var(ddof=1)))
    return CriticQuality(
        states=len(v),
        branches=g.shape[1],
        explained=_explained(v, g),
        explained_interval=(float(low[0]), float(high[0])),
        ceiling=ceiling,
        ceiling_interval=(float(low[1]), float(high[1])),
        correlation=float(np.clip(covariance / spread, -1.0, 1.0)) if spread > 0.0 else 0.0,
        bias=float((v[:, None] - g).mean() / g.std()),
    )


def _explained(v: FloatArray, g: FloatArray) -> float:
    return 1.0 - float((g - v[:, None]).var() / g.var())


def _ceiling(g: FloatArray) -> tuple[float, float]:
    """Return the share of the variance that lies between states, and that variance."""
    within = float(g.var(axis=1, ddof=1).mean())
    between = max(0.0, float(g.mean(axis=1).var(ddof=1)) - within / g.shape[1])
    return between / (between + within), between
