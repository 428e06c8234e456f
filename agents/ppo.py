"""Proximal policy optimisation (Schulman et al. 2017) through Stable-Baselines3.

The learner runs on the native vector environment. Returns are normalised by our own statistics,
which are saved with the weights; what comes out is a `PPOPolicy`, which needs no torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from agents.network import FORMAT
from agents.policy import AgentParams
from agents.ppo_policy import PPOPolicy
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.session import TrainSession
from hftgym.training.threads import set_torch_threads

if TYPE_CHECKING:
    from stable_baselines3 import PPO as SB3PPO

__all__ = ["PPO", "PPOPolicy", "Params"]


class Params(AgentParams):
    """Hyper-parameters, by the names of the paper or of Stable-Baselines3."""

    n_envs: int = Field(default=256, ge=1)
    """Markets in the batch."""
    n_steps: int = Field(default=128, ge=2)
    """Decisions of each market in a rollout."""
    batch_size: int = Field(default=4096, ge=2)
    """Transitions in a minibatch."""
    n_epochs: int = Field(default=6, ge=1)
    """Passes over a rollout."""
    learning_rate: float = Field(default=3e-4, gt=0.0)
    """Step size at the start; it falls linearly to zero."""
    gamma: float = Field(default=0.995, gt=0.0, le=1.0)
    """Discount of a step."""
    gae_lambda: float = Field(default=0.95, ge=0.0, le=1.0)
    """Mixing of the advantage estimates (Schulman et al. 2016)."""
    clip_range: float = Field(default=0.2, gt=0.0)
    """Clip of the probability ratio."""
    ent_coef: float = Field(default=0.0, ge=0.0)
    """Weight of the entropy bonus."""
    vf_coef: float = Field(default=0.5, ge=0.0)
    """Weight of the value loss."""
    max_grad_norm: float = Field(default=0.5, gt=0.0)
    """Clip of the gradient's norm."""
    target_kl: float | None = Field(default=0.03, gt=0.0)
    """Divergence from the old policy at which the passes over a rollout end."""
    hidden: tuple[int, ...] = Field(default=(64, 64), min_length=1)
    """Widths of the tanh layers of policy and critic."""
    initial_std: float = Field(default=0.4, gt=0.0)
    """Standard deviation of the actions at the start: more forfeits the queue by jitter."""
    normalize_returns: bool = True
    """Divide rewards by the running standard deviation of discounted returns."""
    stagger: bool = True
    """Let the first episodes begin at different times, so that a rollout holds all parts of one."""
    torch_threads: int = Field(default=1, ge=1)
    """Threads of torch. The network is small: with an environment that costs nothing, one thread
    makes 75,000 steps/s on two cores; two threads make 92,000 on an idle machine and 7,000 on a
    busy one. Results are repeatable for a fixed number."""

    @model_validator(mode="after")
    def _batch_fits(self) -> Params:
        rollout = self.n_envs * self.n_steps
        if rollout % self.batch_size:
            raise ValueError(
                f"batch_size {self.batch_size} must divide n_envs * n_steps = {rollout}"
            )
        return self


class PPO:
    """Learns by proximal policy optimisation, through Stable-Baselines3.

    Args:
        params: Hyper-parameters.
    """

    name: ClassVar[str] = "PPO"
    params_type: ClassVar[type[Params]] = Params

    def __init__(self, params: Params | None = None) -> None:
        self.params = Params() if params is None else Params.model_validate(params)

    def train(self, session: TrainSession) -> PPOPolicy:
        """Train and return the last policy; checkpoints are in the run folder.

        Args:
            session: Environments, seeds, steps and where results go.
        """
        import torch
        from stable_baselines3 import PPO as SB3PPO
        from stable_baselines3.common.logger import Logger

        from hftgym.training.sb3 import SB3VecEnv
        from hftgym.training.sb3_callback import SessionCallback
        from hftgym.training.sb3_logger import MetricsOutput

        p = self.params
        set_torch_threads(p.torch_threads)
        normalizer = ReturnNormalizer(p.n_envs, p.gamma) if p.normalize_returns else None
        venv = SB3VecEnv(session.make_env(p.n_envs), normalizer, stagger=p.stagger)
        try:
            model = SB3PPO(
                "MlpPolicy",
                venv,
                n_steps=p.n_steps,
                batch_size=p.batch_size,
                n_epochs=p.n_epochs,
                learning_rate=lambda left: p.learning_rate * left,
                gamma=p.gamma,
                gae_lambda=p.gae_lambda,
                clip_range=p.clip_range,
                ent_coef=p.ent_coef,
                vf_coef=p.vf_coef,
                max_grad_norm=p.max_grad_norm,
                target_kl=p.target_kl,
                stats_window_size=p.n_envs,
                policy_kwargs={
                    "net_arch": list(p.hidden),
                    "activation_fn": torch.nn.Tanh,
                    "log_std_init": math.log(p.initial_std),
                },
                seed=session.seed % 2**32,
                device="cpu" if session.device == "auto" else session.device,
            )
            model.set_logger(Logger(str(session.run.path), [MetricsOutput(session.writer)]))

            def current() -> PPOPolicy:
                return self._policy(model, normalizer)

            callback = SessionCallback(session, venv, current)
            model.learn(session.steps, callback=callback)
            policy = current()
            if callback.last_checkpoint != model.num_timesteps:
                session.checkpoint(policy, model.num_timesteps, policy.files())
            return policy
        finally:
            venv.close()

    def load(self, run: Any, which: str = "best", name: str = "PPO") -> PPOPolicy:
        """Load the policy of a run folder."""
        return PPOPolicy.load(run, which, name)

    def _policy(self, model: SB3PPO, normalizer: ReturnNormalizer | None) -> PPOPolicy:
        weights: dict[str, npt.NDArray[Any]] = {
            key: np.array(tensor.detach().cpu().numpy())
            for key, tensor in model.policy.state_dict().items()
        }
        config = {
            "format": FORMAT,
            "observations": int(model.observation_space.shape[0]),  # type: ignore[index]
            "actions": int(model.action_space.shape[0]),  # type: ignore[index]
            "hidden": list(self.params.hidden),
            "activation": "tanh",
            "steps": int(model.num_timesteps),
            "params": self.params.model_dump(mode="json"),
        }
        return PPOPolicy(config, weights, normalizer.arrays() if normalizer else {})
