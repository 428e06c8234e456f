"""Compiled entry points of the environments: burn in, reset, step one market, step all of them.

A step is: act (fill the mailboxes) -> advance to the next delivery -> account, remember, observe.
A market has one learner or several; learner ``j`` of market ``i`` has the row
``i * learners + j`` of states, of what passes to Python and of the observations. Nothing here
allocates for a market, and no Python object belongs to a single environment.
"""

from __future__ import annotations

from numba import prange

from hftgym.core.calls import own_state
from hftgym.core.constants import NEVER_NS, NONE, OwnState, Status
from hftgym.core.entries import open_market, seed_streams
from hftgym.core.jit import kernel, leaf, parallel_kernel, shared
from hftgym.core.loop import advance
from hftgym.core.turns import deal, next_piece
from hftgym.core.views import capture_deferred
from hftgym.envs.account import begin_episode, settle_step, take_over_inventory, write_episode
from hftgym.envs.act import act, is_legal
from hftgym.envs.ahead import ask_for
from hftgym.envs.draws import draw_parameters
from hftgym.envs.mailbox import empty_mailbox, mailbox
from hftgym.envs.observe import copy_history, forget_all, observe, remember, write_mask
from hftgym.envs.observe_more import value_offset
from hftgym.envs.recent import copy_recent, take_messages
from hftgym.envs.seeds import next_market_seed, snapshot_of
from hftgym.envs.task import Mode, Outcome, Role
from hftgym.participants.orders import cancel

_EXTERNAL = int(Status.EXTERNAL)
_LOG_FULL = int(Status.LOG_FULL)
_BAD_ACTION = int(Outcome.BAD_ACTION)
_FAULT = int(Outcome.FAULT)
_RESET = int(Outcome.RESET)
_SAME_STEP = int(Mode.SAME_STEP)
_FREE = int(OwnState.FREE)
_TAKER = int(Role.TAKER)
_BLOCK = 8  # markets whose steps are done thing by thing


@leaf
def _run(m, table, ops, log, recent):
    """Advance to the next decision; whether there is one."""
    status = advance(m, table, ops, log, NEVER_NS, -1)
    while status == _LOG_FULL:
        take_messages(m, log, recent)
        status = advance(m, table, ops, log, NEVER_NS, -1)
    if log.capacity > 0:
        take_messages(m, log, recent)
    return status == _EXTERNAL


@leaf
def _write_seen(m, s, task, recent, io, o):
    """Write everything that a learner is handed at a decision."""
    observe(m, s, task, recent, o)
    if task.choices[0] != 0:
        write_mask(m, task, io)
    if task.observe_value != 0:
        io.value_offset = value_offset(m, task, m.views[m.part[task.learner].awaiting_view])


@leaf
def _begin(i, seed, batch, world, start):
    """Begin an episode of market ``i``: a copy of a snapshot with streams of its own."""
    markets, states, ios, obs, recents = batch
    tasks, _, _, logs = world
    snapshots, snapshot_states, snapshot_recents, draws, f8, i8, i4 = start
    learners = len(tasks)
    k = snapshot_of(seed, len(snapshots))
    markets[i] = snapshots[k]
    m = markets[i]
    draw_parameters(i, seed, draws, f8, i8, i4)
    seed_streams(m, seed)
    kept = i if len(logs) > 1 else 0
    if logs[kept].capacity > 0:
        copy_recent(recents[kept], snapshot_recents[k])
    for j in range(learners):
        s = states[i * learners + j]
        s.snapshot = k
        s.market_seed = seed
        copy_history(s, snapshot_states[k * learners + j], tasks[j].ring)
        take_over_inventory(m, s, tasks[j])
    for j in range(learners):
        row = i * learners + j
        begin_episode(m, states[row], tasks[j])
        _write_seen(m, states[row], tasks[j], recents[kept], ios[row], obs[row])


@leaf
def _leave(m, task):
    """Let a learner whose episode is over cancel its orders, and never look again."""
    own = own_state(m, task.learner)
    empty_mailbox(m, task.learner, NEVER_NS - m.now_ns)
    box = mailbox(m.part[task.learner])
    for slot in range(own.capacity):
        if own.orders[slot].state != _FREE:
            cancel(box, slot)


@leaf
def _act(i, batch, world):
    """Let the learners of market ``i`` act."""
    markets, states, ios, _, _ = batch
    tasks = world[0]
    for j in range(len(tasks)):
        row = i * len(tasks) + j
        if states[row].ended == 0:
            act(markets[i], tasks[j], ios[row])


@leaf
def _go(i, batch, world):
    """Run market ``i`` to the next decision of its learners."""
    _, table, ops, logs = world
    kept = i if len(logs) > 1 else 0
    _run(batch[0][i], table[0], ops, logs[kept], batch[4][kept])


