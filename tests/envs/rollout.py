"""Prints a digest of short rollouts as JSON, for a process with other settings of the compiler."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from hftgym.core.jit import INTERPRETED
from hftgym.scenario import load_scenario
from tests.envs.making import actions, single, vector


def main() -> None:
    """Play both action types and a batch over an autoreset."""
    scenario = load_scenario("default").model_copy(update={"burn_in_s": 4.0})
    digest = hashlib.sha256()
    shared = {"scenario": scenario, "snapshots": 2, "initial_inventory": "uniform"}
    for action in ("continuous", "discrete"):
        env = single(action=action, horizon_s=8.0, observe_value=True, **shared)
        obs, _ = env.reset(seed=3)
        digest.update(obs.tobytes())
        for a in actions(4, 16)[:, 0]:
            chosen = a if action == "continuous" else np.floor((a + 1.0) * 2.999).astype(int)
            obs, reward, _, _, info = env.step(chosen)
            digest.update(obs.tobytes())
            digest.update(np.array([reward, info["truth"]["value_offset"]]).tobytes())
        digest.update(env.last_episode.tobytes())
    venv = vector(2, horizon_s=2.0, **shared)
    venv.reset(seed=3)
    for a in actions(5, 6, 2):
        obs, reward, *_ = venv.step(a)
        digest.update(obs.tobytes() + reward.tobytes())
    print(json.dumps({"interpreted": INTERPRETED, "digest": digest.hexdigest()}))


if __name__ == "__main__":
    main()
