"""What the three forms of PPO of Stable-Baselines3 and sb3-contrib share.

Each runs on the native vector environment. Returns are normalised by our own statistics, which are
saved with the weights; what comes out is a policy that needs no torch.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from agents.network import FORMAT, NetworkPolicy
from agents.policy import AgentParams
from hftgym.training.normalize import ReturnNormalizer
from hftgym.training.session import TrainSession
from hftgym.training.threads import set_torch_threads


class SB3Params(AgentParams):
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
    normalize_returns: bool = True
    """Divide rewards by the running standard deviation of discounted returns."""
    stagger: bool = True
    """Let the first episodes begin at different times, so that a rollout holds all parts of one."""
    torch_threads: int = Field(default=1, ge=1)
    """Threads of torch. The network is small: with an environment that costs nothing, one thread
    makes 75,000 steps/s on two cores; two threads make 92,000 on an idle machine and 7,000 on a
    busy one. Results are repeatable for a fixed number."""

    @model_validator(mode="after")
    def _batch_fits(self) -> SB3Params:
        rollout = self.n_envs * self.n_steps
        if rollout % self.batch_size:
            raise ValueError(
                f"batch_size {self.batch_size} must divide n_envs * n_steps = {rollout}"
            )
        return self

    def model_arguments(self, session_seed: int, device: str) -> dict[str, Any]:
        """Return what every form of the learner is made with."""
        names = (
            "n_steps batch_size n_epochs gamma gae_lambda clip_range ent_coef vf_coef "
            "max_grad_norm target_kl"
        )
        return {
            **{name: getattr(self, name) for name in names.split()},
            "learning_rate": lambda left: self.learning_rate * left,
            "stats_window_size": self.n_envs,
            "seed": session_seed % 2**32,
            "device": "cpu" if device == "auto" else device,
        }


class SB3Learner:
    """Base of the three learners.

    Args:
        params: Hyper-parameters.
    """

    name: ClassVar[str]
    params_type: ClassVar[type[SB3Params]]
    policy_type: ClassVar[type[NetworkPolicy]]

    def __init__(self, params: Any = None) -> None:
        kind = self.params_type
        self.params: Any = kind() if params is None else kind.model_validate(params)

    def model(self, venv: Any, seed: int, device: str = "cpu") -> Any:
        """Return the learner on an `SB3VecEnv`, with these hyper-parameters."""
        raise NotImplementedError

    def policy(self, model: Any, normalizer: ReturnNormalizer | None = None) -> Any:
        """Return what it has learned as a policy that needs no torch."""
        raise NotImplementedError

    def train(self, session: TrainSession) -> Any:
        """Train and return the last policy; checkpoints are in the run folder.

        Args:
            session: Environments, seeds, steps and where results go.
        """
        from stable_baselines3.common.logger import Logger

        from hftgym.training.sb3 import SB3VecEnv
        from hftgym.training.sb3_callback import SessionCallback
        from hftgym.training.sb3_logger import MetricsOutput

        p = self.params
        set_torch_threads(p.torch_threads)
        normalizer = ReturnNormalizer(p.n_envs, p.gamma) if p.normalize_returns else None
        venv = SB3VecEnv(session.make_env(p.n_envs), normalizer, stagger=p.stagger)
        try:
            model = self.model(venv, session.seed, session.device)
            model.set_logger(Logger(str(session.run.path), [MetricsOutput(session.writer)]))
            callback = SessionCallback(session, venv, lambda: self.policy(model, normalizer))
            model.learn(session.steps, callback=callback)
            policy = self.policy(model, normalizer)
            if callback.last_checkpoint != model.num_timesteps:
                session.checkpoint(policy, model.num_timesteps, policy.files())
            return policy
        finally:
            venv.close()

    def load(self, run: Any, which: str = "best", name: str | None = None) -> Any:
        """Load the policy of a run folder."""
        return self.policy_type.load(run, which, name or self.name)

    def config(self, model: Any) -> dict[str, Any]:
        """Return what ``policy.json`` says of every form."""
        return {
            "format": FORMAT,
            "observations": int(model.observation_space.shape[0]),
            "hidden": list(self.params.hidden),
            "activation": "tanh",
            "steps": int(model.num_timesteps),
            "params": self.params.model_dump(mode="json"),
        }


def weights_of(model: Any) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a learner's network by name."""
    return {k: np.array(v.detach().cpu().numpy()) for k, v in model.policy.state_dict().items()}
