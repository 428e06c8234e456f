"""Compiled entry points of the environments: burn in, reset, step one market, step all of them.

A step is: act (fill the mailbox) -> advance to the next delivery -> account, remember, observe.
Nothing here allocates, and no Python object belongs to a single environment.
"""

from __future__ import annotations

from numba import prange

from hftgym.core.constants import NEVER_NS, Status
from hftgym.core.entries import open_market, seed_streams
from hftgym.core.jit import kernel, leaf, parallel_kernel
from hftgym.core.loop import advance
from hftgym.core.value import value_at
from hftgym.envs.account import begin_episode, settle_step, take_over_inventory, write_episode
from hftgym.envs.act import act, is_legal
from hftgym.envs.mailbox import empty_mailbox
from hftgym.envs.observe import (
    copy_history,
    forget_all,
    observe,
    remember,
    value_offset,
    write_mask,
)
from hftgym.envs.seeds import next_market_seed, snapshot_of
from hftgym.envs.task import OBSERVATIONS, Mode, Outcome

_EXTERNAL = int(Status.EXTERNAL)
_RUNNING = int(Outcome.RUNNING)
_BAD_ACTION = int(Outcome.BAD_ACTION)
_FAULT = int(Outcome.FAULT)
_RESET = int(Outcome.RESET)
_SAME_STEP = int(Mode.SAME_STEP)


@leaf
def _write_seen(m, s, task, io):
    """Write everything that the learner is handed at a decision."""
    observe(m, s, task, io)
    if task.discrete != 0:
        write_mask(m, task, io)
    if task.observe_value != 0:
        view = m.views[m.part[task.learner].awaiting_view]
        value_px = value_at(m.value, m.value_rng, m.now_ns)
        io.value_offset = value_offset(value_px, view, task.tick_px)


@leaf
def _start(m, s, task, snapshot_state, io):
    """Begin an episode in a market that has just been copied from a snapshot."""
    seed_streams(m, s.market_seed)
    copy_history(s, snapshot_state, task.ring)
    take_over_inventory(m, s, task)
    begin_episode(m, s, task)
    _write_seen(m, s, task, io)


@leaf
def _step(m, s, task, table, ops, log, io):
    """Let one environment act and run to its next decision; an Outcome."""
    q_before = m.part[task.learner].account.position
    act(m, task, io)
    if advance(m, table, ops, log, NEVER_NS, -1) != _EXTERNAL:
        io.outcome = _FAULT
        return _FAULT
    outcome = settle_step(m, s, task, io, q_before)
    remember(s, m.views[m.part[task.learner].awaiting_view], task.ring)
    _write_seen(m, s, task, io)
    if outcome != _RUNNING:
        write_episode(m, s, task, io.episode)
    return outcome


@kernel
def warm_one(markets, states, k, tasks, table, seed_ops, cursor, ops, log, seed, steps, trace):
    """Open market ``k`` of configured records and let its learner watch idly for ``steps`` steps.

    Args:
        markets: configured records.
        states: their environments' states; the history is filled.
        k: which market.
        tasks: the task, shape (1,).
        table: strategies.
        seed_ops: tape operations that build the book at the opening; empty without a tape.
        cursor: first operation of ``ops`` to play afterwards.
        ops: the tape.
        log: of capacity 0.
        seed: uint64.
        steps: at least 0.
        trace: mid_2px, ofi and signed volume at each step, shape (steps + 1, 3).

    Returns:
        True, or False when the market stopped before its time.
    """
    m = markets[k]
    s = states[k]
    task = tasks[0]
    open_market(m, seed)
    if len(seed_ops) > 0:
        m.tape.cursor = 0
        m.tape.end = len(seed_ops)
        advance(m, table[0], seed_ops, log[0], m.now_ns, -1)
    m.tape.cursor = cursor
    m.tape.end = len(ops)
    forget_all(s)
    for step in range(steps + 1):
        if step > 0:
            empty_mailbox(m, task.learner, task.step_ns)
        if advance(m, table[0], ops, log[0], NEVER_NS, -1) != _EXTERNAL:
            return False
        view = m.views[m.part[task.learner].awaiting_view]
        remember(s, view, task.ring)
        trace[step, 0] = view.mid_2px
        trace[step, 1] = view.ofi
        trace[step, 2] = view.signed_volume
    return True


@kernel
def reset_marked(markets, states, tasks, snapshots, snapshot_states, ios):
    """Begin an episode with ``states[i].market_seed`` wherever ``ios[i].reset`` is set."""
    task = tasks[0]
    for i in range(len(markets)):
        io = ios[i]
        if io.reset != 0:
            io.reset = 0
            s = states[i]
            s.snapshot = snapshot_of(s.market_seed, len(snapshots))
            markets[i] = snapshots[s.snapshot]
            _start(markets[i], s, task, snapshot_states[s.snapshot], io)


@kernel
def step_one(markets, states, tasks, table, ops, log, ios):
    """Step environment 0, unless its action is illegal; an Outcome."""
    io = ios[0]
    task = tasks[0]
    if not (is_legal(task, io.action[0]) and is_legal(task, io.action[1])):
        return _BAD_ACTION
    return _step(markets[0], states[0], task, table[0], ops, log[0], io)


@parallel_kernel
def step_many(markets, states, tasks, table, ops, log, ios, snapshots, snapshot_states):
    """Step every environment on all threads; actions have been checked before.

    On the end of an episode the next one begins in the same step, in the next, or not at all, as
    the task's ``mode`` says.
    """
    for i in prange(len(markets)):
        io = ios[i]
        s = states[i]
        task = tasks[0]
        begin = False
        if s.ended != 0:  # NEXT_STEP: this call only begins the next episode
            begin = True
            io.reward = 0.0
            io.pnl = 0.0
            io.inventory_penalty = 0.0
            io.liquidation = 0.0
            io.outcome = _RESET
        else:
            outcome = _step(markets[i], s, task, table[0], ops, log[0], io)
            if outcome != _RUNNING and outcome != _FAULT and task.mode == _SAME_STEP:
                begin = True
                for j in range(OBSERVATIONS):
                    io.final_obs[j] = io.obs[j]
        if begin:
            s.episode += 1
            s.market_seed = next_market_seed(s.first_seed, s.episode, task.split)
            s.snapshot = snapshot_of(s.market_seed, len(snapshots))
            markets[i] = snapshots[s.snapshot]
            _start(markets[i], s, task, snapshot_states[s.snapshot], io)
