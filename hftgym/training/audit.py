"""Is a market maker's profit real? An audit for exploits of the simulation.

A learner can earn from what is wrong with a market: takers who pay for nothing, nobody beside it,
a latency that hides it. So the policy is played again where that would show: with twice the
informed traders, five times the latency, and among traders that it has never met. Who pays is told
by kind of trader, as what each earns with the policy in the market less what it earns without.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.errors import UsageError
from hftgym.names import load_attribute
from hftgym.scenario import Scenario, load_scenario
from hftgym.training.atomic import write_json
from hftgym.training.config import TrainConfig
from hftgym.training.metrics import controlled_objective, participation
from hftgym.training.policy import Policy, UInt64Array
from hftgym.training.runs import RunFolder
from hftgym.training.seeds import market_seeds
from hftgym.training.task import ENV_ID, MarketTask
from hftgym.yaml_model import load_yaml_model

#: Beyond these a policy does what no maker of a real market could.
MOST_SHARE = 0.30
MOST_MESSAGES_PER_FILL = 50.0
MOST_ALONE = 0.05
_LATENCY_NS = 25_000_000  # five times what a learner has by default
_RIVAL = "agents.glft:GLFT"
_IDLE = "agents.do_nothing:DoNothing"


@dataclass(frozen=True)
class Variant:
    """What a policy does in one form of the market.

    Attributes:
        name: Of the form.
        scenario: Its scenario.
        objective_tick: Mean objective J, ticks times lots an episode.
        error_tick: Its standard error over markets.
        rival_tick: J of GLFT as it was tuned for the run.
        share: Of the traded volume.
        messages_per_fill: Messages sent for each fill.
        alone: Share of steps with an own quote on a side where nobody else quotes.
        paid_by: What each kind of trader earns more for the policy's presence, ticks times lots an
            episode; it adds up to minus the policy's profit and all fees.
        flags: What is out of bounds.
    """

    name: str
    scenario: str
    objective_tick: float
    error_tick: float
    rival_tick: float
    share: float
    messages_per_fill: float
    alone: float
    paid_by: dict[str, float]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class Audit:
    """All variants.

    Attributes:
        policy: Name of the policy.
        markets: Test markets of each variant.
        variants: The market of training first.
    """

    policy: str
    markets: int
    variants: tuple[Variant, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was flagged."""
        return not any(variant.flags for variant in self.variants)

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        return asdict(self) | {"ok": self.ok}

    def __str__(self) -> str:
        """Return a table for people."""
        lines = [
            f"audit of {self.policy}, {self.markets} test markets; ticks times lots an episode",
            f"{'variant':<16} {'J':>8} {'+-':>6} {'GLFT':>8} {'share':>6} {'msg/fill':>8} "
            f"{'alone':>6}",
        ]
        for v in self.variants:
            lines.append(
                f"{v.name:<16} {v.objective_tick:>+8.1f} {v.error_tick:>6.1f} "
                f"{v.rival_tick:>+8.1f} {v.share:>6.1%} {v.messages_per_fill:>8.1f} {v.alone:>6.1%}"
            )
        paid = sorted(self.variants[0].paid_by.items(), key=lambda item: item[1])
        lines.append("who pays: " + ", ".join(f"{kind} {tick:+.1f}" for kind, tick in paid))
        lines += [f"FLAG {v.name}: {flag}" for v in self.variants for flag in v.flags]
        lines.append("nothing is out of bounds" if self.ok else "look at what was flagged")
        return "\n".join(lines)


@dataclass
class _Played:
    episodes: npt.NDArray[Any]
    alone: float
    earned: dict[str, float]  # by kind, ticks times lots an episode


def audit_run(
    run: str | Path, *, unseen: str | None = None, markets: int = 128, which: str = "best"
) -> Audit:
    """Audit the policy of a market maker's run folder, and keep the result in it.

    Args:
        run: Run folder.
        unseen: Scenario of traders that it has not met; another one of the bundled when not given.
        markets: Test markets of each variant.
        which: ``best``, ``latest`` or the name of a checkpoint.

    Raises:
        UsageError: The run is of another task, or on a tape.
    """
    folder = RunFolder.open(run)
    config = load_yaml_model(folder.path / "config.yaml", TrainConfig)
    if config.env_id != ENV_ID or config.on_tape or config.environment.action != "continuous":
        raise UsageError(
            "HG-U225",
            f"{run}: an audit is of continuous market making in simulated markets; this run "
            f"learned {config.env_id} with {config.environment.action} actions on "
            f"{config.scenario}",
        )
    policy = config.learner().load(folder.path, which)
    rival = load_attribute(_RIVAL, "baseline")
    tuned = folder.tuned(rival.name)
    home = load_scenario(config.scenario)
    other = unseen or ("default" if home.name != "default" else "maker_competition")
    latency = dict.fromkeys(("feed_ns", "order_ns", "response_ns"), _LATENCY_NS)
    variants: dict[str, dict[str, Any]] = {
        "as trained": {"scenario": home},
        "informed x 2": {"scenario": twice_informed(home)},
        "latency x 5": {"scenario": home, "latency": latency},
        "unseen traders": {"scenario": load_scenario(other)},
    }
    task = config.task()
    assert isinstance(task, MarketTask)
    seeds = market_seeds("test", markets)
    found = []
    for name, changes in variants.items():
        with closing(task.make(markets, "test", **changes, autoreset_mode="Disabled")) as venv:
            info = venv.unwrapped.task_info
            idle = load_attribute(_IDLE, "baseline")(info)
            mine, theirs, nobody = (
                _play(venv, one, seeds) for one in (policy, rival(info, tuned), idle)
            )
        found.append(_variant(name, changes["scenario"].name, mine, theirs, nobody))
    result = Audit(policy.name, markets, tuple(found))
    write_json(folder.path / "audit.json", result.to_dict())
    return result


