"""The ids under which Gymnasium finds the environments.

Entry points are text: nothing is imported, let alone compiled, until an environment is made.
"""

from __future__ import annotations

import gymnasium


def register_environments() -> None:
    """Register every environment of hftgym; a second call changes nothing."""
    if "hftgym/MarketMaking-v0" not in gymnasium.registry:
        gymnasium.register(
            id="hftgym/MarketMaking-v0",
            entry_point="hftgym.envs.market_making:MarketMakingEnv",
            vector_entry_point="hftgym.envs.vector_env:MarketMakingVectorEnv",
        )
