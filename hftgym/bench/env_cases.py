"""What ``hftgym bench env`` measures: one environment, batches, several learners in a market."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from hftgym.bench.case import Case
from hftgym.scenario import load_scenario

ENV_ID = "hftgym/MarketMaking-v0"
#: The default market sends about 20 messages a second: length of a step by messages in it.
STEP_S = {1: 0.05, 10: 0.5, 100: 5.0}
ENVIRONMENTS = 256
#: Of several learners each: a step of these takes long, so that fewer are enough.
MARKETS = 128
CARTPOLES = 64
#: Makers, and as many executors, that learn in one market.
CROWDS = (1, 5, 10)
_ACTIONS = 64
_QUOTES = "random two-sided quotes, both renewed at every step"
#: An execution that no random policy completes: its learner stays to the end.
_ENDLESS_LOTS = 5_000
_WITHDRAW = 0.97  # beyond it a quote is withdrawn


def all_cases(threads: int) -> list[Case]:
    """Return the cases, the yardstick last."""
    rng = np.random.default_rng(0)
    cartpole = gymnasium.make_vec("CartPole-v1", num_envs=CARTPOLES, vectorization_mode="sync")
    pushes = rng.integers(0, 2, (_ACTIONS, CARTPOLES))
    return [
        *_single(rng),
        *(case for n in sorted({1, threads}) for case in _vector(rng, n)),
        _market(rng),
        *(_batch(rng, crowd, threads) for crowd in CROWDS),
        Case("yardstick", cartpole, pushes, "random pushes", CARTPOLES),
    ]


def _single(rng: np.random.Generator) -> list[Case]:
    quotes = rng.uniform(-1.0, _WITHDRAW, (4_096, 2)).astype(np.float32)
    steady = np.zeros((1, 2), np.float32)
    cases = [
        Case(f"single_{n}", gymnasium.make(ENV_ID, step_s=s), quotes, _QUOTES, threads=1)
        for n, s in STEP_S.items()
    ]
    what = "two quotes at a fixed distance"
    return [*cases, Case("single_steady_1", cases[0].env, steady, what, threads=1)]


def _vector(rng: np.random.Generator, threads: int) -> list[Case]:
    quotes = rng.uniform(-1.0, _WITHDRAW, (_ACTIONS, ENVIRONMENTS, 2)).astype(np.float32)
    name = f"vector_{threads}_thread" + "s" * (threads > 1)
    return [
        Case(
            f"{name}_{n}",
            gymnasium.make_vec(
                ENV_ID,
                num_envs=ENVIRONMENTS,
                vectorization_mode="vector_entry_point",
                step_s=s,
            ),
            quotes,
            _QUOTES,
            ENVIRONMENTS,
            threads,
        )
        for n, s in STEP_S.items()
    ]


def _market(rng: np.random.Generator) -> Case:
    from hftgym.envs import market_v0

    names = ("maker_0", "maker_1", "executor_0")
    agents: dict[str, dict[str, Any]] = {name: {} for name in names}
    agents["executor_0"] = {"target_lots": _ENDLESS_LOTS}
    market = market_v0.parallel_env(agents=agents, step_s=STEP_S[10])
    quotes = rng.uniform(-1.0, _WITHDRAW, (_ACTIONS, len(names), 2)).astype(np.float32)
    quotes[:, 2, 1] = np.minimum(quotes[:, 2, 1], 0.0)  # the executor only quotes
    actions = [dict(zip(names, row, strict=True)) for row in quotes]
    return Case("parallel_3_learners_10", market, actions, _QUOTES, threads=1)


def _batch(rng: np.random.Generator, crowd: int, threads: int) -> Case:
    from hftgym.envs.market_batch import MarketBatch

    scenario = load_scenario("default")
    if crowd > 1:  # more than the small class has room for
        scenario = scenario.model_copy(update={"market_class": "medium"})
    makers: dict[str, dict[str, Any]] = {f"maker_{j}": {} for j in range(crowd)}
    executors = {f"executor_{j}": {"target_lots": _ENDLESS_LOTS} for j in range(crowd)}
    batch = MarketBatch(MARKETS, scenario, makers | executors, step_s=STEP_S[100], max_cycles=60)
    actions = []
    for _ in range(_ACTIONS):
        quotes = rng.uniform(-1.0, _WITHDRAW, (2 * crowd, MARKETS, 2)).astype(np.float32)
        quotes[crowd:, :, 1] = np.minimum(quotes[crowd:, :, 1], 0.0)
        actions.append(dict(zip(batch.possible_agents, quotes, strict=True)))
    return Case(
        f"batch_{2 * crowd}_learners_100",
        batch,
        actions,
        "random quotes of makers and of executors",
        MARKETS,
        threads,
    )
