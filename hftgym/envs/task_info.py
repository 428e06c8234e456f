"""What a policy may know of a task beside its observations."""

from __future__ import annotations

from dataclasses import dataclass, field

from hftgym.envs.layout import OBS_INDEX


@dataclass(frozen=True)
class TaskInfo:
    """Public constants of a task: what a policy may know beside its observations.

    Attributes:
        half_spread_tick: distance at action 0, in ticks.
        max_inventory_lot: largest absolute inventory; the side that would pass it is withdrawn.
        horizon_s: length of an episode, seconds.
        step_s: time between two decisions, seconds.
        sigma_tick_per_sqrt_s: volatility of the price.
        phi: inventory penalty, ticks per lot squared and second.
        taker_fee_tick: fee of the aggressor, ticks per lot.
        maker_fee_tick: fee of the resting side, ticks per lot; negative is a rebate.
        action: form of the action.
        horizon: ``finite`` or ``continuing``.
        obs_index: column of each observation by name.
        role: ``maker``, ``executor``, ``taker`` or ``trader``.
        target_lots: of an execution, to buy; negative: to sell.
        signal_correlation: of a taker's signal with the latent value minus the mid.
        offset_sd_tick: standard deviation of that difference, ticks.
    """

    half_spread_tick: float
    max_inventory_lot: int
    horizon_s: float
    step_s: float
    sigma_tick_per_sqrt_s: float
    phi: float
    taker_fee_tick: float
    maker_fee_tick: float
    action: str = "continuous"
    horizon: str = "finite"
    obs_index: dict[str, int] = field(default_factory=lambda: dict(OBS_INDEX))
    role: str = "maker"
    target_lots: int = 0
    signal_correlation: float = 0.0
    offset_sd_tick: float = 0.0
