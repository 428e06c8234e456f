"""Soft actor-critic (Haarnoja et al. 2018) through Stable-Baselines3.

"Soft actor-critic algorithms and applications", with the temperature tuned to a target entropy.
The learner runs on the native vector environment; what comes out is a `SACPolicy`, which needs no
torch.

Rewards lie in a replay buffer for long, so their scale must not move: it is measured once, from the
returns of random actions, and stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from agents.network import FORMAT, take_scale
from agents.policy import AgentParams
from agents.sac_policy import SACPolicy
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.passivity import withdraw_rate
from hftgym.training.resume import Arrays
from hftgym.training.session import TrainSession
from hftgym.training.threads import set_torch_threads

if TYPE_CHECKING:
    from stable_baselines3 import SAC as SB3SAC
    from torch import Tensor

__all__ = ["SAC", "Params", "SACPolicy"]

Moments = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  # mean and deviation
_LEAST_VARIANCE = 1e-4  # of an observation: what never moves is not blown up


class Params(AgentParams):
    """Hyper-parameters, by the names of the paper or of Stable-Baselines3."""

    n_envs: int = Field(default=64, ge=1)
    """Environments in the batch."""
    batch_size: int = Field(default=512, ge=2)
    """Transitions in a minibatch."""
    gradient_steps: int = Field(default=8, ge=1)
    """Updates after each step of all environments."""
    buffer_size: int = Field(default=1_000_000, ge=1)
    """Transitions in the replay buffer."""
    learning_starts: int = Field(default=20_000, ge=0)
    """Environment steps with random actions before the first update."""
    learning_rate: float = Field(default=3e-4, gt=0.0)
    """Step size at the start; it falls linearly to zero."""
    gamma: float = Field(default=0.995, gt=0.0, le=1.0)
    """Discount of a step."""
    n_steps: int = Field(default=1, ge=1)
    """Rewards that a target adds up before the value behind them (Hessel et al. 2018)."""
    tau: float = Field(default=0.005, gt=0.0, le=1.0)
    """Share of the critics that goes into their targets at an update."""
    temperature: float | None = Field(default=None, ge=0.0)
    """alpha: weight of the entropy; tuned to the target entropy when not given."""
    target_entropy: float | None = None
    """Entropy to tune for; minus the number of actions when not given."""
    exploration_noise: float = Field(default=0.0, ge=0.0)
    """Standard deviation of normal noise on the actions that are played, beside the policy's own.
    Where an action matters little beside what comes after it, the critics learn its worth only from
    actions that differ much, and a policy with so much entropy would quote too wide."""
    average: float | None = Field(default=None, ge=0.0)
    """eta of the average of the actor's weights that is saved: steadier than the newest. Of n
    averaged ones the newest counts (eta + 1) / (n + eta), so that about the last 1 / (eta + 1) of a
    run counts (Shamir and Zhang 2013, section 4). Not given: the newest weights are saved."""
    hidden: tuple[int, ...] = Field(default=(64, 64), min_length=1)
    """Widths of the layers of actor and critics."""
    scale_steps: int = Field(default=600, ge=0)
    """Steps of all environments with random actions from which the scale of returns is measured.
    0: rewards are taken as they are."""
    normalize_observations: bool = False
    """Whether observations are centred and scaled by what random play has seen in these steps."""
    report_steps: int = Field(default=20_000, ge=1)
    """Environment steps between two lines of figures."""

    @model_validator(mode="after")
    def _scale_is_measured(self) -> Params:
        if self.normalize_observations and self.scale_steps == 0:
            raise ValueError("normalize_observations needs scale_steps above 0")
        return self


class SAC:
    """Learns by soft actor-critic, through Stable-Baselines3.

    Args:
        params: Hyper-parameters.
    """

    name: ClassVar[str] = "SAC"
    params_type: ClassVar[type[Params]] = Params
    resumable: ClassVar[bool] = True

    def __init__(self, params: Params | None = None) -> None:
        self.params = Params() if params is None else Params.model_validate(params)

    def train(self, session: TrainSession) -> SACPolicy:
        """Train and return the last policy; checkpoints are in the run folder."""
        from stable_baselines3.common.logger import Logger

        from agents.sac_state import restore_sac
        from hftgym.training.sb3 import SB3VecEnv
        from hftgym.training.sb3_logger import MetricsOutput

        set_torch_threads(1)
        batch = session.make_env(self.params.n_envs)
        ended: list[npt.NDArray[Any]] = []
        normalizer, seen = self._scale(batch, session.seed)
        venv = SB3VecEnv(batch, normalizer, on_episodes=ended.append, stagger=True)
        try:
            device = "cpu" if session.device == "auto" else session.device
            model = self.model(venv, session.seed, device, seen)
            model.set_logger(Logger(str(session.run.path), [MetricsOutput(session.writer)]))
            callback = _callback(self, session, ended)
            if session.resumed is not None:
                arrays, plain = session.resumed
                restore_sac(model, arrays, plain)
                callback.go_on(arrays, plain)
                session.go_on(
                    plain["session"], model.num_timesteps, self.policy(model, callback.averaged)
                )
            left = session.steps - model.num_timesteps
            again = session.resumed is not None
            if left > 0:
                model.learn(
                    left, callback=callback, log_interval=10**9, reset_num_timesteps=not again
                )
            if callback.left:
                stopped: SACPolicy = callback.policy
                return stopped
            return self.save(session, model, callback.due, callback.averaged)
        finally:
            venv.close()

    def save(
        self, session: TrainSession, model: SB3SAC, due: int, averaged: dict[str, Tensor]
    ) -> SACPolicy:
        """Save policy and state.

        Args:
            session: Of the run.
            model: The learner.
            due: Step of the last checkpoint that was due.
            averaged: The actor's running average; empty: there is none.
        """
        from agents.sac_state import sac_state

        policy = self.policy(model, averaged)
        venv: Any = model.env
        state = None
        if hasattr(venv.venv.unwrapped, "snapshot"):
            arrays, plain = sac_state(model)
            own = {f"average.{name}": tensor.numpy().copy() for name, tensor in averaged.items()}
            state = arrays | own, plain
        session.save(policy, int(model.num_timesteps), state, due)
        return policy

    def model(
        self, venv: Any, seed: int, device: str = "cpu", seen: Moments | None = None
    ) -> SB3SAC:
        """Return Stable-Baselines3's learner with these hyper-parameters.

        Args:
            venv: An `SB3VecEnv`.
            seed: Of the networks and of all draws.
            device: ``cpu`` or ``cuda``.
            seen: Mean and deviation by which observations are scaled; None: they are not.
        """
        import torch
        from stable_baselines3 import SAC as SB3SAC
        from stable_baselines3.common.noise import NormalActionNoise, VectorizedActionNoise

        p = self.params
        noise = None
        if p.exploration_noise > 0.0:
            zeros = np.zeros(venv.action_space.shape)
            one = NormalActionNoise(zeros, zeros + p.exploration_noise)
            noise = VectorizedActionNoise(one, venv.num_envs)
        kwargs: dict[str, Any] = {"net_arch": list(p.hidden), "activation_fn": torch.nn.ReLU}
        if seen is not None:
            from agents.scaled_observations import ScaledObservations

            kwargs["features_extractor_class"] = ScaledObservations
            kwargs["features_extractor_kwargs"] = {"mean": seen[0], "std": seen[1]}
        return SB3SAC(
            "MlpPolicy",
            venv,
            learning_rate=lambda left: p.learning_rate * left,
            buffer_size=p.buffer_size,
            learning_starts=p.learning_starts,
            batch_size=p.batch_size,
            tau=p.tau,
            gamma=p.gamma,
            n_steps=p.n_steps,
            train_freq=1,
            gradient_steps=p.gradient_steps,
            action_noise=noise,
            ent_coef="auto" if p.temperature is None else p.temperature,
            target_entropy="auto" if p.target_entropy is None else p.target_entropy,
            policy_kwargs=kwargs,
            seed=seed % 2**32,
            device=device,
        )

    def policy(self, model: SB3SAC, averaged: dict[str, Tensor] | None = None) -> SACPolicy:
        """Return actor and critics as a policy that needs no torch.

        Args:
            model: The learner.
            averaged: What stands for the newest weights of the actor, by name.
        """
        tensors = model.actor.state_dict() | model.critic.state_dict() | (averaged or {})
        weights = {
            key: np.array(tensor.detach().cpu().numpy())
            for key, tensor in tensors.items()
            if not key.startswith("features_extractor.")
        }
        if "features_extractor.mean" in tensors:
            parts = (tensors[f"features_extractor.{key}"] for key in ("mean", "std"))
            mean, std = (part.double().cpu().numpy() for part in parts)
            for layer in ("latent_pi.0", "qf0.0", "qf1.0"):
                take_scale(weights, layer, mean, std)
        normalizer = getattr(model.env, "normalizer", None)
        config = {
            "format": FORMAT,
            "observations": int(model.observation_space.shape[0]),  # type: ignore[index]
            "actions": int(model.action_space.shape[0]),  # type: ignore[index]
            "hidden": list(self.params.hidden),
            "activation": "relu",
            "reward_scale": 1.0 if normalizer is None else normalizer.scale,
            "steps": int(model.num_timesteps),
            "params": self.params.model_dump(mode="json"),
        }
        return SACPolicy(config, weights, self.name)

    def load(self, run: Any, which: str = "best", name: str = "SAC") -> SACPolicy:
        """Load the policy of a run folder."""
        return SACPolicy.load(run, which, name)

    def _scale(self, venv: Any, seed: int) -> tuple[ReturnNormalizer | None, Moments | None]:
        """Return what random play says of the scale of returns, and of observations.

        The normaliser learns no more.
        """
        if self.params.scale_steps == 0:
            return None, None
        normalizer = ReturnNormalizer(venv.num_envs, self.params.gamma)
        rng = np.random.default_rng(seed)
        venv.reset(seed=[int(s) for s in rng.integers(0, 2**63, venv.num_envs)])
        shape = (venv.num_envs, *venv.single_action_space.shape)
        sums = np.zeros((2, *venv.single_observation_space.shape))
        for _ in range(self.params.scale_steps):
            actions = rng.uniform(-1.0, 1.0, shape).astype(np.float32)
            obs, rewards, terminated, truncated, _ = venv.step(actions)
            normalizer(np.asarray(rewards, np.float64), terminated | truncated)
            sums += obs.mean(axis=0, dtype=np.float64), (obs.astype(np.float64) ** 2).mean(axis=0)
        normalizer.frozen = True
        if not self.params.normalize_observations:
            return normalizer, None
        mean, square = sums / self.params.scale_steps
        return normalizer, (mean, np.sqrt(np.maximum(square - mean**2, _LEAST_VARIANCE)))


def average(
    averaged: dict[str, Tensor], weights: dict[str, Tensor], count: int, eta: float
) -> None:
    """Take the count-th weights into their polynomial-decay average, in place."""
    share = (eta + 1.0) / (count + eta)
    for name, weight in weights.items():
        if name.startswith("features_extractor."):
            continue  # figures that stay
        if name in averaged:
            averaged[name].lerp_(weight.cpu(), share)
        else:
            averaged[name] = weight.cpu().clone()


def _callback(agent: SAC, session: TrainSession, ended: list[npt.NDArray[Any]]) -> Any:
    """Return the callback that reports to a session; Stable-Baselines3 is imported here."""
    from stable_baselines3.common.callbacks import BaseCallback

    class SessionReports(BaseCallback):
        """Scalars, checkpoints, progress, Ctrl-C.

        Checkpoints are taken before a step: what was played is in the buffer then, and learned.
        """

        due = last_report = 0
        left = False
        policy: SACPolicy

        def __init__(self) -> None:
            super().__init__()
            self.averaged: dict[str, Tensor] = {}

        def go_on(self, arrays: Arrays, plain: dict[str, Any]) -> None:
            """Go on where a state of `SAC.save` was taken."""
            import torch

            self.due, self.last_report = int(plain["saved"]), int(plain["done"])
            for name, array in arrays.items():
                if name.startswith("average."):
                    self.averaged[name[8:]] = torch.from_numpy(np.array(array))

        def _on_rollout_start(self) -> None:
            done = self.model.num_timesteps
            due = done >= self.due + session.checkpoint_steps
            if due or session.stop.requested:
                self.due = done if due else self.due
                self.left = session.stop.requested
                self.last_report = done
                self._report()  # a resumed run has no figures of before
                self.policy = agent.save(session, self.model, self.due, self.averaged)  # type: ignore[arg-type]
            model: Any = self.model
            if agent.params.average is not None and model._n_updates > 0:
                count = model._n_updates // agent.params.gradient_steps
                average(self.averaged, model.actor.state_dict(), count, agent.params.average)

        def _on_step(self) -> bool:
            session.progress.advance(self.training_env.num_envs)
            if self.num_timesteps >= self.last_report + agent.params.report_steps:
                self.last_report = self.num_timesteps
                self._report()
            return not self.left

        def _report(self) -> None:
            withdrawn = withdraw_rate(self.locals.get("actions", ()))
            done = self.model.num_timesteps
            for tag, value in session.rollout_scalars(ended, withdrawn, done).items():
                self.logger.record(tag, value)
            ended.clear()
            self.logger.dump(self.model.num_timesteps)

    return SessionReports()
