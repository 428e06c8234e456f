"""Proximal policy optimisation straight on the arrays of a vector environment.

Schulman et al. (2017), "Proximal policy optimization algorithms", with the generalised advantage
estimation of Schulman et al. (2016). `agents.ppo` is the same algorithm in Stable-Baselines3; here
a step makes no Python object an environment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from gymnasium import spaces
from pydantic import Field, model_validator
from torch import Tensor

from agents.actor_critic import ActorCritic, to_env
from agents.clipped_loss import Weights, clipped_loss
from agents.passes import Passes
from agents.policy import AgentParams
from agents.ppo_policy import PPOPolicy
from agents.unseen import unseen_columns
from hftgym.core.jit import INTERPRETED
from hftgym.errors import InternalError
from hftgym.training.atomic import write_folder
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.passivity import withdraw_rate
from hftgym.training.resume import (
    Arrays,
    State,
    environment_state,
    read_state,
    restore_environment,
    state_files,
)
from hftgym.training.seeds import training_seeds
from hftgym.training.session import TrainSession
from hftgym.training.stagger import stagger
from hftgym.training.threads import set_torch_threads


class Params(AgentParams):
    """Hyper-parameters, by the names of the papers."""

    n_envs: int = Field(default=256, ge=1)
    """Environments in the batch."""
    horizon: int = Field(default=128, ge=2)
    """T: decisions of each environment in a rollout."""
    minibatch: int = Field(default=4096, ge=2)
    """M: transitions in a minibatch."""
    epochs: int = Field(default=6, ge=1)
    """K: passes over a rollout."""
    learning_rate: float = Field(default=3e-4, gt=0.0)
    """Adam's step size at the start; it falls linearly to zero."""
    gamma: float = Field(default=0.995, gt=0.0, le=1.0)
    """Discount of a step."""
    gae_lambda: float = Field(default=0.95, ge=0.0, le=1.0)
    """Mixing of the advantage estimates."""
    epsilon: float = Field(default=0.2, gt=0.0)
    """Clip of the probability ratio."""
    entropy_weight: float = Field(default=0.0, ge=0.0)
    """c2: weight of the entropy."""
    value_weight: float = Field(default=0.5, ge=0.0)
    """c1: weight of the value's squared error."""
    max_grad_norm: float = Field(default=0.5, gt=0.0)
    """Clip of the gradient's norm."""
    target_kl: float | None = Field(default=0.03, gt=0.0)
    """Divergence from the old policy at which the passes over a rollout end."""
    hidden: tuple[int, ...] = Field(default=(64, 64), min_length=1)
    """Widths of the tanh layers of policy and value, which share none."""
    initial_std: float = Field(default=0.4, gt=0.0)
    """Standard deviation of the actions at the start."""
    final_std: float | None = Field(default=None, gt=0.0)
    """Standard deviation at the end, reached exponentially; learned when not given."""
    normalize_observations: bool = False
    """Subtract the running mean of the observations and divide by their standard deviation. The
    market's observations have fixed scales and need it not."""
    hide: tuple[str, ...] = ()
    """Observations that the learner does not see, by name (``*`` stands for anything): to ask what
    they are worth."""
    normalize_returns: bool = True
    """Divide rewards by the running standard deviation of discounted returns."""
    stagger: bool = True
    """Let the first episodes begin at different times, so that a rollout holds all parts of one."""

    @model_validator(mode="after")
    def _minibatch_fits(self) -> Params:
        rollout = self.n_envs * self.horizon
        if rollout % self.minibatch:
            raise ValueError(f"minibatch {self.minibatch} must divide n_envs * horizon = {rollout}")
        return self


@dataclass
class Rollout:
    """What the environments have played, shapes (horizon, envs, ...).

    Attributes:
        obs: Observations.
        actions: As drawn.
        log_prob: Logarithm of the density of the actions under the policy that drew them.
        values: What the value said of the observations.
        rewards: Scaled.
        ended: Where an episode ended after this step, by its end or by a cut.
        cut_values: Value of the last observation where one was cut; zero elsewhere.
        last: Value of the observations after the rollout, shape (envs,).
    """

    obs: Tensor
    actions: Tensor
    log_prob: Tensor
    values: Tensor
    rewards: Tensor
    ended: Tensor
    cut_values: Tensor
    last: Tensor


