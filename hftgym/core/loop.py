"""The event loop: take the earliest event, move the clock, let one thing happen."""

from __future__ import annotations

from hftgym.core.bits import rarely
from hftgym.core.calls import call_decide, own_state
from hftgym.core.constants import (
    MAX_OUT,
    NEVER_NS,
    NONE,
    Channel,
    EventClass,
    Fault,
    Status,
)
from hftgym.core.exchange import process
from hftgym.core.jit import inlined, leaf, shared
from hftgym.core.order_entry import give_message, send
from hftgym.core.phases import run_due
from hftgym.core.queue import (
    channel_of,
    clear,
    event_class,
    participant_of,
    take_first_message,
)
from hftgym.core.responses import read_reports, stamp_responses
from hftgym.core.rng import next_decision
from hftgym.core.tape import on_expiry, play
from hftgym.core.views import (
    capture_deferred,
    delivered_view,
    on_capture,
    release_view,
    schedule_view,
)

_TRIGGERED = int(Channel.TRIGGERED)
_TAPE = int(EventClass.TAPE)
_EXPIRY = int(EventClass.EXPIRY)
_ENTRY = int(EventClass.ORDER_ENTRY)
_CAPTURE = int(EventClass.CAPTURE)
_UNTIL = int(Status.UNTIL)
_EXTERNAL = int(Status.EXTERNAL)
_BUDGET = int(Status.BUDGET)
_LOG_FULL = int(Status.LOG_FULL)
_FAULT = int(Status.FAULT)
_BAD_OUT = int(Fault.BAD_OUT)


@inlined
def decide(m, table, p, v):
    """Let participant ``p`` decide on view ``v``, and send what it says."""
    part = m.part[p]
    out = m.out
    out.count = 0
    out.next_wake_ns = NEVER_NS
    out.wake_on = 0
    next_decision(part.rng)
    part.wakes += 1
    m.wakes_done += 1
    count = call_decide(table, m.views[v], own_state(m, p), part, out)
    if rarely(count < 0 or count > MAX_OUT):
        m.fault = _BAD_OUT
        return
    out.count = count
    release_view(m, p, v)
    part.wake_on = out.wake_on
    m.wake_mask |= out.wake_on
    send(m, table, p, out)
    if part.scheduled_view == NONE:
        # Never a second decision at one instant: without a feed latency it would never end.
        schedule_view(m, table, p, max(out.next_wake_ns, m.now_ns + 1))


@inlined
def _deliver(m, table, p, channel):
    """Deliver a view: its reader learns what is known by now, and decides (a learner: later)."""
    part = m.part[p]
    v = delivered_view(m, p, channel)
    m.views[v].delivered_ns = m.now_ns
    read_reports(m, p, m.now_ns)
    if channel == _TRIGGERED or part.external != 0:  # else the decision schedules the next view
        clear(m, p, channel)
    if part.external != 0:
        part.awaiting_view = v
        m.awaiting += 1
        m.await_ns = m.now_ns
    else:
        decide(m, table, p, v)


@leaf
def _decide_awaited(m, table):
    """Let the learners decide for whom the loop stopped; False while a mailbox is empty."""
    for p in range(m.participants):
        if m.part[p].awaiting_view != NONE and m.part[p].ready == 0:
            return False
    for p in range(m.participants):
        v = m.part[p].awaiting_view
        if v != NONE:
            m.part[p].awaiting_view = NONE
            m.part[p].ready = 0
            decide(m, table, p, v)
    m.awaiting = 0
    m.await_ns = NEVER_NS
    return True


@leaf
def _run(m, table, ops, log, until_ns, budget):
    if m.fault != 0:
        return _FAULT
    if m.awaiting > 0 and not _decide_awaited(m, table):
        return _EXTERNAL
    log_rows = log.capacity
    while m.fault == 0:
        if rarely(m.unstamped != NONE):
            stamp_responses(m, table)
        tape = m.tape
        t_ns = m.event_ns[1]
        key = m.event_key[1]
        from_tape = False
        if rarely(tape.cursor < tape.end):
            tape_ns = ops[tape.cursor].t_ns
            if tape_ns < t_ns or (tape_ns == t_ns and event_class(key) > _TAPE):
                t_ns = tape_ns
                from_tape = True
        is_due = m.due_ns <= t_ns  # ends come before all else of their instant
        if rarely(is_due):
            t_ns = m.due_ns
        if rarely(m.awaiting > 0 and t_ns > m.await_ns):
            return _EXTERNAL
        if rarely(t_ns > until_ns or t_ns == NEVER_NS):
            if until_ns < NEVER_NS:
                m.now_ns = max(m.now_ns, until_ns)
            return _UNTIL
        # One event ends every order at the most, shows every slice of an iceberg, and kills all
        # who can be, each with a trade that ends no order.
        if log_rows > 0 and (
            m.log_used + 3 * m.order_live + 2 * m.slices + 2 * m.kill_watch + 8 > log_rows
        ):
            return _LOG_FULL
        if rarely(budget == 0):
            return _BUDGET
        budget -= 1
        m.now_ns = t_ns
        kind = event_class(key)
        if m.next_deferred_ns < t_ns and (kind <= _ENTRY or is_due or from_tape):
            capture_deferred(m, t_ns)
        if rarely(is_due):
            run_due(m, log)
            continue
        if rarely(from_tape):
            tape.cursor += 1
            play(m, log, ops[tape.cursor - 1])
            continue
        p = participant_of(key)
        if kind == _ENTRY:
            j = take_first_message(m, p, _ENTRY)
            process(m, log, m.messages[j])
            give_message(m, j)
        elif kind == _CAPTURE:
            on_capture(m, table, p, channel_of(key))
        elif kind == _EXPIRY:
            on_expiry(m, log, take_first_message(m, p, _EXPIRY))
        else:
            _deliver(m, table, p, channel_of(key))
    return _FAULT


@shared
def advance(m, table, ops, log, until_ns, budget):
    """Run events up to and including ``until_ns``, at most ``budget`` of them; a Status.

    Stops after the last event of an instant at which learners must decide (their mailboxes are
    filled before the next call), and between events when the log can not take another.
    """
    return _run(m, table, ops, log, until_ns, budget)
