"""Advantage actor-critic: n-step returns from a batch of environments, one update at a time.

The synchronous form of A3C (Mnih et al. 2016, "Asynchronous Methods for Deep Reinforcement
Learning", Algorithm S3): same network, loss and RMSProp, no staleness. It is the judge of what the
workers of `agents.a3c` do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from pydantic import Field
from torch import Tensor

from agents.actor_critic import ActorCritic, to_env
from agents.policy import AgentParams
from agents.ppo_policy import PPOPolicy
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.passivity import withdraw_rate
from hftgym.training.resume import (
    Arrays,
    State,
    environment_state,
    restore_environment,
)
from hftgym.training.seeds import training_seeds
from hftgym.training.session import TrainSession
from hftgym.training.threads import set_torch_threads


class Params(AgentParams):
    """Hyper-parameters, by the names of the paper."""

    n_envs: int = Field(default=32, ge=1)
    """Environments in the batch."""
    t_max: int = Field(default=20, ge=1)
    """Decisions of each environment between two updates."""
    learning_rate: float = Field(default=7e-4, gt=0.0)
    """Step size at the start; it falls linearly to zero."""
    gamma: float = Field(default=0.995, gt=0.0, le=1.0)
    """Discount of a step."""
    alpha: float = Field(default=0.99, gt=0.0, lt=1.0)
    """Memory of RMSProp's mean squares."""
    epsilon: float = Field(default=1e-5, gt=0.0)
    """Added to the mean squares under the root."""
    beta: float = Field(default=0.001, ge=0.0)
    """Weight of the entropy."""
    value_weight: float = Field(default=0.5, ge=0.0)
    """Weight of the value's squared error."""
    max_grad_norm: float = Field(default=0.5, gt=0.0)
    """Clip of the gradient's norm."""
    hidden: tuple[int, ...] = Field(default=(64, 64), min_length=1)
    """Widths of the tanh layers of policy and value, which share none (the paper's choice for
    continuous actions)."""
    initial_std: float = Field(default=0.4, gt=0.0)
    """Standard deviation of the actions at the start."""
    final_std: float | None = Field(default=None, gt=0.0)
    """Standard deviation at the end, reached exponentially; learned when not given."""
    scale_steps: int = Field(default=600, ge=0)
    """Decisions of the first policy from which the scale of returns is measured; it stays the same
    then, for all workers. 0: rewards are taken as they are."""
    report_updates: int = Field(default=100, ge=1)
    """Updates between two lines of figures."""


@dataclass(frozen=True)
class Rollout:
    """What a worker has played.

    Attributes:
        obs: Observations, shape (steps * envs, observations).
        actions: As drawn, shape (steps * envs, actions), or (steps * envs,) of choices.
        returns: Discounted rewards and the value behind them, shape (steps * envs,).
        episodes: Records of the episodes that ended; None where the environment keeps none.
    """

    obs: Tensor
    actions: Tensor
    returns: Tensor
    episodes: npt.NDArray[Any] | None


@dataclass
class Figures:
    """What happened in one update.

    Attributes:
        steps: Environment steps.
        policy_loss: Minus the mean of log-probability times advantage.
        value_loss: Mean squared error of the value.
        entropy: Mean entropy of the policy.
        grad_norm: Norm of the gradient before it is clipped.
        withdrawn: Share of decisions that withdraw both sides.
        episodes: Records of the episodes that ended; None where the environment keeps none.
        staleness: Updates of others between reading the parameters and writing this one.
    """

    steps: int
    policy_loss: float
    value_loss: float
    entropy: float
    grad_norm: float
    withdrawn: float
    episodes: npt.NDArray[Any] | None
    staleness: int = 0


def n_step_returns(
    rewards: Tensor, terminated: Tensor, cut_values: Tensor, cut: Tensor, last: Tensor, gamma: float
) -> Tensor:
    """Return the discounted rewards up to the end of the rollout or of the episode.

    An episode that terminates is worth nothing afterwards; one that is cut is worth what the value
    says of its last observation, and so is one that goes on (Algorithm S3, line 12).

    Args:
        rewards: Shape (steps, envs).
        terminated: Where an episode has come to its end, shape (steps, envs).
        cut_values: Value of the last observation of episodes that were cut, shape (steps, envs).
        cut: Where one was cut, shape (steps, envs).
        last: Value of the observations after the rollout, shape (envs,).
        gamma: Discount of a step.
    """
    returns = torch.empty_like(rewards)
    ahead = last
    for t in range(len(rewards) - 1, -1, -1):
        ahead = torch.where(cut[t], cut_values[t], ahead)
        ahead = rewards[t] + gamma * torch.where(terminated[t], 0.0, ahead)
        returns[t] = ahead
    return returns


