"""Forms of action by role: their names, spaces and the choices of each component."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from gymnasium import spaces

from hftgym.envs.task import ActionForm, RewardForm, Role

#: Each move of a quote in the discrete forms, per side.
DISCRETE_ACTIONS = ("withdraw", "keep", "join", "improve 1", "behind 1", "behind 2")
#: What an execution may take at the market in the discrete form.
TAKES = ("nothing", "lots", "2 lots", "the rest")
SIDES = ("sell", "wait", "buy")
#: Components of an order-level action.
VERBS = ("wait", "limit", "market", "amend", "cancel")
PRICES_TICK = (-3, -2, -1, 0, 1, 2, 3, 4, 5, 6)  # behind the own touch; beyond the spread it trades
SIZES = (1, 2, 5)  # times ``lots``


@dataclass(frozen=True)
class Form:
    """A form of action.

    Attributes:
        code: what the compiled step looks at.
        choices: how many each component has; 0 is a number in [-1, 1].
    """

    code: ActionForm
    choices: tuple[int, ...]

    @property
    def discrete(self) -> bool:
        """Whether components are choices."""
        return self.choices[0] > 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one action."""
        return () if self.choices == (len(SIDES),) else (len(self.choices),)

    def joint(self, legs: int) -> Form:
        """Return the form of one action for some legs that have this one each."""
        return Form(self.code, self.choices * legs)

    def space(self) -> spaces.Space:  # type: ignore[type-arg]
        """Return the space of one action."""
        if not self.discrete:
            return spaces.Box(-1.0, 1.0, (len(self.choices),), np.float32)
        if self.shape == ():
            return spaces.Discrete(self.choices[0])
        return spaces.MultiDiscrete(list(self.choices))


_QUOTES = {
    "continuous": Form(ActionForm.DISTANCES, (0, 0)),
    "sized": Form(ActionForm.SIZED, (0, 0, 0, 0)),
    "discrete": Form(ActionForm.LADDER, (len(DISCRETE_ACTIONS),) * 2),
}
_ORDERS = {"orders": Form(ActionForm.ORDERS, (len(VERBS), 4, 2, len(PRICES_TICK), len(SIZES)))}

#: The forms of each role by name; the first one is the default.
ACTION_FORMS: dict[Role, dict[str, Form]] = {
    Role.MAKER: _QUOTES | _ORDERS,
    Role.TRADER: _ORDERS | _QUOTES,
    Role.EXECUTOR: {
        "continuous": Form(ActionForm.EXECUTE, (0, 0)),
        "discrete": Form(ActionForm.EXECUTE_LADDER, (len(DISCRETE_ACTIONS), len(TAKES))),
        **_ORDERS,
    },
    Role.LEG: {
        "continuous": Form(ActionForm.TARGET, (0,)),
        "discrete": Form(ActionForm.SIDE, (len(SIDES),)),
    },
    Role.TAKER: {
        "discrete": Form(ActionForm.SIDE, (len(SIDES),)),
        "continuous": Form(ActionForm.TARGET, (0,)),
    },
}

#: Rewards of each role by name; the first one is the default.
REWARD_FORMS: dict[Role, dict[str, RewardForm]] = {
    role: {form.name.lower(): form for form in forms}
    for role, forms in {
        Role.MAKER: (
            RewardForm.INVENTORY,
            RewardForm.PNL,
            RewardForm.ASYMMETRIC,
            RewardForm.CARA,
            RewardForm.CARTEA_JAIMUNGAL,
        ),
        Role.TRADER: (
            RewardForm.PNL,
            RewardForm.INVENTORY,
            RewardForm.ASYMMETRIC,
            RewardForm.CARA,
            RewardForm.CARTEA_JAIMUNGAL,
        ),
        Role.LEG: (RewardForm.PNL, RewardForm.INVENTORY),
        Role.TAKER: (RewardForm.PNL, RewardForm.INVENTORY, RewardForm.CARA),
        Role.EXECUTOR: (RewardForm.SHORTFALL,),
    }.items()
}

#: The terms that add up to a reward, times its unit.
TERMS: dict[RewardForm, tuple[str, str, str]] = {
    RewardForm.INVENTORY: ("pnl", "inventory_penalty", "liquidation"),
    RewardForm.PNL: ("pnl", "inventory_penalty", "liquidation"),
    RewardForm.ASYMMETRIC: ("pnl", "damping", "liquidation"),
    RewardForm.CARA: ("pnl", "risk_correction", "liquidation"),
    RewardForm.CARTEA_JAIMUNGAL: ("pnl", "inventory_penalty", "liquidation"),
    RewardForm.SHORTFALL: ("shortfall", "inventory_penalty", "sweep"),
}

#: The name of what a control variate adds to them.
CONTROL_TERM = "control_variate"
