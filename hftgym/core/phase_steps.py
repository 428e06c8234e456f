"""Which trading phase may follow which (rule X-PHA-02)."""

from __future__ import annotations

from hftgym.core.constants import Phase

_ALWAYS = {Phase.HALT, Phase.CLOSED}
_STEPS = {
    Phase.PRE_OPEN: {Phase.OPENING_AUCTION, Phase.CONTINUOUS} | _ALWAYS,
    Phase.OPENING_AUCTION: {Phase.CONTINUOUS} | _ALWAYS,
    Phase.CONTINUOUS: {Phase.VOLATILITY_AUCTION, Phase.CLOSING_AUCTION} | _ALWAYS,
    Phase.VOLATILITY_AUCTION: {Phase.CONTINUOUS, Phase.CLOSING_AUCTION} | _ALWAYS,
    Phase.CLOSING_AUCTION: _ALWAYS,
    Phase.HALT: {
        Phase.OPENING_AUCTION,
        Phase.VOLATILITY_AUCTION,
        Phase.CLOSING_AUCTION,
        Phase.CONTINUOUS,
        Phase.CLOSED,
    },
    Phase.CLOSED: {Phase.PRE_OPEN, Phase.OPENING_AUCTION},
}
#: As bits: bit ``f`` of entry ``p`` says whether phase ``f`` may follow phase ``p``.
STEP_BITS = tuple(sum(1 << f for f in _STEPS[Phase(p)]) for p in range(len(Phase)))


def may_follow(phase: Phase, following: Phase) -> bool:
    """Return whether a phase may come after another."""
    return following in _STEPS[phase]