@dataclass
class Figures:
    """What happened in one iteration.

    Attributes:
        steps: Environment steps.
        episodes: Records of the episodes that ended; None where the environment keeps none.
        withdrawn: Share of decisions that withdraw both sides.
        scalars: Means over the minibatches, by tag.
    """

    steps: int
    episodes: npt.NDArray[Any] | None
    withdrawn: float
    scalars: dict[str, float] = field(default_factory=dict)


@dataclass
class Minibatch:
    """Transitions that are learned from at once, shapes (n, ...).

    Attributes:
        obs: Observations.
        actions: As drawn.
        log_prob: Under the policy that drew them.
        advantage: Estimated.
        returns: What the value shall become.
    """

    obs: Tensor
    actions: Tensor
    log_prob: Tensor
    advantage: Tensor
    returns: Tensor

    def rows(self, chosen: Tensor) -> Minibatch:
        """Return some of the transitions."""
        return Minibatch(*(getattr(self, one.name).index_select(0, chosen) for one in fields(self)))


@dataclass
class Losses:
    """What a minibatch asks for.

    Attributes:
        total: The loss (equation 9, with its sign turned).
        policy: Clipped surrogate (equation 7), with its sign turned.
        value: Mean squared error of the value.
        entropy: Mean entropy of the policy.
        kl: Divergence from the policy that drew the actions (Schulman 2020; never negative).
        clip_share: Share of the ratios that are beyond the clip.
        log_ratio: Logarithm of the probability ratio, shape (n,).
        backward: Writes the gradient of the loss where an optimiser looks for it.
    """

    total: Tensor
    policy: float
    value: float
    entropy: float
    kl: float
    clip_share: float
    log_ratio: Tensor
    backward: Callable[[], None]


class NotFiniteError(InternalError):
    """A loss, gradient or return is not finite; holds the transitions it comes from."""

    minibatch: Minibatch


def losses(passes: Passes, batch: Minibatch, p: Params) -> Losses:
    """Return the losses of a minibatch."""
    network = passes.network
    if network.discrete or INTERPRETED:
        return losses_in_torch(network, batch, p)
    mean, values = passes.forward(batch.obs)
    rest = (batch.actions, batch.log_prob, batch.advantage, batch.returns)
    weights = Weights(p.epsilon, p.value_weight, p.entropy_weight)
    found = clipped_loss(mean, network.log_std, values, rest, weights)
    gradients = (found.by_mean, found.by_log_std, found.by_values)
    return Losses(found.total, **found.told, backward=lambda: passes.backward(*gradients))


def losses_in_torch(network: ActorCritic, batch: Minibatch, p: Params) -> Losses:
    """Return the same, computed by torch: what `losses` is compared with."""

    def backward() -> None:
        network.zero_grad(set_to_none=False)
        total.backward()

    values = network.values(batch.obs)
    log_prob, entropy = network.evaluate(batch.obs, batch.actions)
    a = (batch.advantage - batch.advantage.mean()) / (batch.advantage.std() + 1e-8)
    log_ratio = log_prob - batch.log_prob
    ratio = torch.exp(log_ratio)
    clipped = torch.clamp(ratio, 1.0 - p.epsilon, 1.0 + p.epsilon)
    policy_loss = -torch.minimum(a * ratio, a * clipped).mean()
    value_loss = ((batch.returns - values) ** 2).mean()
    mean_entropy = entropy.mean()
    total = policy_loss + p.value_weight * value_loss - p.entropy_weight * mean_entropy
    with torch.no_grad():
        change = ratio - 1.0
        kl = (change - log_ratio).mean()
        clip_share = (change.abs() > p.epsilon).float().mean()
    return Losses(
        total,
        policy=policy_loss.item(),
        value=value_loss.item(),
        entropy=mean_entropy.item(),
        kl=kl.item(),
        clip_share=clip_share.item(),
        log_ratio=log_ratio.detach(),
        backward=backward,
    )


