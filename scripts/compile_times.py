"""What the first start compiles, and how long each part takes on this machine.

    python -m scripts.compile_times

Each part runs in one fresh process with an empty cache, one after the other, so what a part shares
with those before it is not counted again. Seconds are those of the processor.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable


def _parts() -> dict[str, Callable[[], object]]:
    """Return what is started, in order."""
    import numpy as np

    from hftgym.order_book import OrderBook
    from hftgym.simulator import Simulator

    markets: list[Simulator] = []

    def environment() -> None:
        import gymnasium

        env = gymnasium.make("hftgym/MarketMaking-v0", snapshots=1)
        env.reset(seed=1)
        env.step(np.zeros(2, np.float32))

    def many() -> None:
        import gymnasium

        env = gymnasium.make_vec(
            "hftgym/MarketMaking-v0", 2, vectorization_mode="vector_entry_point", snapshots=1
        )
        env.reset(seed=1)
        env.step(np.zeros((2, 2), np.float32))

    return {
        "core: opening a market, and its participants": lambda: markets.append(
            Simulator("default", seed=1)
        ),
        "core: the event loop and the exchange": lambda: markets[0].advance(0.1),
        "core: hashes of state and book": lambda: (
            markets[0].state_hash(),
            markets[0].book_hash(),
        ),
        "a book alone (another record)": lambda: OrderBook().submit("buy", 99, 1),
        "one environment": environment,
        "many environments": many,
    }


def _measure() -> None:
    """Start every part and print what it took."""
    start = time.process_time()
    parts = _parts()
    print(f"{time.process_time() - start:7.1f} s  imports", flush=True)
    for name, run in parts.items():
        start = time.process_time()
        run()
        print(f"{time.process_time() - start:7.1f} s  {name}", flush=True)


def main() -> None:
    """Measure in a process of its own with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"HFTGYM_CACHE_DIR": folder}
        command = [sys.executable, "-m", "scripts.compile_times", "--here"]
        subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    if "--here" in sys.argv:
        _measure()
    else:
        main()
