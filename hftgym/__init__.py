"""hftgym: a reinforcement learning research environment for high-frequency trading.

Importing the package registers its environments with Gymnasium (``hftgym/MarketMaking-v0``) and
nothing more: compilers, learners and data readers are imported when they are needed, and so are
``hftgym.OrderBook`` and the enumerations that go with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hftgym.envs.registration import register_environments

if TYPE_CHECKING:
    from hftgym.core.constants import Flag, MessageKind, Phase, Reason
    from hftgym.order_book import OrderBook

__version__ = "0.1.0"
__all__ = ["Flag", "MessageKind", "OrderBook", "Phase", "Reason", "__version__"]

_CONSTANTS = "hftgym.core.constants"
_LAZY = {name: _CONSTANTS for name in ("Flag", "MessageKind", "Phase", "Reason")}
_LAZY["OrderBook"] = "hftgym.order_book"


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


register_environments()
