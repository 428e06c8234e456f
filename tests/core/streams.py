"""The random streams of the self-test, as the tests of the core know them."""

from __future__ import annotations

from hftgym.selftest.streams import STREAMS, Stream, draw

__all__ = ["STREAMS", "Stream", "draw"]