class Worker:
    """Environments, a copy of the network, and gradients of n-step returns.

    Args:
        venv: Gymnasium vector environment that resets in the same step.
        params: Hyper-parameters.
        seed: Of the environments and of the draws.
        normalizer: Scales the rewards.
    """

    def __init__(
        self, venv: Any, params: Params, seed: int, normalizer: ReturnNormalizer | None = None
    ) -> None:
        self.venv, self.params, self.normalizer = venv, params, normalizer
        space = venv.single_observation_space
        torch.manual_seed(seed)  # of the first weights
        self.generator = torch.Generator().manual_seed(seed)
        self.network = ActorCritic(
            space.shape[0], venv.single_action_space, params.hidden, params.initial_std
        )
        if params.final_std is not None and not self.network.discrete:
            self.network.log_std.requires_grad_(False)
        self.seed = seed
        self.obs: Tensor | None = None

    def play(self) -> Rollout:
        """Play ``t_max`` decisions of each environment with the network as it is."""
        venv, network = self.venv, self.network
        self.obs = self._first() if self.obs is None else self.obs
        seen, chosen, told, episodes = [], [], [], []
        for _ in range(self.params.t_max):
            with torch.no_grad():
                actions = network.act(self.obs, self.generator)
            obs, raw, terminated, truncated, infos = venv.step(
                to_env(actions, venv.single_action_space)
            )
            done = terminated | truncated
            rewards = np.asarray(raw, np.float64)
            if self.normalizer is not None:
                rewards = self.normalizer(rewards, done)
            cut = truncated & ~terminated
            cut_values = np.zeros(venv.num_envs, np.float32)
            if cut.any():
                final = np.stack(list(infos["final_obs"][cut])).astype(np.float32)
                with torch.no_grad():
                    cut_values[cut] = network.values(torch.from_numpy(final)).numpy()
            if done.any() and hasattr(venv.unwrapped, "last_episodes"):
                episodes.append(venv.unwrapped.last_episodes[done].copy())
            seen.append(self.obs)
            chosen.append(actions)
            told.append((rewards.astype(np.float32), terminated.copy(), cut_values, cut))
            self.obs = _tensor(obs)
        return Rollout(
            obs=torch.cat(seen),
            actions=torch.cat(chosen),
            returns=self._returns(told),
            episodes=np.concatenate(episodes) if episodes else None,
        )

    def _first(self) -> Tensor:
        return _tensor(self.venv.reset(seed=training_seeds(self.seed, self.venv.num_envs))[0])

    def gradient(self) -> tuple[Tensor, Figures]:
        """Play, and return the clipped gradient, one vector, and figures."""
        p, network = self.params, self.network
        played = self.play()
        log_prob, entropy = network.evaluate(played.obs, played.actions)
        advantage = played.returns - network.values(played.obs)
        policy_loss = -(log_prob * advantage.detach()).mean()
        value_loss = (advantage * advantage).mean()
        loss = policy_loss + p.value_weight * value_loss - p.beta * entropy.mean()
        network.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), p.max_grad_norm)
        gradient = torch.cat(
            [
                torch.zeros(w.numel()) if w.grad is None else w.grad.reshape(-1)
                for w in network.parameters()
            ]
        )
        return gradient, Figures(
            steps=len(played.returns),
            policy_loss=policy_loss.item(),
            value_loss=value_loss.item(),
            entropy=entropy.mean().item(),
            grad_norm=norm.item(),
            withdrawn=0.0 if network.discrete else withdraw_rate(played.actions.numpy()),
            episodes=played.episodes,
        )

    def _returns(self, told: Sequence[tuple[npt.NDArray[Any], ...]]) -> Tensor:
        """Return the n-step returns of what was played, shape (steps * envs,)."""
        assert self.obs is not None
        rewards, terminated, cut_values, cut = (
            torch.from_numpy(np.stack(column)) for column in zip(*told, strict=True)
        )
        with torch.no_grad():
            last = self.network.values(self.obs)
        gamma = self.params.gamma
        return n_step_returns(rewards, terminated, cut_values, cut, last, gamma).reshape(-1)

    def read(self, vector: Tensor, share: float = 0.0) -> None:
        """Take over all parameters from one vector.

        Args:
            vector: As `vector` returns it.
            share: Of the training that is done; sets the deviation where it is not learned.
        """
        torch.nn.utils.vector_to_parameters(vector.clone(), self.network.parameters())
        final = self.params.final_std
        if final is not None and not self.network.discrete:
            self.network.anneal_std(self.params.initial_std, final, min(share, 1.0))

    def state(self) -> State:
        """Return what later rollouts depend on, beside the parameters."""
        self.obs = self._first() if self.obs is None else self.obs  # others may have played it all
        arrays, env = environment_state(self.venv)
        arrays |= {"generator": self.generator.get_state().numpy(), "obs": self.obs.numpy()}
        return arrays, {"env": env}

    def restore(self, arrays: Arrays, plain: dict[str, Any]) -> None:
        """Go on from a state of `state`, of a worker made with the same arguments."""
        self._first()  # opens the markets
        restore_environment(self.venv, arrays, plain["env"])
        self.generator.set_state(torch.from_numpy(np.array(arrays["generator"])))
        self.obs = torch.from_numpy(np.array(arrays["obs"]))

    def vector(self) -> Tensor:
        """Return all parameters as one new vector."""
        return torch.nn.utils.parameters_to_vector(self.network.parameters()).detach().clone()


