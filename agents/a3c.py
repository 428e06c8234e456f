"""Asynchronous advantage actor-critic.

Mnih et al. (2016), "Asynchronous Methods for Deep Reinforcement Learning", Algorithm S3.

Worker processes each play their own markets with a copy of the network, compute the gradient of
n-step returns, and apply it to parameters and RMSProp statistics that lie in memory shared by all,
without a lock (Recht et al. 2011, "Hogwild!"). One environment a worker is the paper's form; more
are an extension: a worker then averages over its environments before it updates.

Workers are spawned, not forked: compiled code that runs on threads does not survive a fork. They
play up to the step of the next checkpoint and wait there, so that a checkpoint is of one moment,
and one worker gives the same weights again.
"""

from __future__ import annotations

import functools
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, ClassVar

import numba
import numpy as np
import torch
import torch.multiprocessing as mp
from pydantic import Field
from torch import Tensor

from agents.a2c import Figures, Reporter, Worker, measure_scale, rmsprop_
from agents.a2c import Params as A2CParams
from agents.ppo_policy import PPOPolicy
from hftgym.errors import InternalError
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.resume import Arrays, State
from hftgym.training.seeds import training_seeds
from hftgym.training.session import TrainSession
from hftgym.training.task import KnownTask, MarketTask
from hftgym.training.threads import set_torch_threads

_SEND_EVERY = 20  # updates of a worker between two messages to the main process
_PATIENCE_S = 30.0  # for a worker that was asked to leave


class Params(A2CParams):
    """Hyper-parameters, by the names of the paper."""

    workers: int = Field(default=2, ge=1)
    """Processes that play and update."""
    n_envs: int = Field(default=16, ge=1)
    """Environments of each worker; 1 is the paper's form."""


@dataclass
class Shared:
    """What all workers read and write.

    Attributes:
        weights: All parameters, one vector in shared memory; written without a lock.
        squares: RMSProp's mean squares, the same.
        steps: Environment steps done by all.
        updates: Updates done by all.
        stop: 1 when workers shall wait after their update.
        total: Environment steps of the run, at which the step size is zero.
    """

    weights: Tensor
    squares: Tensor
    steps: Any
    updates: Any
    stop: Any
    total: int

    @classmethod
    def of(cls, weights: Tensor, total: int) -> Shared:
        """Return a start from these parameters."""
        context = mp.get_context("spawn")
        return cls(
            weights=weights.clone().share_memory_(),
            squares=torch.zeros_like(weights).share_memory_(),
            steps=context.Value("q", 0),
            updates=context.Value("q", 0),
            stop=context.Value("b", 0),
            total=total,
        )


def update(worker: Worker, shared: Shared) -> Figures:
    """Read the shared parameters, play, and apply the gradient to what they are by then."""
    worker.read(shared.weights, shared.steps.value / shared.total)
    seen = shared.updates.value
    gradient, figures = worker.gradient()
    rate = worker.params.learning_rate * max(0.0, 1.0 - shared.steps.value / shared.total)
    rmsprop_(shared.weights, shared.squares, gradient, rate, worker.params)
    with shared.updates.get_lock():
        figures.staleness = shared.updates.value - seen
        shared.updates.value += 1
    with shared.steps.get_lock():
        shared.steps.value += figures.steps
    return figures