def advantages(played: Rollout, gamma: float, gae_lambda: float) -> Tensor:
    """Return generalised advantage estimates, shape (horizon, envs) (equations 11 and 12).

    Nothing is carried over the end of an episode. Where one was cut, the value of its last
    observation stands for what would have come; where it ended, nothing does.
    """
    rewards, values, last = played.rewards.numpy(), played.values.numpy(), played.last.numpy()
    goes_on, cut_values = ~played.ended.numpy(), played.cut_values.numpy()
    found, ahead, following = np.empty_like(rewards), np.zeros_like(last), last
    for t in range(len(found) - 1, -1, -1):
        behind = np.where(goes_on[t], following, cut_values[t])
        delta = rewards[t] + gamma * behind - values[t]
        ahead = delta + gamma * gae_lambda * np.where(goes_on[t], ahead, 0.0)
        found[t] = ahead
        following = values[t]
    return torch.from_numpy(found)


class Trainer:
    """Network, optimiser, environments, and the two halves of an iteration.

    Args:
        venv: Gymnasium vector environment that resets in the same step.
        params: Hyper-parameters.
        seed: Of weights, draws, minibatches and environments.
        steps: Environment steps of the whole run, at which the step size is zero.
    """

    def __init__(self, venv: Any, params: Params, seed: int, steps: int) -> None:
        self.venv, self.params, self.steps = venv, params, steps
        self.done = 0
        space = venv.single_observation_space
        torch.manual_seed(seed % 2**63)  # of the first weights
        self.network = ActorCritic(
            space.shape[0], venv.single_action_space, params.hidden, params.initial_std
        )
        self.unseen = unseen_columns(venv, params.hide)
        std = torch.ones(space.shape[0])
        std[self.unseen] = torch.inf  # what is divided by it is zero
        self.network.scale(torch.zeros(space.shape[0]), std)
        self.generator = torch.Generator().manual_seed(seed % 2**63)
        self.weights = self.network.as_one()
        self.passes = Passes(self.network)
        self.optimizer = torch.optim.Adam(
            [self.weights], lr=params.learning_rate, eps=1e-5, fused=True
        )
        self.normalizer = (
            ReturnNormalizer(venv.num_envs, params.gamma) if params.normalize_returns else None
        )
        obs, _ = venv.reset(seed=training_seeds(seed, venv.num_envs))
        if params.stagger:
            obs = stagger(venv, obs, seed)
        self.obs = torch.from_numpy(np.array(obs, np.float32))
        self.moments = np.zeros((3, space.shape[0]))  # of observations: count, mean, squares

    def iterate(self) -> Figures:
        """Play a rollout and learn from it.

        Raises:
            InternalError: The loss is not finite; the weights are those before this minibatch.
        """
        if self.params.final_std is not None and not self.network.discrete:
            share = min(self.done / self.steps, 1.0)
            self.network.anneal_std(self.params.initial_std, self.params.final_std, share)
        played, figures = self.play()
        figures.scalars.update(self.learn(played))
        self.done += figures.steps
        if self.params.normalize_observations:
            self._rescale(played.obs)
        return figures

    def play(self) -> tuple[Rollout, Figures]:
        """Play ``horizon`` decisions of each environment with the policy as it is."""
        p, venv, network = self.params, self.venv, self.network
        shape = (p.horizon, venv.num_envs)
        rewards, cut_values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        ended = np.zeros(shape, np.bool_)
        obs, heads, actions, episodes = [], [], [], []
        env_s = 0.0
        for t in range(p.horizon):
            with torch.no_grad():
                head = network.head(self.obs)
                drawn = network.draw(head, self.generator)
            obs.append(self.obs)
            heads.append(head)
            actions.append(drawn)
            to_play = to_env(drawn, venv.single_action_space)
            began = time.perf_counter()
            raw, reward, terminated, truncated, infos = venv.step(to_play)
            env_s += time.perf_counter() - began
            done = terminated | truncated
            reward = np.asarray(reward, np.float64)
            rewards[t] = self.normalizer(reward, done) if self.normalizer else reward
            ended[t] = done
            if done.any():
                cut = truncated & ~terminated
                if cut.any():
                    final = np.stack(list(infos["final_obs"][cut])).astype(np.float32)
                    with torch.no_grad():
                        cut_values[t][cut] = network.values(torch.from_numpy(final)).numpy()
                if hasattr(venv.unwrapped, "last_episodes"):
                    episodes.append(venv.unwrapped.last_episodes[done].copy())
            self.obs = torch.from_numpy(np.array(raw, np.float32))
        with torch.no_grad():  # of all observations in one go: fewer, larger products
            last = network.values(self.obs)
            seen = torch.stack(obs)
            parts = seen.reshape(-1, seen.shape[-1]).split(p.minibatch)
            values = torch.cat([network.values(part) for part in parts])
            log_prob, _ = network.judge(torch.cat(heads), torch.cat(actions))
        played = Rollout(
            obs=seen,
            actions=torch.stack(actions),
            log_prob=log_prob.reshape(shape),
            values=values.reshape(shape),
            rewards=torch.from_numpy(rewards),
            ended=torch.from_numpy(ended),
            cut_values=torch.from_numpy(cut_values),
            last=last,
        )
        withdrawn = 0.0 if network.discrete else withdraw_rate(played.actions.numpy())
        records = np.concatenate(episodes) if episodes else None
        return played, Figures(rewards.size, records, withdrawn, {"time/env_s": env_s})

    def state(self) -> State:
        """Return everything that the rest of the run depends on."""
        arrays, env = environment_state(self.venv)
        arrays |= {f"network.{k}": v.numpy().copy() for k, v in self.network.state_dict().items()}
        for i, slot in self.optimizer.state_dict()["state"].items():
            arrays |= {f"adam.{i}.{k}": np.asarray(v.numpy()).copy() for k, v in slot.items()}
        arrays["generator"] = self.generator.get_state().numpy()
        arrays["obs"], arrays["moments"] = self.obs.numpy(), self.moments
        for name in ("obs_mean", "obs_std"):
            arrays[name] = getattr(self.network, name).numpy().copy()
        if self.normalizer is not None:
            arrays |= {f"returns.{k}": v for k, v in self.normalizer.arrays().items()}
        return arrays, {"env": env, "done": self.done}

    def restore(self, arrays: Arrays, plain: dict[str, Any]) -> None:
        """Go on from a state of `state`, of a trainer made with the same arguments."""
        restore_environment(self.venv, arrays, plain["env"])
        tensors = {k: torch.from_numpy(np.array(v)) for k, v in arrays.items() if k[:4] != "env."}
        weights = self.network.state_dict()
        self.network.load_state_dict({k: tensors[f"network.{k}"] for k in weights})
        slots: dict[int, dict[str, Tensor]] = {}
        for name in tensors:
            if name.startswith("adam."):
                _, i, key = name.split(".")
                slots.setdefault(int(i), {})[key] = tensors[name]
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})
        self.generator.set_state(tensors["generator"])
        self.obs, self.moments = tensors["obs"], np.array(arrays["moments"])
        self.network.scale(tensors["obs_mean"], tensors["obs_std"])
        if self.normalizer is not None:
            kept = {k[8:]: np.array(v) for k, v in arrays.items() if k.startswith("returns.")}
            self.normalizer = ReturnNormalizer.from_arrays(kept, frozen=False)
        self.done = int(plain["done"])

    def _not_finite(self, what: str, batch: Minibatch) -> NotFiniteError:
        error = NotFiniteError(
            "HG-I052",
            f"{what} is not finite after {self.done:,} steps; the weights are those before it: "
            "lower learning_rate, or look at the rewards",
        )
        error.minibatch = batch
        return error

    def _rescale(self, obs: Tensor) -> None:
        """Take a rollout into mean and variance of the observations (Chan et al. 1979).

        The scale changes between two rollouts only: within one, the policy that drew the actions
        and the one that learns from them read the same numbers.
        """
        new = obs.reshape(-1, obs.shape[-1]).double().numpy()
        count, mean, squares = self.moments
        total = count + len(new)
        shift = new.mean(axis=0) - mean
        squares += ((new - new.mean(axis=0)) ** 2).sum(axis=0) + shift**2 * count * len(new) / total
        mean += shift * len(new) / total
        count += len(new)
        std = np.maximum(np.sqrt(squares / count), 1e-3)
        std[self.unseen] = np.inf
        self.network.scale(torch.from_numpy(mean), torch.from_numpy(std))

    def learn(self, played: Rollout) -> dict[str, float]:
        """Improve policy and value by the clipped surrogate (equation 9); return mean figures."""
        p = self.params
        advantage = advantages(played, p.gamma, p.gae_lambda)
        returns = (advantage + played.values).reshape(-1)
        obs = played.obs.reshape(-1, played.obs.shape[-1])
        whole = Minibatch(
            obs=obs,
            actions=played.actions.reshape(len(obs), *played.actions.shape[2:]),
            log_prob=played.log_prob.reshape(-1),
            advantage=advantage.reshape(-1),
            returns=returns,
        )
        if not torch.isfinite(returns).all():
            raise self._not_finite("a return", whole)
        explained = 1.0 - float((returns - played.values.reshape(-1)).var() / returns.var())
        rate = p.learning_rate * max(0.0, 1.0 - self.done / self.steps)
        self.optimizer.param_groups[0]["lr"] = rate
        kept: list[list[float]] = []
        kl = 0.0
        for _ in range(p.epochs):
            order = torch.randperm(len(obs), generator=self.generator)
            for chosen in order.split(p.minibatch):
                batch = whole.rows(chosen)
                found = losses(self.passes, batch, p)
                kl = found.kl
                if not torch.isfinite(found.total):
                    raise self._not_finite("the loss", batch)
                kept.append([found.policy, found.value, found.entropy, kl, found.clip_share])
                if p.target_kl is not None and kl > 1.5 * p.target_kl:
                    break
                found.backward()
                norm = torch.nn.utils.clip_grad_norm_(self.weights, p.max_grad_norm)
                if not torch.isfinite(norm):
                    raise self._not_finite("the gradient", batch)
                self.optimizer.step()
            if p.target_kl is not None and kl > 1.5 * p.target_kl:
                break
        names = ("policy_gradient_loss", "value_loss", "entropy", "approx_kl", "clip_fraction")
        means = np.mean(kept, axis=0).tolist()
        figures = {f"train/{name}": mean for name, mean in zip(names, means, strict=True)}
        return figures | {
            "train/explained_variance": explained,
            "train/learning_rate": rate,
            "train/minibatches": float(len(kept)),
        }