def rmsprop_(weights: Tensor, squares: Tensor, gradient: Tensor, rate: float, p: Params) -> None:
    """Take one step of RMSProp without momentum, in place (Mnih et al. 2016, equations S2, S3).

    ``squares`` <- alpha squares + (1 - alpha) g^2; ``weights`` <- weights - rate g / sqrt(squares +
    epsilon).
    """
    squares.mul_(p.alpha).addcmul_(gradient, gradient, value=1.0 - p.alpha)
    weights.addcdiv_(gradient, torch.sqrt(squares + p.epsilon), value=-rate)


def measure_scale(venv: Any, params: Params, seed: int) -> ReturnNormalizer | None:
    """Return a normaliser that knows the scale of the first policy's returns, and learns no more.

    Every worker, and a run that is repeated, then divides by the same number.
    """
    if params.scale_steps == 0:
        return None
    worker = Worker(venv, params, seed)
    normalizer = ReturnNormalizer(venv.num_envs, params.gamma)
    obs = _tensor(venv.reset(seed=training_seeds(seed, venv.num_envs))[0])
    for _ in range(params.scale_steps):
        with torch.no_grad():
            drawn = worker.network.act(obs, worker.generator)
        raw, rewards, terminated, truncated, _ = venv.step(to_env(drawn, venv.single_action_space))
        normalizer(np.asarray(rewards, np.float64), terminated | truncated)
        obs = _tensor(raw)
    normalizer.frozen = True
    normalizer.reset()
    return normalizer


class Synchronous:
    """One worker that applies its own gradients.

    Args:
        worker: Environments and network.
        steps: Environment steps of the whole run, at which the step size is zero.
    """

    def __init__(self, worker: Worker, steps: int) -> None:
        self.worker, self.steps = worker, steps
        self.done = self.updates = 0
        self.weights = worker.vector()
        self.squares = torch.zeros_like(self.weights)

    def iterate(self) -> Figures:
        """Play, and update the parameters once."""
        gradient, figures = self.worker.gradient()
        rate = self.worker.params.learning_rate * (1.0 - self.done / self.steps)
        rmsprop_(self.weights, self.squares, gradient, rate, self.worker.params)
        self.done += figures.steps
        self.updates += 1
        self.worker.read(self.weights, self.done / self.steps)
        return figures

    def state(self) -> State:
        """Return everything that the rest of the run depends on."""
        arrays, plain = self.worker.state()
        arrays |= {"weights": self.weights.numpy(), "squares": self.squares.numpy()}
        return arrays, plain | {"done": self.done, "updates": self.updates}

    def restore(self, arrays: Arrays, plain: dict[str, Any]) -> None:
        """Go on from a state of `state`."""
        self.worker.restore(arrays, plain)
        self.weights = torch.from_numpy(np.array(arrays["weights"]))
        self.squares = torch.from_numpy(np.array(arrays["squares"]))
        self.done, self.updates = int(plain["done"]), int(plain["updates"])
        self.worker.read(self.weights, self.done / self.steps)


