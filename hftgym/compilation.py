"""Compiles ahead what the first start would compile, in processes side by side.

What depends on nothing else compiles at the same time: first all of the core, the market beside a
book alone, then, with the core in the cache, one environment beside many.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from hftgym.core.jit import INTERPRETED, cache_root
from hftgym.errors import InternalError


def _market() -> None:
    from hftgym.simulator import Simulator

    Simulator("default", seed=1).advance(0.1)


def _hashes() -> None:
    from hftgym.simulator import Simulator

    market = Simulator("default", seed=1)
    market.state_hash()
    market.book_hash()


def _markets() -> None:
    import numpy as np

    from hftgym.core.entries import advance_many, send_one
    from hftgym.core.records import LOG, OUT
    from hftgym.simulator import Simulator

    pair = Simulator("default", seed=1, markets=2)
    pair.reseed(1, seed=2)
    table, ops = pair.blueprint.table, pair.blueprint.ops
    advance_many(pair.markets, table, ops, np.zeros(1, LOG), 0, np.zeros(2, np.int64), 1)
    send_one(pair.markets, 0, table, 0, np.zeros(1, OUT))


def _book() -> None:
    from hftgym.order_book import OrderBook

    book = OrderBook()
    book.amend(book.submit("buy", 99, 2), lots=1)
    book.cancel(book.submit("sell", 101, 1))
    book.submit_many({"side": [1], "px": [98], "lots": [1]})


def _session() -> None:
    from hftgym.order_book import OrderBook

    book = OrderBook()
    handle = book.submit("buy", 99, 2)
    book.order(handle)
    book.orders()
    book.snapshot(1)
    book.book_hash()
    book.advance(1)
    book.set_phase("closing_auction")
    book.indication  # noqa: B018


def _environment() -> None:
    import gymnasium
    import numpy as np

    env = gymnasium.make("hftgym/MarketMaking-v0", snapshots=1)
    env.reset(seed=1)
    env.step(np.zeros(2, np.float32))


def _environments() -> None:
    import gymnasium
    import numpy as np

    env: Any = gymnasium.make_vec(
        "hftgym/MarketMaking-v0", 2, vectorization_mode="vector_entry_point", snapshots=1
    )
    env.reset(seed=1)
    env.step(np.zeros((2, 2), np.float32))


Parts = dict[str, Callable[[], None]]
#: By process, then by name, in order.
CORE: tuple[Parts, ...] = (
    {
        "the market: opening, event loop, exchange": _market,
        "hashes of state and book": _hashes,
        "many markets, messages by hand, new seeds": _markets,
    },
    {
        "a book alone (another record)": _book,
        "its phases, its clock, what it shows": _session,
    },
)
ENVIRONMENTS: tuple[Parts, ...] = (
    {"one environment": _environment},
    {"an array of environments": _environments},
)


def compile_ahead(
    say: Callable[[str], None], stages: tuple[tuple[Parts, ...], ...] = (CORE, ENVIRONMENTS)
) -> dict[str, Any]:
    """Compile everything that the cache lacks.

    Args:
        say: gets a line when a part is done.
        stages: parts by process, one stage after the other.

    Returns:
        ``parts``: seconds of the processor, by part; ``wall_s``: of the clock, for each stage;
        ``cache``: where it lies.

    Raises:
        InternalError: a part failed.
    """
    if INTERPRETED:
        say("NUMBA_DISABLE_JIT is set: nothing is compiled")
        return {"parts": {}, "wall_s": [], "cache": None}
    seconds: dict[str, float] = {}
    wall = []
    for stage in stages:
        start = time.monotonic()
        seconds |= _side_by_side(stage, say)
        wall.append(round(time.monotonic() - start, 1))
    return {"parts": seconds, "wall_s": wall, "cache": str(cache_root())}


def _side_by_side(stage: tuple[Parts, ...], say: Callable[[str], None]) -> dict[str, float]:
    """Run each group of parts in a process; seconds of the processor, by part."""
    seconds = {}
    running = []
    try:
        for parts in stage:
            command = [sys.executable, "-m", "hftgym.compilation", *parts]
            running.append(
                subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            )
        for parts, process in zip(stage, running, strict=True):
            out, errors = process.communicate()
            if process.returncode != 0:
                raise InternalError(
                    "HG-I056",
                    f"compiling {' and '.join(parts)} failed with exit code {process.returncode}: "
                    f"{(errors.strip().splitlines() or ['it said nothing'])[-1]}",
                )
            for name, taken in zip(parts, out.split(), strict=True):
                seconds[name] = float(taken)
                say(f"{float(taken):6.1f} s  {name}")
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
                process.communicate()
    return seconds


def _run(names: list[str]) -> None:
    """Run parts and print the seconds that each took."""
    every: Parts = {}
    for parts in (*CORE, *ENVIRONMENTS):
        every |= parts
    for name in names:
        start = time.process_time()
        every[name]()
        print(round(time.process_time() - start, 3), flush=True)


if __name__ == "__main__":
    _run(sys.argv[1:])
