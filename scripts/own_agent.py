"""A learner of your own, outside of the package: random search over two numbers.

hftgym train configs/own_agent.yaml
"""

import json

import numpy as np

from agents.policy import AgentParams
from hftgym.training.runs import RunFolder


class Lean:
    """Quotes at ``distance`` and leans against the inventory, both in units of the action."""

    name, needs_truth = "lean", False

    def __init__(self, distance: float, lean: float) -> None:
        self.distance, self.lean = distance, lean

    def initial_state(self, market_seeds):
        """Return None: nothing is remembered."""

    def predict(self, obs, state=None, episode_start=None, deterministic=True):
        """Return actions for all environments at once, shape (envs, 2)."""
        lean = self.lean * obs[:, 0]  # long: bid further away, ask closer
        action = np.stack((self.distance + lean, self.distance - lean), axis=1)
        return np.clip(action, -1.0, 1.0).astype(np.float32), state


class RandomSearch:
    """Tries ``steps`` policies; the session keeps the one that is best on validation markets."""

    name, params_type = "random search", AgentParams

    def __init__(self, params: AgentParams) -> None:
        self.params = params

    def train(self, session):
        """Try, and let the session judge and save each try."""
        rng = np.random.default_rng(session.seed)
        for step in range(1, session.steps + 1):
            numbers = [rng.uniform(-0.5, 0.5), rng.uniform(0.0, 3.0)]
            session.checkpoint(Lean(*numbers), step, {"lean.json": json.dumps(numbers).encode()})
            session.progress.advance(1)
            if session.stop.requested:
                break

    def load(self, run, which="best", name="random search"):
        """Return the policy of a checkpoint."""
        checkpoint = RunFolder.open(run).checkpoint(which)
        policy = Lean(*json.loads((checkpoint / "lean.json").read_text()))
        policy.name = name
        return policy
