"""Scalars of a batch of episodes, by TensorBoard tag. Money is in ticks times lots."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hftgym.analytics.statistics import cvar, value_at_risk


def episode_scalars(episodes: npt.NDArray[Any]) -> dict[str, float]:
    """Return means and tails of episodes, by tag.

    ``pnl/total`` is the exact sum of ``pnl/spread_captured``, ``pnl/inventory`` and ``pnl/fees``,
    also as the 32-bit floats of an event file. ``risk/var95`` and ``risk/cvar95`` are losses:
    positive when the tail loses money.

    Args:
        episodes: Episode records, shape (episodes,), not empty.

    Returns:
        Value by tag.
    """
    from hftgym.tensorboard.writer import exact_parts

    parts, total = exact_parts(
        {
            "pnl/spread_captured": float(episodes["pnl_spread"].mean()),
            "pnl/inventory": float(episodes["pnl_inventory"].mean()),
            "pnl/fees": float(episodes["pnl_fees"].mean()),
        }
    )
    pnl = total_pnl(episodes)
    return {
        "market/spread": float(episodes["spread_mean"].mean()),
        "market/depth": float(episodes["depth_mean"].mean()),
        "market/volume": float(episodes["market_volume"].mean()),
        "pnl/total": total,
        **parts,
        "risk/inventory": float(episodes["inventory_mean_abs"].mean()),
        "risk/inventory_max": float(episodes["inventory_max_abs"].max()),
        "risk/drawdown": float(episodes["drawdown"].mean()),
        "risk/var95": -value_at_risk(pnl),
        "risk/cvar95": -cvar(pnl),
        "risk/quoting_share": float(episodes["quoting_share"].mean()),
        "rollout/objective": float(episodes["objective"].mean()),
        "rollout/fills": float(episodes["fills"].mean()),
        "rollout/rejects": float(episodes["rejects"].mean()),
    }


def controlled_objective(episodes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the objective of each episode less the luck of its positions, ticks.

    What positions gained by moves of the latent value has mean zero for every policy, so the mean
    is that of the objective, with less noise (`hftgym.envs.reward`). Without a value that is a
    martingale it is the objective itself.
    """
    objective = np.asarray(episodes["objective"], np.float64)
    return (
        objective + episodes["control"] if "control" in (episodes.dtype.names or ()) else objective
    )


def total_pnl(episodes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the profit of each episode, ticks times lots, shape (episodes,)."""
    return np.asarray(
        episodes["pnl_spread"] + episodes["pnl_inventory"] + episodes["pnl_fees"], np.float64
    )


def tape_fidelity(episodes: npt.NDArray[Any]) -> dict[str, float] | None:
    """Return how far agents moved a live book from its tape; None without a tape.

    Returns:
        ``missed``, ``surviving`` and ``clamped`` lots as shares of history's executed volume, the
        touch gap ``gap_mean_px`` and ``gap95_px`` (mean and largest over episodes), and the share
        ``agree`` of the time at equal touches.
    """
    if "tape_volume" not in (episodes.dtype.names or ()):
        return None
    volume = float(episodes["tape_volume"].sum())
    if volume <= 0.0:
        return None
    shares = {
        name: float(episodes[f"tape_{name}"].sum()) / volume
        for name in ("missed", "surviving", "clamped")
    }
    return shares | {
        "gap_mean_px": float(episodes["tape_gap_mean"].mean()),
        "gap95_px": float(episodes["tape_gap95"].max()),
        "agree": float(episodes["tape_agree"].mean()),
    }


def participation(episodes: npt.NDArray[Any]) -> float:
    """Return the policy's share of the traded volume; NaN when nothing traded."""
    volume = float(episodes["market_volume"].sum())
    own = float((episodes["maker_lots"] + episodes["taker_lots"]).sum())
    return own / volume if volume > 0.0 else float("nan")