def _work(
    make_venv: Callable[[], Any],
    params: Params,
    seed: int,
    normalizer: dict[str, Any],
    shared: Shared,
    pipe: Connection,
) -> None:
    """Run a worker, until the main process sends None or is gone.

    It sends the step to play up to; "state" to be told what later rollouts depend on; or such a
    state, to go on from.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's affair
    try:
        numba.set_num_threads(1)
        set_torch_threads(1)
        venv = make_venv()
        scale = ReturnNormalizer.from_arrays(normalizer) if normalizer else None
        worker = Worker(venv, params, seed, scale)
        figures: list[Figures] = []
        while (until := pipe.recv()) is not None:
            if until == "state":
                pipe.send(worker.state())
                continue
            if isinstance(until, tuple):
                worker.restore(*until)
                continue
            while shared.steps.value < until and not shared.stop.value:
                figures.append(update(worker, shared))
                if len(figures) == _SEND_EVERY:
                    pipe.send(figures)
                    figures = []
            pipe.send(figures)
            figures = []
            pipe.send("waiting")
        venv.close()
    except (EOFError, BrokenPipeError):
        pass  # the main process has gone
    except Exception:
        pipe.send(traceback.format_exc())


class Crew:
    """Worker processes and what they share.

    Args:
        makers: Make the environments of each worker; what they are must be picklable.
        params: Hyper-parameters.
        seeds: One for each worker.
        normalizer: Arrays of the return normaliser; empty: rewards are taken as they are.
        shared: Parameters and counters.
    """

    def __init__(
        self,
        makers: Sequence[Callable[[], Any]],
        params: Params,
        seeds: Sequence[int],
        normalizer: dict[str, Any],
        shared: Shared,
    ) -> None:
        self.shared = shared
        context = mp.get_context("spawn")
        self._pipes: list[Any] = []
        self.processes: list[Any] = []
        for make, seed in zip(makers, seeds, strict=True):
            here, there = context.Pipe()
            process = context.Process(
                target=_work, args=(make, params, seed, normalizer, shared, there), daemon=True
            )
            process.start()
            there.close()  # so that the pipe breaks when the worker dies
            self._pipes.append(here)
            self.processes.append(process)

    def run(self, until: int, each: Callable[[Figures], bool]) -> None:
        """Let all workers play until so many steps are done, and wait until all of them wait.

        Args:
            until: Environment steps of all workers together.
            each: Called with the figures of every update; False asks all to wait at once.

        Raises:
            InternalError: A worker has died or failed.
        """
        self.shared.stop.value = 0
        for number, pipe in enumerate(self._pipes):
            try:
                pipe.send(until)
            except OSError:
                raise self._dead(number) from None
        busy = dict(enumerate(self._pipes))
        while busy:
            for ready in wait(list(busy.values())):
                number = self._pipes.index(ready)
                try:
                    message = busy[number].recv()
                except (EOFError, OSError):
                    raise self._dead(number) from None
                if message == "waiting":
                    del busy[number]
                elif isinstance(message, str):
                    raise _failed(number, message)
                elif not all([each(figures) for figures in message]):
                    self.shared.stop.value = 1

    def states(self) -> list[State]:
        """Return what later rollouts of each worker depend on; all of them wait.

        Raises:
            InternalError: A worker has died or failed.
        """
        found = []
        for number, pipe in enumerate(self._pipes):
            try:
                pipe.send("state")
                message = pipe.recv()
            except (EOFError, OSError):
                raise self._dead(number) from None
            if isinstance(message, str):
                raise _failed(number, message)
            found.append(message)
        return found

    def restore(self, states: Sequence[State]) -> None:
        """Let each worker go on from a state of `states`."""
        for pipe, state in zip(self._pipes, states, strict=True):
            pipe.send(state)

    def close(self) -> None:
        """Let all workers leave; those that do not are stopped."""
        self.shared.stop.value = 1
        for pipe in self._pipes:
            try:
                pipe.send(None)
            except OSError:
                continue  # it has left already
        for process in self.processes:
            process.join(_PATIENCE_S)
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self._pipes:
            pipe.close()

    def _dead(self, number: int) -> InternalError:
        self.processes[number].join(_PATIENCE_S)
        return InternalError(
            "HG-I051",
            f"worker {number} died with exit code {self.processes[number].exitcode}; the last "
            "checkpoint is whole: was there enough memory?",
        )


def _failed(number: int, trace: str) -> InternalError:
    return InternalError("HG-I050", f"worker {number} failed: {trace.splitlines()[-1]}")


def _make(task: MarketTask | KnownTask, num_envs: int) -> Any:
    return task.make_training(num_envs)


class A3C:
    """Learns by asynchronous advantage actor-critic, in processes of its own; can be resumed.

    Args:
        params: Hyper-parameters.
    """

    name: ClassVar[str] = "A3C"
    params_type: ClassVar[type[Params]] = Params
    resumable: ClassVar[bool] = True

    def __init__(self, params: Params | None = None) -> None:
        self.params = Params() if params is None else Params.model_validate(params)

    def train(self, session: TrainSession) -> PPOPolicy:
        """Train and return the last policy; checkpoints are in the run folder."""
        p = self.params
        set_torch_threads(1)
        first, scale_seed, *seeds = training_seeds(session.seed, 2 + p.workers)
        venv = session.make_env(p.n_envs)  # also compiles what the workers then load
        keeps = hasattr(venv.unwrapped, "snapshot")
        normalizer = measure_scale(venv, p, scale_seed)
        network = Worker(venv, p, first)
        venv.close()
        shared = Shared.of(network.vector(), session.steps)
        arrays = normalizer.arrays() if normalizer else {}
        make = functools.partial(_make, session.task, p.n_envs)
        crew = Crew([make] * p.workers, p, seeds, arrays, shared)
        reporter = Reporter(session)

        def each(figures: Figures) -> bool:
            reporter.add(figures)
            if reporter.pending >= p.report_updates:
                reporter.write(shared.steps.value)
            return not session.stop.requested

        def current() -> PPOPolicy:
            step = shared.steps.value
            network.read(shared.weights, step / session.steps)
            return network.network.policy(self.name, step, p, arrays)

        try:
            saved = 0
            if session.resumed is not None:
                saved = _restore(crew, *session.resumed)
                session.go_on(session.resumed[1]["session"], shared.steps.value, current())
            policy = current()
            while shared.steps.value < session.steps and not session.stop.requested:
                until = min(saved + session.checkpoint_steps, session.steps)
                crew.run(until, each)
                step = shared.steps.value
                reporter.write(step)
                saved = step if step >= until else saved
                policy = current()
                session.save(policy, step, _state(crew) if keeps else None, saved)
            return policy
        finally:
            crew.close()

    def load(self, run: Any, which: str = "best", name: str = "A3C") -> PPOPolicy:
        """Load the policy of a run folder."""
        return PPOPolicy.load(run, which, name)


def _state(crew: Crew) -> State:
    """Return everything that the rest of the run depends on, worker by worker."""
    shared = crew.shared
    arrays = {"weights": shared.weights.numpy().copy(), "squares": shared.squares.numpy().copy()}
    workers = []
    for number, (own, plain) in enumerate(crew.states()):
        arrays |= {f"{number}.{name}": array for name, array in own.items()}
        workers.append(plain)
    counts = {"done": shared.steps.value, "updates": shared.updates.value}
    return arrays, {"workers": workers, **counts}


def _restore(crew: Crew, arrays: Arrays, plain: dict[str, Any]) -> int:
    """Go on from a state of `_state`; return the step of the last checkpoint that was due."""
    shared = crew.shared
    shared.weights.copy_(torch.from_numpy(np.array(arrays["weights"])))
    shared.squares.copy_(torch.from_numpy(np.array(arrays["squares"])))
    shared.steps.value, shared.updates.value = int(plain["done"]), int(plain["updates"])
    states = []
    for number, own in enumerate(plain["workers"]):
        prefix = f"{number}."
        kept = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
        states.append((kept, own))
    crew.restore(states)
    return int(plain["saved"])