@leaf
def _see(i, batch, world):
    """Hand the learners of market ``i`` what has become of it; whether its episode goes on.

    The market's episode is over when that of every learner is. Who leaves earlier is not asked
    again: ``ended`` of its state is set, and its numbers stay as they were.
    """
    markets, states, ios, obs, recents = batch
    tasks, _, _, logs = world
    learners = len(tasks)
    m = markets[i]
    kept = i if len(logs) > 1 else 0
    if m.fault != 0 or m.awaiting == 0:  # it stopped before anybody had to decide
        for j in range(learners):
            ios[i * learners + j].outcome = _FAULT
        return False
    goes_on = False
    for j in range(learners):
        row = i * learners + j
        s = states[row]
        task = tasks[j]
        io = ios[row]
        if s.ended == 0:
            settle_step(m, s, task, io)
            remember(s, m.views[m.part[task.learner].awaiting_view], task.ring)
            _write_seen(m, s, task, recents[kept], io, obs[row])
            if s.ended == 0:
                goes_on = True
            else:
                write_episode(m, s, task, io.episode)
    if goes_on:
        for j in range(learners):
            if m.part[tasks[j].learner].awaiting_view != NONE and states[i * learners + j].ended:
                _leave(m, tasks[j])
    return goes_on


@leaf
def _fall_in_step(m, tasks, table, ops, log, recent):
    """Run until all learners are about to decide at one instant; whether they ever are.

    A first view comes as late as each one's feed is slow; the second one is asked for at the same
    time by all.
    """
    if not _run(m, table, ops, log, recent):
        return False
    while m.awaiting < len(tasks):
        for j in range(len(tasks)):
            p = tasks[j].learner
            if m.part[p].awaiting_view != NONE:
                empty_mailbox(m, p, m.open_ns + 2 * tasks[j].step_ns - m.now_ns)
        if not _run(m, table, ops, log, recent):
            return False
    return True


@kernel
def warm_one(markets, states, recents, k, tasks, table, seed_ops, cursor, ops, log, seed, trace):
    """Open market ``k`` of configured records and let its learners watch idly.

    Args:
        markets: configured records.
        states: the learners' states; their histories are filled.
        recents: public messages, filled when ``log`` has a capacity.
        k: which market.
        tasks: the tasks of its learners.
        table: strategies.
        seed_ops: tape operations that build the book at the opening; empty without a tape.
        cursor: first operation of ``ops`` to play afterwards.
        ops: the tape.
        log: of capacity 0, unless messages are observed.
        seed: uint64.
        trace: mid_2px, ofi, signed volume and latent value less mid (ticks) at each decision of
            the first learner, float64, shape (decisions, 4); so many decisions are watched. The
            last of them is written for takers only.

    Returns:
        True, or False when the market stopped before its time.
    """
    m = markets[k]
    open_market(m, seed)
    kept = k if len(recents) > 1 else 0
    if len(seed_ops) > 0:
        m.tape.cursor = 0
        m.tape.end = len(seed_ops)
        advance(m, table[0], seed_ops, log[0], m.now_ns, -1)
    m.tape.cursor = cursor
    m.tape.end = len(ops)
    learners = len(tasks)
    for j in range(learners):
        forget_all(states[k * learners + j])
    if not _fall_in_step(m, tasks, table[0], ops, log[0], recents[kept]):
        return False
    for step in range(len(trace)):
        if step > 0:
            for j in range(learners):
                empty_mailbox(m, tasks[j].learner, tasks[j].step_ns)
            if not _run(m, table[0], ops, log[0], recents[kept]):
                return False
        for j in range(learners):
            view = m.views[m.part[tasks[j].learner].awaiting_view]
            remember(states[k * learners + j], view, tasks[j].ring)
        view = m.views[m.part[tasks[0].learner].awaiting_view]
        trace[step, 0] = view.mid_2px
        trace[step, 1] = view.ofi
        trace[step, 2] = view.signed_volume
        # Only where it is needed: looking at the value fixes its path up to now.
        if m.value.active != 0 and tasks[0].role == _TAKER:
            trace[step, 3] = value_offset(m, tasks[0], view)
    capture_deferred(m, m.now_ns + 1)  # before an episode draws parameters of its own
    return True


@kernel
def reset_marked(batch, world, start):
    """Begin an episode with its ``market_seed`` wherever ``reset`` of a first learner is set.

    Args:
        batch: (markets, states, ios, obs, recents).
        world: (tasks, table, ops, logs).
        start: (snapshots, their states, their recents, draws, the markets as f8, i8 and i4).
    """
    markets, states, ios, _, _ = batch
    learners = len(world[0])
    for i in range(len(markets)):
        if ios[i * learners].reset != 0:
            ios[i * learners].reset = 0
            _begin(i, states[i * learners].market_seed, batch, world, start)