def replay(folder: str | Path) -> dict[str, float]:
    """Compute the losses again that were not finite.

    Args:
        folder: ``not-finite-...`` of a run folder.

    Returns:
        ``policy``, ``value``, ``entropy`` and ``total``, the largest absolute ``log_ratio``, and
        for each part of the transitions how many rows are not finite (``obs_rows`` and so on).

    Raises:
        DataError: The folder is damaged or holds something else.
    """
    arrays, plain = read_state(Path(folder))
    params = Params.model_validate(plain["params"])
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    batch = Minibatch(*(tensors[f"minibatch.{one.name}"] for one in fields(Minibatch)))
    space: Any = (
        spaces.Discrete(plain["choices"])
        if plain["choices"]
        else spaces.Box(-1.0, 1.0, batch.actions.shape[1:])
    )
    network = ActorCritic(batch.obs.shape[1], space, params.hidden, params.initial_std)
    network.load_state_dict({k: tensors[f"network.{k}"] for k in network.state_dict()})
    network.scale(tensors["obs_mean"], tensors["obs_std"])
    with torch.no_grad():
        found = losses(Passes(network), batch, params)
    figures = {name: float(getattr(found, name)) for name in ("policy", "value", "entropy")}
    figures |= {"total": float(found.total), "log_ratio": float(found.log_ratio.abs().max())}
    for one in fields(batch):
        rows = torch.isfinite(getattr(batch, one.name).reshape(len(batch.obs), -1)).all(1)
        figures[f"{one.name}_rows"] = float((~rows).sum())
    return figures