def train_synchronously(
    worker: Worker,
    steps: int,
    after: Callable[[int, Figures], bool] = lambda done, figures: True,
) -> None:
    """Update the worker's own network until so many environment steps are done.

    Args:
        worker: Environments and network.
        steps: Environment steps.
        after: Called with the steps done and the figures after each update; False ends.
    """
    trainer = Synchronous(worker, steps)
    while trainer.done < steps:
        figures = trainer.iterate()
        if not after(trainer.done, figures):
            return


class Reporter:
    """Turns the figures of updates into scalars.

    Args:
        session: Where they go.
    """

    def __init__(self, session: TrainSession) -> None:
        self.session = session
        self._kept: list[Figures] = []
        self._began = time.monotonic()

    @property
    def pending(self) -> int:
        """Updates that were not written yet."""
        return len(self._kept)

    def add(self, figures: Figures) -> None:
        """Keep the figures of an update."""
        self._kept.append(figures)
        self.session.progress.advance(figures.steps)

    def write(self, step: int) -> None:
        """Write the means since the last call."""
        kept, self._kept = self._kept, []
        if not kept:
            return
        ended = [f.episodes for f in kept if f.episodes is not None]
        withdrawn = float(np.mean([f.withdrawn for f in kept]))
        scalars = self.session.rollout_scalars(ended, withdrawn, step)
        for tag, name in (
            ("train/policy_gradient_loss", "policy_loss"),
            ("train/value_loss", "value_loss"),
            ("train/entropy", "entropy"),
            ("train/grad_norm", "grad_norm"),
            ("train/staleness", "staleness"),
        ):
            scalars[tag] = float(np.mean([getattr(f, name) for f in kept]))
        scalars["train/staleness_max"] = float(max(f.staleness for f in kept))
        now = time.monotonic()
        scalars["time/fps"] = sum(f.steps for f in kept) / max(now - self._began, 1e-9)
        self._began = now
        self.session.writer.scalars(scalars, step)


class A2C:
    """Learns by synchronous advantage actor-critic; can be resumed.

    Args:
        params: Hyper-parameters.
    """

    name: ClassVar[str] = "A2C"
    params_type: ClassVar[type[Params]] = Params
    resumable: ClassVar[bool] = True

    def __init__(self, params: Params | None = None) -> None:
        self.params = Params() if params is None else Params.model_validate(params)

    def train(self, session: TrainSession) -> PPOPolicy:
        """Train and return the last policy; checkpoints are in the run folder."""
        p = self.params
        set_torch_threads(1)
        venv = session.make_env(p.n_envs)
        try:
            seed = training_seeds(session.seed, 2)
            normalizer = measure_scale(venv, p, seed[1])
            trainer = Synchronous(Worker(venv, p, seed[0], normalizer), session.steps)
            reporter = Reporter(session)
            saved = 0
            if session.resumed is not None:
                arrays, plain = session.resumed
                trainer.restore(arrays, plain)
                saved = int(plain["saved"])
                session.go_on(plain["session"], trainer.done, self._policy(trainer))
            while trainer.done < session.steps and not session.stop.requested:
                reporter.add(trainer.iterate())
                if trainer.updates % p.report_updates == 0:
                    reporter.write(trainer.done)
                due = trainer.done >= saved + session.checkpoint_steps
                if due and trainer.done < session.steps:
                    saved = trainer.done
                    self._save(session, trainer, reporter, saved)
            return self._save(session, trainer, reporter, saved)
        finally:
            venv.close()

    def _policy(self, trainer: Synchronous) -> PPOPolicy:
        scale = trainer.worker.normalizer
        arrays = scale.arrays() if scale else {}
        return trainer.worker.network.policy(self.name, trainer.done, self.params, arrays)

    def _save(
        self, session: TrainSession, trainer: Synchronous, reporter: Reporter, saved: int
    ) -> PPOPolicy:
        """Save policy and state; ``saved`` is the step of the last checkpoint that was due."""
        reporter.write(trainer.done)  # a resumed run has no figures of before
        policy = self._policy(trainer)
        state = trainer.state() if hasattr(trainer.worker.venv.unwrapped, "snapshot") else None
        session.save(policy, trainer.done, state, saved)
        return policy

    def load(self, run: Any, which: str = "best", name: str = "A2C") -> PPOPolicy:
        """Load the policy of a run folder."""
        return PPOPolicy.load(run, which, name)


def _tensor(obs: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(obs, np.float32))