@kernel
def take_actions(tasks, ios, actions):
    """Hand the learners their actions; False, and nothing has changed, when one is illegal.

    Args:
        tasks: the tasks of a market's learners.
        ios: one row for each learner of each market.
        actions: float64, shape (rows, components), or with more columns than components.
    """
    learners = len(tasks)
    for j in range(learners):
        for row in range(j, len(ios), learners):
            if not is_legal(tasks[j], actions[row]):
                return False
    for j in range(learners):
        for row in range(j, len(ios), learners):
            for c in range(tasks[j].components):
                ios[row].action[c] = actions[row, c]
    return True


@kernel
def step_one(batch, world):
    """Step market 0, unless an action is illegal; the Outcome of its first learner."""
    _, states, ios, _, _ = batch
    tasks = world[0]
    for j in range(len(tasks)):
        if states[j].ended == 0 and not is_legal(tasks[j], ios[j].action):
            return _BAD_ACTION
    _act(0, batch, world)
    _go(0, batch, world)
    _see(0, batch, world)
    return ios[0].outcome


@leaf
def _is_over(i, batch, world):
    """Return whether every episode of market ``i`` is over, and no other one has begun."""
    learners = len(world[0])
    for j in range(learners):
        if batch[1][i * learners + j].ended == 0:
            return False
    return True


@leaf
def _begin_next(i, batch, world, start):
    """Begin the next episode of market ``i``."""
    tasks = world[0]
    s = batch[1][i * len(tasks)]
    s.episode += 1
    seed = next_market_seed(s.first_seed, s.episode, tasks[0].split)
    _begin(i, seed, batch, world, start)


@leaf
def _conclude(i, batch, world, start, final_obs):
    """Hand on what has become of market ``i``; on the end of its episode do as ``mode`` says."""
    _, _, ios, obs, _ = batch
    tasks = world[0]
    learners = len(tasks)
    first = i * learners
    if _is_over(i, batch, world):  # NEXT_STEP: this call only begins the next episode
        for j in range(learners):
            io = ios[first + j]
            io.reward = 0.0
            io.pnl = 0.0
            io.correction = 0.0
            io.liquidation = 0.0
            io.control = 0.0
            io.outcome = _RESET
        _begin_next(i, batch, world, start)
    elif not _see(i, batch, world) and tasks[0].mode == _SAME_STEP:
        if ios[first].outcome != _FAULT:
            for j in range(learners):
                for c in range(obs.shape[1]):
                    final_obs[first + j, c] = obs[first + j, c]
            _begin_next(i, batch, world, start)


@shared
def _step_block(first, count, way, batch, world, start, final_obs, lines):
    """Step ``count`` markets from ``first`` on, ``way`` 1 or -1: all act, all run, all are seen.

    The code of a step is larger than the cache for code. Market by market, steps with one
    background message took 1.07 (64 markets) and 1.12 (256) times as long, in turns.
    """
    for k in range(count):
        if not _is_over(first + k * way, batch, world):
            _act(first + k * way, batch, world)
    for k in range(count):
        i = first + k * way
        ask_for(start[5], i + way, lines)
        if not _is_over(i, batch, world):
            _go(i, batch, world)
    for k in range(count):
        _conclude(first + k * way, batch, world, start, final_obs)


@parallel_kernel
def step_many(batch, world, start, final_obs, lines, backwards, threads):
    """Step every market; actions have been checked before.

    On the end of an episode the next one begins in the same step, in the next, or not at all, as
    the task's ``mode`` says.

    Args:
        batch: (markets, states, ios, obs, recents).
        world: (tasks, table, ops, logs).
        start: as ``reset_marked`` has it.
        final_obs: observations at the end of episodes that this step has replaced.
        lines: what to ask for of each market (``lines_ahead``).
        backwards: begin with the last markets. In every other step, what the step before has left
            in the caches is used before it is replaced.
        threads: how many share the markets (``numba.get_num_threads()``).
    """
    count = len(batch[0])
    block = _BLOCK
    if threads > 1:  # smaller ones, so that all threads are done at about the same time
        block = max(1, min(block, count // (32 * threads)))
    parts = deal((count + block - 1) // block, threads)
    for t in prange(threads):
        b = next_piece(parts, t, backwards)
        while b != NONE:
            first = b * block
            some = min(block, count - first)
            if backwards:
                _step_block(first + some - 1, some, -1, batch, world, start, final_obs, lines)
            else:
                _step_block(first, some, 1, batch, world, start, final_obs, lines)
            b = next_piece(parts, t, backwards)
