"""Kernels that tests need and environments do not: act alone, observe alone."""

from __future__ import annotations

from hftgym.core.jit import kernel
from hftgym.envs.act import act
from hftgym.envs.observe import observe


@kernel
def act_one(markets, tasks, ios):
    """Fill the mailbox of environment 0 from its action."""
    act(markets[0], tasks[0], ios[0])


@kernel
def observe_one(markets, states, tasks, recents, obs):
    """Write the observation of environment 0 once more."""
    observe(markets[0], states[0], tasks[0], recents[0], obs[0])
