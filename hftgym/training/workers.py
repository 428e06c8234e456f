"""Ray workers: training seeds side by side, and the episodes of an evaluation in parallel.

What comes out is the same at any number of workers, and without any: a training run is a function
of its seed, an episode is a function of policy and market seed. A worker plays whole episodes, with
the policy beside its markets: a call to Ray for every step would take longer than the step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hftgym.errors import HftgymError, InternalError, UsageError
from hftgym.ray_cluster import ray_cluster
from hftgym.training.config import TrainConfig
from hftgym.training.interrupt import StopRequest
from hftgym.training.progress import PhaseProgress
from hftgym.training.rollout import Job, Played, Progress, plan, play
from hftgym.training.runs import RunFolder
from hftgym.training.task import MarketTask

if TYPE_CHECKING:
    from types import TracebackType

_TELL_S = 0.5  # a worker tells this often how far it is, and hears whether to stop


@contextmanager
def open_workers(count: int) -> Iterator[Workers | None]:
    """Start so many Ray workers; with one, yield None: everything stays in this process.

    Args:
        count: Workers, each on a core of its own.

    Raises:
        UsageError: Ray is not installed.
    """
    if count <= 1:
        yield None
        return
    with ray_cluster(count) as ray:
        workers = Workers(ray, count)
        try:
            yield workers
        finally:
            workers.close()


def make_markets(
    task: MarketTask, lanes: int, split: str, workers: Workers | None, **extra: Any
) -> Any:
    """Return markets for `rollout.play`: of this process, or of the workers.

    Args:
        task: The environment.
        lanes: Number of markets at a time.
        split: ``train``, ``tune``, ``validation`` or ``test``.
        workers: None plays here.
        extra: Further arguments of the environment.
    """
    if workers is None:
        return task.make(lanes, split, **extra)
    return WorkerMarkets(workers, task, lanes, split, extra)


class Workers:
    """Processes of a Ray cluster, each with one core and one thread.

    Args:
        ray: The module, with a cluster.
        count: How many.

    Raises:
        UsageError: The cluster has fewer cores.
    """

    def __init__(self, ray: Any, count: int) -> None:
        self._ray = ray
        self.count = count
        cores = int(ray.cluster_resources().get("CPU", 0))
        if cores < count:
            raise UsageError(
                "HG-U228", f"{count} workers, but the Ray cluster has {cores} cores; ask for fewer"
            )
        gpus = ray.cluster_resources().get("GPU", 0) / count
        remote = ray.remote(_Worker).options(num_cpus=1, num_gpus=min(gpus, 1.0))
        self._actors = [remote.remote(list(sys.path)) for _ in range(count)]

    def close(self) -> None:
        """Let the processes end."""
        for actor in self._actors:
            self._ray.kill(actor)

    def map(
        self,
        method: str,
        work: Iterable[tuple[Any, ...]],
        done: Callable[[int, Any], None],
        meanwhile: Callable[[], bool] = lambda: True,
    ) -> None:
        """Call a method of a worker for each piece of work, as workers become free.

        Args:
            method: Of `_Worker`.
            work: Arguments of each call; made when a worker is free.
            done: Called with the index of a piece and what came back, in any order.
            meanwhile: Called now and then; False starts no further pieces.

        Raises:
            HftgymError: What a call has raised.
            InternalError: A worker has died, or failed otherwise.
        """
        pickle, idle = self._ray.cloudpickle.dumps, list(self._actors)
        waiting, goes_on = enumerate(work), True
        running: dict[Any, tuple[int, Any]] = {}
        while True:
            while idle and goes_on:
                piece = next(waiting, None)
                if piece is None:
                    goes_on = False
                    break
                actor = idle.pop()
                running[getattr(actor, method).remote(pickle(piece[1]))] = piece[0], actor
            if not running:
                return
            ready, _ = self._ray.wait(list(running), timeout=_TELL_S)
            for reference in ready:
                index, actor = running.pop(reference)
                done(index, self._result(reference))
                idle.append(actor)
            goes_on = meanwhile() and goes_on

    def _result(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, HftgymError):
                raise error.cause from None
            raise InternalError("HG-I054", f"a worker failed: {error.cause!r}") from error
        except self._ray.exceptions.RayActorError as error:
            raise InternalError(
                "HG-I055", "a worker died; was there enough memory? The last checkpoints are whole"
            ) from error

    def train(
        self,
        config: TrainConfig,
        start: Callable[[int], RunFolder],
        device: str,
        stop: StopRequest,
        quiet: bool,
        track: str | None,
    ) -> None:
        """Train all seeds of a configuration, as many at a time as there are workers.

        Args:
            config: Of the runs.
            start: Makes the run folder of a seed.
            device: ``auto``, ``cpu`` or ``cuda``.
            stop: Asks the runs to save and leave.
            quiet: Show no progress.
            track: An external tracker.
        """
        board = self._ray.remote(_Board).options(num_cpus=0).remote()
        text = config.model_dump_json()
        work = ((text, str(start(seed).path), seed, device, track, board) for seed in config.seeds)
        title = f"train seeds {', '.join(str(seed) for seed in config.seeds)}"
        total = config.steps * len(config.seeds)
        with PhaseProgress(title, total, "steps", quiet=quiet) as bar:

            def look() -> bool:
                done, note = self._ray.get(board.read.remote(stop.requested))
                bar.advance(done - bar.done, note)
                return not stop.requested

            self.map("train", work, lambda index, result: None, look)
            look()
        self._ray.kill(board)


class WorkerMarkets:
    """Markets that workers play; takes the place of a vector environment in `rollout.play`.

    Attributes:
        num_envs: Markets at a time, of all workers together.
        unwrapped: A small environment of this process, to be asked about the task.

    Args:
        workers: Who plays.
        task: The environment.
        lanes: Markets at a time.
        split: Whose markets.
        extra: Further arguments of the environment.
    """

    def __init__(
        self,
        workers: Workers,
        task: MarketTask,
        lanes: int,
        split: str,
        extra: Mapping[str, Any],
    ) -> None:
        self.num_envs = lanes
        self.unwrapped = task.make(1, split, **extra).unwrapped
        self._workers = workers
        self._spec = (task, split, dict(extra))

    def play_jobs(
        self, jobs: Sequence[Job], block_s: float | None, progress: Progress | None
    ) -> list[Played]:
        """Play each job's policy on each of its markets; `rollout.play` describes the rest."""
        episodes = sum(len(job.market_seeds) for job in jobs)
        lanes = min(self.num_envs, -(-episodes // self._workers.count))
        rounds = plan(jobs, lanes)
        work = [
            (
                self._spec,
                lanes,
                [
                    Job(
                        jobs[part.job].policy,
                        jobs[part.job].market_seeds[
                            part.first : part.first + part.end - part.begin
                        ],
                        jobs[part.job].deterministic,
                    )
                    for part in parts
                ],
                block_s,
            )
            for parts in rounds
        ]
        found: list[list[Played]] = [[] for _ in rounds]

        def done(index: int, played: list[Played]) -> None:
            found[index] = played
            if progress is not None:
                progress(sum(len(one.episodes) for one in played))

        self._workers.map("play", work, done)
        pieces: list[list[Played]] = [[] for _ in jobs]
        for parts, played in zip(rounds, found, strict=True):
            for part, one in zip(parts, played, strict=True):
                pieces[part.job].append(one)
        return [_joined(own) for own in pieces]

    def close(self) -> None:
        """Close the small environment; the workers keep theirs for what comes next."""
        self.unwrapped.close()


def _joined(pieces: Sequence[Played]) -> Played:
    """Return the episodes of a job, whose pieces are in the order of its markets."""
    blocks = [one.blocks for one in pieces if one.blocks is not None]
    return Played(
        np.concatenate([one.episodes for one in pieces]),
        np.concatenate(blocks) if blocks else None,
    )


class _Worker:
    """What runs in a worker's process.

    Args:
        paths: Where modules are looked for, as in the process that started it.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        sys.path[:0] = [path for path in paths if path not in sys.path]
        import numba

        numba.set_num_threads(1)
        self._spec: Any = None
        self._venv: Any = None

    def play(self, payload: bytes) -> list[Played]:
        """Play some jobs; markets of the same task are used again."""
        spec, lanes, jobs, block_s = _unpickled(payload)
        if self._spec != (spec, lanes):
            task, split, extra = spec
            if self._venv is not None:
                self._venv.close()
            self._venv, self._spec = task.make(lanes, split, **extra), (spec, lanes)
        return play(self._venv, jobs, block_s=block_s)

    def train(self, payload: bytes) -> None:
        """Train one seed into its run folder."""
        from hftgym.training.threads import set_torch_threads
        from hftgym.training.train import train_one

        text, path, seed, device, track, board = _unpickled(payload)
        set_torch_threads(1)
        config = TrainConfig.model_validate_json(text)
        stop = StopRequest()
        bar = _RemoteBar(board, seed, stop)
        train_one(config, RunFolder.open(path), seed, device, stop, bar, track=track)


def _unpickled(payload: bytes) -> Any:
    """Return what the other process has sent: its arrays can be written to, unlike Ray's own."""
    from ray import cloudpickle

    return cloudpickle.loads(payload)


class _Board:
    """Where training runs write how far they are, and read whether to stop."""

    def __init__(self) -> None:
        self._done: dict[int, int] = {}
        self._note = ""
        self._stop = False

    def tell(self, seed: int, done: int, note: str) -> bool:
        """Write steps done and a note; whether to stop."""
        self._done[seed] = done
        self._note = f"seed {seed}: {note}" if note else self._note
        return self._stop

    def read(self, stop: bool) -> tuple[int, str]:
        """Return the steps that all have done, and the last note; tell them to stop."""
        self._stop = stop
        return sum(self._done.values()), self._note


class _RemoteBar(PhaseProgress):
    """Progress of a run in a worker: tells the board, and hears whether to stop."""

    def __init__(self, board: Any, seed: int, stop: StopRequest) -> None:
        super().__init__("", 0, "", quiet=True)
        self._board, self._seed, self._request = board, seed, stop
        self._told_s = 0.0
        self._note = ""

    def advance(self, units: int, note: str = "") -> None:
        """Report work done, now and then to the board."""
        super().advance(units, note)
        self._note = note or self._note
        if time.monotonic() - self._told_s >= _TELL_S:
            self._tell()

    def _tell(self) -> None:
        import ray

        stop = ray.get(self._board.tell.remote(self._seed, self.done, self._note))
        self._request.requested = self._request.requested or stop
        self._told_s, self._note = time.monotonic(), ""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell the board for the last time."""
        self._tell()
        super().__exit__(kind, error, trace)
