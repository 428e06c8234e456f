"""A book of somebody else's gives the same trades and books; skipped where it is not installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hftgym.bench import peers
from hftgym.bench.peers import PEER, peer_version, play_peer, play_peer_from_python
from hftgym.bench.stream import make_stream
from hftgym.core.jit import INTERPRETED
from tests.bench.plays import hftgym_result, twin_result, with_sweep

installed = pytest.mark.skipif(
    peer_version() is None, reason=f"{PEER} is not installed: pip install 'hftgym[peers]'"
)
compiled = pytest.mark.skipif(INTERPRETED, reason="the peer's C interface needs numba")


@installed
@compiled
@pytest.mark.parametrize("seed", [0, 1])
def test_the_exchange_agrees_with_the_peer(seed: int) -> None:
    prefill, messages, trades = make_stream(30_000, seed)
    peer = play_peer(prefill, messages)
    assert len(peer.trades) == trades > 5_000
    assert len(peer.levels) > 50
    assert peer.seconds > 0
    assert peer.agrees(hftgym_result(prefill, messages))


@installed
@compiled
def test_the_exchange_agrees_with_the_peer_on_every_queue() -> None:
    prefill, messages, trades = make_stream(30_000)
    swept = with_sweep(messages)
    peer = play_peer(prefill, swept)
    assert len(peer.trades) > trades + 5_000  # one more for each order of the final book
    assert len(peer.levels) == 0
    assert peer.agrees(hftgym_result(prefill, swept))


@installed
def test_the_slow_twin_agrees_with_the_peer() -> None:
    prefill, messages, _ = make_stream(2_000, 2, live_orders=300)
    for stream in (messages, with_sweep(messages)):
        peer = play_peer_from_python(prefill, stream)
        assert len(peer.trades) > 300
        assert peer.agrees(twin_result(prefill, stream))


@installed
@compiled
def test_a_message_that_the_peer_refuses_is_no_result() -> None:
    prefill, messages, _ = make_stream(100, live_orders=300)
    unknown = messages.copy()
    unknown["id"][messages["kind"] == 3] = 1 << 30
    with pytest.raises(RuntimeError, match=r"orderly-chaos refused \d+ messages"):
        play_peer(prefill, unknown)


def test_without_the_peer_its_absence_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(peers.importlib, "import_module", missing)
    nothing = np.zeros(0)
    with pytest.raises(RuntimeError, match=r"not installed: pip install 'hftgym\[peers\]'"):
        play_peer_from_python(nothing, nothing)
