"""The ids under which Gymnasium finds the environments.

Entry points are text: nothing is imported, let alone compiled, until an environment is made.
"""

from __future__ import annotations

import gymnasium

#: Environments, and the module under ``hftgym/envs`` that holds each.
_MODULES = {
    "MarketMaking": "market_making",
    "Execution": "execution",
    "Taking": "taking",
    "Trading": "trading",
    "Pairs": "pairs",
    # known answers
    "AlmgrenChriss": "known.almgren_chriss",
    "AvellanedaStoikov": "known.avellaneda_stoikov",
    "CarteaJaimungal": "known.cartea_jaimungal",
}


def register_environments() -> None:
    """Register every environment of hftgym; a second call changes nothing."""
    for name, module in _MODULES.items():
        if f"hftgym/{name}-v0" not in gymnasium.registry:
            gymnasium.register(
                id=f"hftgym/{name}-v0",
                entry_point=f"hftgym.envs.{module}:{name}Env",
                vector_entry_point=f"hftgym.envs.{module}:{name}VectorEnv",
            )
