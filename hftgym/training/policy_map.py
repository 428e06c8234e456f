"""What a maker's policy does: its quotes against inventory and imbalance, a formula beside it.

Observations are taken from markets that the policy plays. In each of them inventory and imbalance
are then set to every point of a grid, all else as it was, and the distances that the policy answers
with are averaged (Friedman 2001, "Greedy function approximation", section 8.2: partial dependence).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.errors import UsageError
from hftgym.names import load_attribute
from hftgym.training.atomic import write_bytes
from hftgym.training.config import TrainConfig
from hftgym.training.policy import DISTANCE_BASE, WITHDRAW, ObsArray, Policy
from hftgym.training.runs import RunFolder
from hftgym.training.seeds import market_seeds
from hftgym.training.task import ENV_ID
from hftgym.yaml_model import load_yaml_model

FloatArray = npt.NDArray[np.float64]

IMBALANCES = (-0.8, -0.4, 0.0, 0.4, 0.8)
FORMULA = "agents.glft:GLFT"


@dataclass(frozen=True)
class PolicyMap:
    """Mean quotes on a grid.

    Attributes:
        name: Of the policy.
        inventories: Lots, shape (inventories,).
        imbalances: (bid - ask) / (bid + ask) lots of the touch, shape (imbalances,).
        distance_tick: Mean distance of bid and ask from the mid where quoted, ticks, shape
            (inventories, imbalances, 2); NaN where never quoted.
        withdrawn: Share of observations in which the side is withdrawn, the same shape.
        formula: Name of the formula beside it.
        formula_tick: Its distances, shape (inventories, 2).
    """

    name: str
    inventories: FloatArray
    imbalances: FloatArray
    distance_tick: FloatArray
    withdrawn: FloatArray
    formula: str
    formula_tick: FloatArray

    def to_dict(self) -> dict[str, Any]:
        """Return plain figures for JSON."""
        kept = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(self).items()}
        told = self.distance_tick.astype(object)
        told[np.isnan(self.distance_tick)] = None
        return kept | {"distance_tick": told.tolist()}

    def text(self) -> str:
        """Return a table for people: a row an inventory, at a balanced touch."""
        middle = int(np.abs(self.imbalances).argmin())
        lines = [
            f"distances from the mid in ticks at a balanced touch, {self.name} beside "
            f"{self.formula}; '-' where the side is never quoted",
            f"{'inventory':>9}  {'bid':>6} {'ask':>6}  {'bid':>6} {'ask':>6}",
        ]
        for q, own, other in zip(
            self.inventories, self.distance_tick[:, middle], self.formula_tick, strict=True
        ):
            cells = ["-" if np.isnan(x) else f"{x:.2f}" for x in (*own, *other)]
            lines.append(f"{q:>+9.0f}  {cells[0]:>6} {cells[1]:>6}  {cells[2]:>6} {cells[3]:>6}")
        return "\n".join(lines)


def map_run(run: str | Path, *, which: str = "best", markets: int = 64) -> PolicyMap:
    """Return the map of a trained market maker.

    Args:
        run: Run folder.
        which: ``best``, ``latest`` or the name of a checkpoint.
        markets: Validation markets from which observations are taken.

    Raises:
        UsageError: The run is of another task, or its actions are no distances.
    """
    folder = RunFolder.open(run)
    config = load_yaml_model(folder.path / "config.yaml", TrainConfig)
    if config.env_id != ENV_ID or config.environment.action != "continuous":
        raise UsageError(
            "HG-U224",
            f"{run}: a map shows distances of quotes; this run learned {config.env_id} with "
            f"{config.environment.action} actions",
        )
    policy = config.learner().load(folder.path, which)
    task: Any = config.task()
    with closing(task.make(markets, "validation")) as venv:
        info = venv.unwrapped.task_info
        seen = observations(policy, venv, markets)
    formula = load_attribute(FORMULA, "formula")
    tuned = folder.tuned(formula.name)
    largest = int(info.max_inventory_lot)
    return map_policy(policy, seen, info, formula(info, tuned), np.arange(-largest, largest + 1))


def observations(policy: Policy, venv: Any, markets: int, *, every: int = 40) -> ObsArray:
    """Return what the policy saw now and then, in one episode of each market."""
    seeds = market_seeds("validation", markets)
    obs, _ = venv.reset(seed=0, options={"market_seeds": seeds})
    state = policy.initial_state(seeds)
    steps = round(venv.unwrapped.task_info.horizon_s / venv.unwrapped.task_info.step_s)
    kept, start = [], np.ones(markets, np.bool_)
    for step in range(steps):
        if step % every == every // 2:
            kept.append(obs.copy())
        action, state = policy.predict(obs, state, start)
        obs, _, terminated, truncated, _ = venv.step(action)
        start = terminated | truncated
    return np.concatenate(kept)


def map_policy(
    policy: Policy,
    seen: ObsArray,
    info: Any,
    formula: Any,
    inventories: npt.ArrayLike,
    imbalances: Sequence[float] = IMBALANCES,
) -> PolicyMap:
    """Return the map of a policy from observations that it has met.

    Args:
        policy: The policy; one with a memory answers as at the start of an episode.
        seen: Observations, shape (n, observations).
        info: Public constants of the task.
        formula: Scripted policy that is shown beside it.
        inventories: Lots.
        imbalances: Of the touch.
    """
    lots = np.asarray(inventories, np.float64)
    shape = (len(lots), len(imbalances), 2)
    distance, withdrawn = np.full(shape, np.nan), np.zeros(shape)
    beside = np.zeros((len(lots), 2))
    for i, q in enumerate(lots):
        for j, imbalance in enumerate(imbalances):
            obs = _with(seen, info, float(q), float(imbalance))
            start = np.ones(len(obs), np.bool_)
            action = policy.predict(obs, None, start)[0].astype(np.float64)
            quoted = action < WITHDRAW
            withdrawn[i, j] = 1.0 - quoted.mean(axis=0)
            tick = info.half_spread_tick * DISTANCE_BASE**action
            for side in range(2):
                if quoted[:, side].any():
                    distance[i, j, side] = tick[quoted[:, side], side].mean()
        answer = formula.predict(_with(seen[:1], info, float(q), 0.0))[0][0].astype(np.float64)
        beside[i] = info.half_spread_tick * DISTANCE_BASE**answer  # as near as an action reaches
    return PolicyMap(
        policy.name, lots, np.asarray(imbalances), distance, withdrawn, formula.name, beside
    )


def draw_map(found: PolicyMap, path: Path) -> None:
    """Draw a map into a PNG file: bid and ask against inventory, a line an imbalance."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 4.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    colours = matplotlib.colormaps["coolwarm"]
    for side, (axes, name) in enumerate(zip(panels, ("bid", "ask"), strict=True)):
        for j, imbalance in enumerate(found.imbalances):
            shade = colours(0.5 - 0.5 * imbalance)
            axes.plot(
                found.inventories,
                found.distance_tick[:, j, side],
                color=shade if imbalance else "#555555",
                label=f"imbalance {imbalance:+.1f}",
            )
        axes.plot(
            found.inventories, found.formula_tick[:, side], "k--", lw=1.0, label=found.formula
        )
        axes.set_title(f"distance of the {name} from the mid", fontsize=10)
        axes.set_xlabel("inventory, lots")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("ticks")
    largest = np.nanmax(found.distance_tick)
    panels[0].set_ylim(0.0, 1.1 * largest)
    panels[1].legend(fontsize=8, frameon=False)
    figure.suptitle(f"{found.name}: quotes against inventory and imbalance", fontsize=11)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
    write_bytes(path, stream.getvalue())


def _with(seen: ObsArray, info: Any, inventory_lot: float, imbalance: float) -> ObsArray:
    """Return observations with another inventory and imbalance, and what follows from them."""
    index, obs = info.obs_index, seen.copy()
    obs[:, index["inventory"]] = inventory_lot / info.max_inventory_lot
    for level in (1, 2, 3):
        obs[:, index[f"imbalance_{level}"]] = imbalance
    # The weighted mid lies half of the spread times the imbalance above the mid.
    obs[:, index["microprice_offset"]] = imbalance * obs[:, index["spread"]]
    obs[:, index["bid_at_limit"]] = float(inventory_lot + 1 > info.max_inventory_lot)
    obs[:, index["ask_at_limit"]] = float(inventory_lot - 1 < -info.max_inventory_lot)
    return obs