def twice_informed(scenario: Scenario) -> Scenario:
    """Return a scenario with twice as many informed takers."""
    specs = tuple(
        one.model_copy(update={"count": 2 * one.count}) if one.kind == "informed_taker" else one
        for one in scenario.participants
    )
    return scenario.model_copy(update={"participants": specs})


def _play(venv: Any, policy: Policy, seeds: UInt64Array) -> _Played:
    """Play one episode in each market, and look at the books and accounts on the way."""
    inner = venv.unwrapped
    obs, _ = venv.reset(seed=0, options={"market_seeds": seeds})
    state = policy.initial_state(seeds)
    start = np.ones(len(seeds), np.bool_)
    before = _equity(inner)
    learner = int(inner.setting.task[0]["learner"])
    steps = alone = 0
    while True:
        action, state = policy.predict(obs, state, start)
        obs, _, terminated, truncated, _ = venv.step(action)
        start = np.zeros(len(seeds), np.bool_)
        account = inner.markets["part"][:, learner]["account"]
        orders = inner.markets["books"][:, 0]["sides"][:, :2]["orders"]  # bids, asks
        own = np.stack([account["open_buy_lots"], account["open_sell_lots"]], axis=1) > 0
        lonely = own & (orders <= 1)
        alone += int(lonely.any(axis=1).sum())
        steps += len(seeds)
        if (terminated | truncated).all():
            break
    gained = (_equity(inner) - before).mean(axis=0)
    earned: dict[str, float] = {}
    for name, tick in zip(inner.setting.blueprint.names, gained.tolist(), strict=True):
        kind = name.partition("#")[0]
        earned[kind] = earned.get(kind, 0.0) + tick
    return _Played(inner.last_episodes.copy(), alone / steps, earned)


def _equity(inner: Any) -> npt.NDArray[np.float64]:
    """Return cash and position at the mid of every trader, ticks, shape (markets, traders)."""
    task = inner.setting.task[0]
    count = len(inner.setting.blueprint.names)
    account = inner.markets["part"][:, :count]["account"]
    mid_2px = inner.markets["books"][:, 0]["mid_2px"][:, None]
    money_2m = 2 * account["cash"] + account["position"] * mid_2px * int(task["unit_value"])
    return np.asarray(money_2m / float(task["money2_per_tick"]))


def _variant(name: str, scenario: str, mine: _Played, theirs: _Played, nobody: _Played) -> Variant:
    objective = controlled_objective(mine.episodes)
    fills = max(int(mine.episodes["fills"].sum()), 1)
    share = participation(mine.episodes)
    per_fill = float(mine.episodes["messages"].sum()) / fills
    mean = float(objective.mean())
    flags = []
    if share > MOST_SHARE:
        flags.append(f"{share:.0%} of the volume is its own (at most {MOST_SHARE:.0%})")
    if per_fill > MOST_MESSAGES_PER_FILL:
        flags.append(f"{per_fill:.0f} messages a fill (at most {MOST_MESSAGES_PER_FILL:.0f})")
    if mine.alone > MOST_ALONE:
        flags.append(f"alone on a side in {mine.alone:.0%} of steps (at most {MOST_ALONE:.0%})")
    if mean < 0.0:
        flags.append(f"loses {-mean:.1f} an episode: not to quote is better here")
    return Variant(
        name=name,
        scenario=scenario,
        objective_tick=mean,
        error_tick=float(objective.std(ddof=1) / np.sqrt(len(objective))),
        rival_tick=float(controlled_objective(theirs.episodes).mean()),
        share=share,
        messages_per_fill=per_fill,
        alone=mine.alone,
        paid_by=_paid(mine.earned, nobody.earned),
        flags=tuple(flags),
    )


def _paid(with_it: Mapping[str, float], without: Mapping[str, float]) -> dict[str, float]:
    """Return what each kind but the learner earns more when it is there."""
    return {kind: tick - without[kind] for kind, tick in with_it.items() if kind != "learner"}
