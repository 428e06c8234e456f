"""Configuration of a run: one YAML file in ``configs/``, read into frozen models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from hftgym.errors import ConfigError
from hftgym.names import check_name, load_attribute
from hftgym.training.task import ENV_ID, KNOWN_IDS, KnownTask, MarketTask
from hftgym.yaml_model import StrictModel

#: Form of action of the scripted policies.
BASELINE_ACTION = "continuous"

_IDLE = ("agents.do_nothing:DoNothing", "agents.random_policy:RandomPolicy")
_MAKERS = (
    *_IDLE,
    "agents.constant_spread:ConstantSpread",
    "agents.inventory_skew:InventorySkew",
    "agents.avellaneda_stoikov:AvellanedaStoikov",
    "agents.glft:GLFT",
    "agents.cartea_jaimungal:CarteaJaimungal",
    "agents.oracle:Oracle",
)

#: Scripted policies that learners are compared with, by the id of the environment.
BASELINES: dict[str, tuple[str, ...]] = {
    ENV_ID: _MAKERS,
    "hftgym/Execution-v0": (
        *_IDLE,
        "agents.twap:TWAP",
        "agents.vwap:VWAP",
        "agents.pov:POV",
        "agents.almgren_chriss:AlmgrenChriss",
    ),
    "hftgym/Taking-v0": (
        *_IDLE,
        "agents.signal_taker:SignalTaker",
        "agents.imbalance_taker:ImbalanceTaker",
        "agents.momentum:Momentum",
        "agents.mean_reversion:MeanReversion",
    ),
    "hftgym/Pairs-v0": (*_IDLE, "agents.pairs:Pairs"),
}


class EnvironmentConfig(StrictModel):
    """Arguments of the environment."""

    horizon_s: float = Field(default=300.0, gt=0.0)
    """Length of an episode, in seconds."""
    step_s: float = Field(default=0.5, gt=0.0)
    """Time between two decisions, in seconds."""
    horizon: Literal["finite", "continuing"] = "finite"
    """Whether the end is part of the task (terminated) or a cut (truncated)."""
    action: Literal["continuous", "sized", "discrete", "orders"] = "continuous"
    """Form of the learner's action; the scripted baselines play the continuous one."""


class EvaluationConfig(StrictModel):
    """How checkpoints are chosen and the result is judged."""

    validations: int = Field(default=8, ge=1)
    """Checkpoints of a run; the one that is best on validation markets is evaluated."""
    validation_markets: int = Field(default=64, ge=1)
    """Markets on which checkpoints are compared."""
    test_markets: int = Field(default=512, ge=2)
    """Markets of the final comparison."""
    num_envs: int = Field(default=256, ge=1)
    """Markets played at a time."""
    market_root: int = Field(default=0, ge=0)
    """Root of the market seeds."""
    stochastic: bool = True
    """Show the stochastic policy beside the deterministic one."""
    resamples: int = Field(default=4000, ge=100)
    """Resamples of the bootstrap."""
    block_s: float = Field(default=60.0, gt=0.0)
    """Length of the blocks of a tape's bootstrap, in seconds."""
    baselines: tuple[str, ...] | None = None
    """Policies to compare with, each as ``module:attribute``; those of the task when not given."""


class TuningConfig(StrictModel):
    """Budget that every baseline gets on the tuning markets."""

    trials: int = Field(default=50, ge=1)
    """Parameter sets for each baseline."""
    markets: int = Field(default=32, ge=1)
    """Tuning markets; each parameter set plays all of them."""
    num_envs: int = Field(default=256, ge=1)
    """Markets played at a time."""
    market_root: int = Field(default=0, ge=0)
    """Root of the market seeds."""


class TrainConfig(StrictModel):
    """A training run and its evaluation."""

    agent: str = "agents.ppo:PPO"
    """Learner, as ``module:attribute``."""
    name: str = "ppo-market-making"
    """Name of the run folder."""
    scenario: str = "default"
    """Name or file of the scenario."""
    data: str | None = None
    """Data of a tape scenario: a LOBSTER message file."""
    env_id: str = ENV_ID
    """Gymnasium id of the environment."""
    environment: EnvironmentConfig = EnvironmentConfig()
    """Arguments of a market environment."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Further arguments of the environment; a task with a known answer has these alone."""
    seeds: tuple[int, ...] = Field(default=(0,), min_length=1)
    """Training seeds: each is a learner and a run folder of its own."""
    steps: int = Field(default=5_000_000, ge=1)
    """Environment steps of each learner."""
    params: dict[str, Any] = Field(default_factory=dict)
    """Hyper-parameters of the learner."""
    evaluation: EvaluationConfig = EvaluationConfig()
    """Validation and final comparison."""
    tuning: TuningConfig = TuningConfig()
    """Tuning of the baselines."""

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        return check_name(name, "run name")

    @field_validator("seeds")
    @classmethod
    def _seeds_count_up(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if any(seed < 0 for seed in seeds) or len(set(seeds)) != len(seeds):
            raise ValueError("seeds must be different integers of at least 0")
        return seeds

    @model_validator(mode="after")
    def _known_tasks_have_no_market(self) -> TrainConfig:
        if self.known:
            for name in ("scenario", "data", "environment", "tuning"):
                if getattr(self, name) != type(self).model_fields[name].default:
                    raise ValueError(
                        f"{name} does not apply to {self.env_id}: it has no market; its arguments "
                        "go under arguments"
                    )
        return self

    @property
    def known(self) -> bool:
        """Whether the task has a known answer instead of a market."""
        return self.env_id in KNOWN_IDS

    def task(self) -> MarketTask | KnownTask:
        """Return the environment of this run."""
        if self.known:
            return KnownTask(self.env_id, self.arguments)
        return MarketTask(
            env_id=self.env_id,
            scenario=self.scenario,
            data=self.data,
            arguments=self.environment.model_dump() | self.arguments,
        )

    @property
    def baselines(self) -> tuple[str, ...]:
        """Scripted policies that the learner is compared with."""
        given = self.evaluation.baselines
        return BASELINES.get(self.env_id, _MAKERS) if given is None else given

    @property
    def on_tape(self) -> bool:
        """Whether history plays in the market, so that its windows are not independent."""
        from hftgym.scenario import load_scenario

        if self.known:
            return False
        return self.data is not None or load_scenario(self.scenario).tape is not None

    def learner(self) -> Any:
        """Return the learner with its hyper-parameters.

        Raises:
            UsageError: There is no such agent.
            ConfigError: It does not take these hyper-parameters.
        """
        from pydantic import ValidationError

        learner_class = load_attribute(self.agent, "agent")
        forms = getattr(learner_class, "actions", ("continuous", "sized"))
        if not self.known and self.environment.action not in forms:
            raise ConfigError(
                "HG-C073",
                f"environment.action: {self.agent} does not learn {self.environment.action!r} "
                f"actions, only {' or '.join(map(repr, forms))}",
            )
        try:
            return learner_class(learner_class.params_type.model_validate(self.params))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(["params", *(str(part) for part in first["loc"])])
            raise ConfigError(
                "HG-C040", f"{key}: {first['msg']} (got {first['input']!r}; agent {self.agent})"
            ) from None
