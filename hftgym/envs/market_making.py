"""``hftgym/MarketMaking-v0``: quote both sides of a live order book, one market at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.utils import EzPickle

from hftgym.core.records import LOG
from hftgym.envs.errors import action_array, illegal_action, raise_fault
from hftgym.envs.kernels import reset_marked, step_one
from hftgym.envs.rendering import (
    RENDER_MODES,
    Canvas,
    check_render_mode,
    make_canvas,
    real_time_fps,
)
from hftgym.envs.seeds import as_market_seeds, draw_market_seed, next_market_seed
from hftgym.envs.setting import Arguments, Setting
from hftgym.envs.spaces import action_space, observation_space
from hftgym.envs.task import (
    EPISODE,
    IO,
    OBS_INDEX,
    OBSERVATION,
    STATE,
    ObsField,
    Outcome,
    TaskInfo,
)
from hftgym.errors import UsageError
from hftgym.latency import Latency
from hftgym.scenario import Scenario

__all__ = ["EPISODE", "OBSERVATION", "OBS_INDEX", "MarketMakingEnv", "ObsField", "TaskInfo"]

_TERMINATED = int(Outcome.TERMINATED)
_TRUNCATED = int(Outcome.TRUNCATED)

Observation = npt.NDArray[np.float32]


class MarketMakingEnv(gymnasium.Env[Observation, Any], EzPickle):
    """Make a market: keep a bid and an ask in a live order book against other traders.

    ## Description
    The environment is one participant of a simulated (or replayed) exchange with price-time
    priority. Its feed, its orders and the exchange's answers each take 5 ms. Orders persist from
    step to step and keep their place in the queue while their price is unchanged. What is observed
    is what the learner knows: the last delivered view of the book and what private responses have
    told. The reward is the exchange's truth.

    ## Action Space
    ``action="continuous"``: ``Box(-1, 1, (2,), float32)``, for bid and ask. The price lies
    ``half_spread_tick * 4 ** a`` ticks from the observed mid, rounded outward; at 0.98 and above
    the side is withdrawn. ``action="discrete"``: ``MultiDiscrete([6, 6])`` of withdraw, keep, join
    the touch, improve it by 1 tick, behind it by 1 tick, by 2 ticks; ``info["action_mask"]`` and
    ``action_masks()`` say which make sense. Orders are post-only (one that would cross rests a tick
    behind the other side), of ``lots`` lots. A side whose fill would take the known inventory
    beyond 10 lots is withdrawn.

    ## Observation Space
    ``Box(float32, (29,))``; scales are fixed, values are clipped at 5. h0 is ``half_spread_tick``,
    sigma the volatility in ``task_info``. The table stands in ``OBSERVATION``, by name in
    ``OBS_INDEX``.

    | index | name | unit | range |
    |---|---|---|---|
    | 0 | inventory | known inventory / 10 | -1, 1 |
    | 1 | time_left | share of the horizon; 0 under continuing | 0, 1 |
    | 2 | spread | 2 h0; 5 when a side is empty | 0, 5 |
    | 3 | microprice_offset | h0 | -5, 5 |
    | 4-6 | imbalance_1 to _3 | (bid - ask) / (bid + ask), best 1 to 3 levels | -1, 1 |
    | 7, 8 | ofi_1s, ofi_10s | order flow imbalance, fixed scale of lots | -5, 5 |
    | 9, 10 | signed_volume_1s, signed_volume_10s | bought - sold, fixed scale of lots | -5, 5 |
    | 11-13 | return_0.5s, return_2s, return_10s | 2 sigma sqrt(time) | -5, 5 |
    | 14 | volatility_ratio | realised over 10 s / sigma | 0, 5 |
    | 15 | bid_distance | h0 from the observed mid; 5 without an order | -5, 5 |
    | 16 | bid_live | 1: acknowledged by the exchange | 0, 1 |
    | 17 | bid_pending | 1: a message is in flight | 0, 1 |
    | 18 | bid_queue_share | lots ahead / lots of the level; 1 when not resting | 0, 1 |
    | 19 | bid_age | a / (a + 5 s) since the last new or amend | 0, 1 |
    | 20 | bid_since_fill | a / (a + 30 s) since the last known fill | 0, 1 |
    | 21-26 | ask_distance to ask_since_fill | the same of the ask | -5, 5; 0, 1 |
    | 27, 28 | bid_at_limit, ask_at_limit | 1: withdrawn by the inventory limit | 0, 1 |

    ## Rewards
    ``(dW - 0.01 q^2 dt - L) / h0``. W is cash plus inventory at the mid, in ticks, q the inventory
    at the start of the step, L the liquidation at the end of a finite horizon:
    |q| (half of the spread + taker fee). ``info["reward_terms"]`` has ``pnl``,
    ``inventory_penalty`` and ``liquidation`` in ticks; their sum over h0 is the reward. The sum of
    all rewards times h0 is the episode's ``objective``.

    ## Starting State
    A burnt-in market of the split, chosen by the market seed, with fresh random streams. Inventory
    is 0, or uniform in -5 .. 5 with ``initial_inventory="uniform"``: it is taken over at the mid
    from another participant's account, so accounts still add up to zero.

    ## Episode End
    ``horizon="finite"``: terminated after ``horizon_s``; the deadline is part of the task.
    ``horizon="continuing"``: truncated then, without liquidation and without time in the
    observation, so a learner bootstraps.

    ## Arguments
    See below. ``reset(seed=s)`` draws the market seed from the split's own domain;
    ``reset(options={"market_seed": n})`` sets it exactly. Later resets without a seed walk through
    markets that are a function of the first.

    ## References
    Avellaneda and Stoikov 2008; Gueant, Lehalle and Fernandez-Tapia 2013; Cont, Kukanov and
    Stoikov 2014.

    ## Version History
    * v0: first version.

    Args:
        scenario: name, path or model of the market.
        split: ``train``, ``tune``, ``validation`` or ``test``: which markets.
        horizon_s: length of an episode, seconds; a multiple of ``step_s``.
        step_s: time between decisions, seconds, at least 0.02.
        horizon: ``finite`` or ``continuing``.
        action: ``continuous`` or ``discrete``.
        data: LOBSTER message file, for a scenario that plays a tape.
        initial_inventory: ``zero`` or ``uniform``.
        observe_value: put the latent value into ``info["truth"]`` (for a ceiling, never for a fair
            comparison).
        half_spread_tick: distance at action 0 and unit of the reward, ticks; the scenario's when
            not given (a tape without one: its median half-spread while training).
        lots: size of each quote.
        snapshots: burnt-in markets; 64 for training and 32 otherwise when not given.
        latency: of the learner: ``feed_ns``, ``order_ns`` and ``response_ns``, each a number of
            nanoseconds, a lognormal distribution or a recording (``hftgym.latency``); 5 ms each
            when not given.
        render_mode: ``ansi``, ``rgb_array``, ``human`` or None (``hftgym.envs.rendering``).

    Raises:
        HftgymError: if an argument is not valid.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as Gymnasium declares it
        "render_modes": list(RENDER_MODES),
        "render_fps": 2,  # of the usual step; each environment has its own: real time
    }

    def __init__(
        self,
        scenario: Scenario | str | Path = "default",
        split: str = "train",
        horizon_s: float = 300.0,
        step_s: float = 0.5,
        horizon: str = "finite",
        action: str = "continuous",
        data: str | Path | None = None,
        initial_inventory: str = "zero",
        observe_value: bool = False,
        half_spread_tick: float | None = None,
        lots: int = 1,
        snapshots: int | None = None,
        latency: Latency | Mapping[str, Any] | None = None,
        render_mode: str | None = None,
    ) -> None:
        arguments = Arguments(
            scenario,
            split,
            horizon_s,
            step_s,
            horizon,
            action,
            data,
            initial_inventory,
            observe_value,
            half_spread_tick,
            lots,
            snapshots,
            latency,
        )
        EzPickle.__init__(self, **vars(arguments), render_mode=render_mode)
        check_render_mode(render_mode)
        self.render_mode = render_mode
        self.setting = Setting(arguments)
        self.metadata = self.metadata | {"render_fps": real_time_fps(self.setting.step_ns / 1e9)}
        self._canvas: Canvas | None = None
        self.observation_space: spaces.Space[Any] = observation_space()
        self.action_space = action_space(self.setting.discrete)
        self._discrete = self.setting.discrete
        self._observe_value = observe_value
        self._markets = np.zeros(1, self.setting.blueprint.record.dtype)
        self._states = np.zeros(1, STATE)
        self._io = np.zeros(1, IO)
        self._log = np.zeros(1, LOG)
        self._first_seed: int | None = None
        self._running = False
        self._action = self._io["action"][0]
        self._obs = self._io["obs"][0]
        # reward, pnl, inventory penalty, liquidation and value offset lie side by side
        first = IO.fields["reward"][1]  # type: ignore[index]
        self._scalars = self._io.view(np.uint8)[first : first + 40].view(np.float64)

    @property
    def task_info(self) -> TaskInfo:
        """Public constants of the task."""
        return self.setting.task_info

    @property
    def half_spread_tick(self) -> float:
        """Distance at action 0, and unit of the reward, in ticks."""
        return self.setting.half_spread_tick

    @property
    def market_seed(self) -> int:
        """Market seed of the current episode."""
        return int(self._states[0]["market_seed"])

    @property
    def market(self) -> Any:
        """The market, a live record: the truth, for studies and tests."""
        return self._markets[0]

    @property
    def last_episode(self) -> np.ndarray:
        """Figures of the last episode that ended, dtype ``EPISODE``, shape ()."""
        return self._io["episode"][0].copy()  # type: ignore[no-any-return]

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: draws the first market of the environment from the split's domain.
            options: ``{"market_seed": int}`` sets it exactly.

        Returns:
            Observation, shape (29,), and info.
        """
        super().reset(seed=seed)
        setting = self.setting
        unknown = set(options or {}) - {"market_seed"}
        if unknown:
            raise UsageError(
                "HG-U065", f"reset option {sorted(unknown)[0]!r} is unknown; there is 'market_seed'"
            )
        state = self._states[0]
        exact = (options or {}).get("market_seed")
        if exact is not None:
            self._first_seed = int(as_market_seeds(exact, (), "market_seed"))
            state["episode"] = 0
        elif seed is not None or self._first_seed is None:
            self._first_seed = draw_market_seed(self.np_random, setting.split)
            state["episode"] = 0
        else:
            state["episode"] += 1
        first = np.uint64(self._first_seed)
        episode = int(state["episode"])
        state["first_seed"] = first
        state["market_seed"] = next_market_seed(first, episode, setting.split) if episode else first
        found = setting.snapshots
        self._io[0]["reset"] = 1
        reset_marked(
            self._markets, self._states, setting.task, found.markets, found.states, self._io
        )
        self._arguments = (
            self._markets,
            self._states,
            setting.task,
            setting.blueprint.table,
            setting.blueprint.ops,
            self._log,
            self._io,
        )
        self._running = True
        if self.render_mode is not None:
            if self._canvas is None:
                self._canvas = make_canvas(self.render_mode, self.metadata["render_fps"])
            self._canvas.begin(self._markets[0], state, setting.task[0], self._io[0])
        return self._obs.copy(), {"market_seed": self.market_seed, **self._seen()}

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Quote, and let the market run until the next decision.

        Args:
            action: for bid and ask, shape (2,).

        Returns:
            Observation, reward, terminated, truncated and info.

        Raises:
            UsageError: if the action is not legal; nothing has changed then.
            ResetNeeded: if there is no episode to step.
            InternalError: if the market stops with a fault.
        """
        if not self._running:
            raise gymnasium.error.ResetNeeded(
                "no episode is running: call reset() before the first step and after the last"
            )
        self._action[:] = action_array(action, (2,), self._discrete)
        outcome = step_one(*self._arguments)
        if outcome:
            self._end(outcome)
        if self._canvas is not None:
            self._canvas.note(self._markets[0], self._states[0], self.setting.task[0], self._io[0])
        reward, pnl, penalty, liquidation, _ = self._scalars.tolist()
        info = {
            "reward_terms": {
                "pnl": pnl,
                "inventory_penalty": penalty,
                "liquidation": liquidation,
            },
            **self._seen(),
        }
        return (
            self._obs.copy(),
            reward,
            outcome == _TERMINATED,
            outcome == _TRUNCATED,
            info,
        )

    def _end(self, outcome: int) -> None:
        """Note the end of an episode, or raise what went wrong."""
        if outcome == Outcome.BAD_ACTION:
            raise illegal_action(self._action.copy(), self._discrete)
        self._running = False
        if outcome == Outcome.FAULT:
            raise_fault(self._markets, self._states, self._io)

    def _seen(self) -> dict[str, Any]:
        """Return what is in every info."""
        seen: dict[str, Any] = {}
        if self._discrete:
            seen["action_mask"] = self._io["mask"][0].copy()
        if self._observe_value:
            seen["truth"] = {"value_offset": float(self._scalars[4])}
        return seen

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return which discrete actions make sense now, bid then ask, shape (12,).

        Raises:
            UsageError: if actions are continuous.
        """
        if not self._discrete:
            raise UsageError("HG-U066", "action masks exist for action='discrete' only")
        return np.array(self._io["mask"][0], np.bool_)

    def render(self) -> Any:
        """Return what the learner sees: text, a picture, or None when it is shown already.

        Returns:
            ``ansi``: the order book as text. ``rgb_array``: the last minutes as a picture, uint8,
            shape (560, 800, 3). ``human`` and without a render mode: None.
        """
        if self.render_mode is None:
            return None
        if self._canvas is None:
            raise gymnasium.error.ResetNeeded("call reset() before render()")
        return self._canvas.draw()

    def close(self) -> None:
        """End what is shown."""
        if self._canvas is not None:
            self._canvas.close()
