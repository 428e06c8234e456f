"""hftgym: a reinforcement learning research environment for high-frequency trading.

Importing the package registers its environments with Gymnasium (``hftgym/MarketMaking-v0``) and
nothing more: compilers, learners and data readers are imported when they are needed.
"""

from hftgym.envs.registration import register_environments

__version__ = "0.1.0"
__all__ = ["__version__"]

register_environments()
