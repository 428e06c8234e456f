"""The ids under which Gymnasium finds the environments.

Entry points are text: nothing is imported, let alone compiled, until an environment is made.
"""

from __future__ import annotations

import gymnasium

#: Known-answer tasks: the file under ``hftgym/envs/known`` that holds each.
_KNOWN = {
    "AlmgrenChriss": "almgren_chriss",
    "AvellanedaStoikov": "avellaneda_stoikov",
    "CarteaJaimungal": "cartea_jaimungal",
}


def register_environments() -> None:
    """Register every environment of hftgym; a second call changes nothing."""
    if "hftgym/MarketMaking-v0" not in gymnasium.registry:
        gymnasium.register(
            id="hftgym/MarketMaking-v0",
            entry_point="hftgym.envs.market_making:MarketMakingEnv",
            vector_entry_point="hftgym.envs.vector_env:MarketMakingVectorEnv",
        )
    for name, module in _KNOWN.items():
        if f"hftgym/{name}-v0" not in gymnasium.registry:
            gymnasium.register(
                id=f"hftgym/{name}-v0",
                entry_point=f"hftgym.envs.known.{module}:{name}Env",
                vector_entry_point=f"hftgym.envs.known.{module}:{name}VectorEnv",
            )
