"""How far a live book with agents has drifted from the history that its tape plays.

Counted over an episode: lots of history's executions that found nothing, that outlived their
execution because an agent took it, and that were no longer there to cancel or execute; the gap
between the live touch and history's, weighted by time.
"""

from __future__ import annotations

from hftgym.core.jit import leaf


@leaf
def begin_fidelity(m):
    """Begin to count anew."""
    tape = m.tape
    tape.volume = 0
    tape.hidden_volume = 0
    tape.missed = 0
    tape.surviving = 0
    tape.clamped = 0
    tape.time_ns = 0
    tape.gap_since_ns = m.now_ns
    for gap in range(len(tape.gap_ns)):
        tape.gap_ns[gap] = 0


@leaf
def write_fidelity(m, episode):
    """Write the figures of an episode that is over; zeros without a tape."""
    tape = m.tape
    episode.tape_volume = tape.volume
    episode.tape_missed = tape.missed
    episode.tape_surviving = tape.surviving
    episode.tape_clamped = tape.clamped
    episode.tape_gap_mean = 0.0
    episode.tape_gap95 = 0
    episode.tape_agree = 0.0
    if tape.owner < 0 or tape.h_known == 0:
        return
    span = m.now_ns - tape.gap_since_ns
    tape.time_ns += span
    tape.gap_ns[tape.gap_now] += span
    tape.gap_since_ns = m.now_ns
    if tape.time_ns <= 0:
        return
    total = 0.0
    seen = 0
    for gap in range(len(tape.gap_ns)):
        total += float(gap * tape.gap_ns[gap])
        if seen < 0.95 * tape.time_ns:
            episode.tape_gap95 = gap
        seen += tape.gap_ns[gap]
    episode.tape_gap_mean = total / tape.time_ns
    episode.tape_agree = tape.gap_ns[0] / tape.time_ns