def train_steps(trainer: Trainer) -> None:
    """Iterate until the trainer's steps are done."""
    while trainer.done < trainer.steps:
        trainer.iterate()


class FastPPO:
    """Learns by proximal policy optimisation, straight on arrays; can be resumed.

    Args:
        params: Hyper-parameters.
    """

    name: ClassVar[str] = "fast PPO"
    params_type: ClassVar[type[Params]] = Params
    resumable: ClassVar[bool] = True

    def __init__(self, params: Params | None = None) -> None:
        self.params = Params() if params is None else Params.model_validate(params)

    def train(self, session: TrainSession) -> PPOPolicy:
        """Train and return the last policy; checkpoints are in the run folder."""
        set_torch_threads(1)
        venv = session.make_env(self.params.n_envs)
        try:
            trainer = Trainer(venv, self.params, session.seed, session.steps)
            saved = 0
            if session.resumed is not None:
                arrays, plain = session.resumed
                trainer.restore(arrays, plain)
                saved = int(plain["saved"])
                session.go_on(plain["session"], trainer.done, self._policy(trainer))
            while trainer.done < session.steps and not session.stop.requested:
                began = time.monotonic()
                try:
                    figures = trainer.iterate()
                except NotFiniteError as error:
                    raise self._keep(session, trainer, error) from error
                session.progress.advance(figures.steps)
                self._report(session, trainer.done, figures, time.monotonic() - began)
                due = trainer.done >= saved + session.checkpoint_steps
                if due and trainer.done < session.steps:
                    saved = trainer.done
                    self._save(session, trainer, saved)
            return self._save(session, trainer, saved)
        finally:
            venv.close()

    def load(self, run: Any, which: str = "best", name: str = "fast PPO") -> PPOPolicy:
        """Load the policy of a run folder."""
        return PPOPolicy.load(run, which, name)

    def _save(self, session: TrainSession, trainer: Trainer, saved: int) -> PPOPolicy:
        """Save policy and state; ``saved`` is the step of the last checkpoint that was due."""
        policy = self._policy(trainer)
        state = trainer.state() if hasattr(trainer.venv.unwrapped, "snapshot") else None
        session.save(policy, trainer.done, state, saved)
        return policy

    def _keep(
        self, session: TrainSession, trainer: Trainer, error: NotFiniteError
    ) -> NotFiniteError:
        """Write what `replay` needs, and return an error that says where."""
        folder = session.run.path / f"not-finite-{trainer.done:012d}"
        arrays = {f"network.{k}": v.numpy().copy() for k, v in trainer.network.state_dict().items()}
        for name in ("obs_mean", "obs_std"):
            arrays[name] = getattr(trainer.network, name).numpy().copy()
        for one in fields(error.minibatch):
            arrays[f"minibatch.{one.name}"] = getattr(error.minibatch, one.name).numpy()
        choices = trainer.network.outputs if trainer.network.discrete else 0
        plain = {"params": self.params.model_dump(mode="json"), "choices": choices}
        write_folder(folder, state_files(arrays, plain))
        said = NotFiniteError(
            "HG-I052", f"{error}; {folder} holds the transitions (agents.fast_ppo.replay)"
        )
        said.minibatch = error.minibatch
        return said

    def _policy(self, trainer: Trainer) -> PPOPolicy:
        scale = trainer.normalizer.arrays() if trainer.normalizer else {}
        return trainer.network.policy(self.name, trainer.done, self.params, scale)

    def _report(self, session: TrainSession, step: int, figures: Figures, seconds: float) -> None:
        ended = [] if figures.episodes is None else [figures.episodes]
        scalars = figures.scalars | session.rollout_scalars(ended, figures.withdrawn, step)
        scalars["time/fps"] = figures.steps / max(seconds, 1e-9)
        scalars["time/env_share"] = scalars.pop("time/env_s") / max(seconds, 1e-9)
        session.writer.scalars(scalars, step)
