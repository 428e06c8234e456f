"""Everything that the rest of a SAC run depends on: networks, optimisers, replay buffer, markets.

Stable-Baselines3 draws from the random generators of torch and numpy that a process has one of, so
they are part of it too. Arrays and plain figures alone: nothing here is a pickle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from hftgym.training.resume import Arrays, State, environment_state, restore_environment

if TYPE_CHECKING:
    from stable_baselines3 import SAC as SB3SAC

_BUFFER = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def sac_state(model: SB3SAC) -> State:
    """Return the state of a learner that is about to collect."""
    venv: Any = model.env
    arrays, env = environment_state(venv.venv)
    for name, tensor in model.policy.state_dict().items():
        arrays[f"policy.{name}"] = _array(tensor)
    for name, optimizer in _optimizers(model).items():
        for i, slot in optimizer.state_dict()["state"].items():
            arrays |= {f"{name}/{i}/{key}": _array(value) for key, value in slot.items()}
    if model.log_ent_coef is not None:
        arrays["log_ent_coef"] = _array(model.log_ent_coef)
    buffer: Any = model.replay_buffer
    used = buffer.buffer_size if buffer.full else buffer.pos
    arrays |= {f"buffer.{name}": getattr(buffer, name)[:used] for name in _BUFFER}
    arrays["last_obs"] = np.array(model._last_obs)
    arrays["torch"] = torch.get_rng_state().numpy()
    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002
    arrays["numpy"] = np.asarray(keys)
    space = model.action_space.np_random.bit_generator.state
    return arrays, {
        "env": env,
        "done": int(model.num_timesteps),
        "updates": int(model._n_updates),
        "episodes": int(model._episode_num),
        "buffer": [int(buffer.pos), bool(buffer.full)],
        "numpy": [int(position), int(has_gauss), float(gauss)],
        "space": _plain(space),
    }


def restore_sac(model: SB3SAC, arrays: Arrays, plain: dict[str, Any]) -> None:
    """Go on from a state of `sac_state`, of a learner made with the same arguments.

    Its environments are opened and brought to where they were.
    """
    venv: Any = model.env
    venv.stagger = False  # the episodes stand at different times already
    venv.reset()
    restore_environment(venv.venv, arrays, plain["env"])
    tensors = {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
    weights = model.policy.state_dict()
    model.policy.load_state_dict({name: tensors[f"policy.{name}"] for name in weights})
    for name, optimizer in _optimizers(model).items():
        slots: dict[int, dict[str, torch.Tensor]] = {}
        for key, tensor in tensors.items():
            if key.startswith(f"{name}/"):
                _, i, what = key.split("/")
                slots.setdefault(int(i), {})[what] = tensor
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": slots, "param_groups": groups})
    if model.log_ent_coef is not None:
        model.log_ent_coef.data.copy_(tensors["log_ent_coef"])
    buffer: Any = model.replay_buffer
    for name in _BUFFER:
        kept = arrays[f"buffer.{name}"]
        getattr(buffer, name)[: len(kept)] = kept
    buffer.pos, buffer.full = int(plain["buffer"][0]), bool(plain["buffer"][1])
    model._last_obs = np.array(arrays["last_obs"])
    model._last_episode_starts = np.zeros(venv.num_envs, np.bool_)
    model.num_timesteps = int(plain["done"])
    model._n_updates, model._episode_num = int(plain["updates"]), int(plain["episodes"])
    torch.set_rng_state(tensors["torch"])
    position, has_gauss, gauss = plain["numpy"]
    keys = np.array(arrays["numpy"])
    np.random.set_state(("MT19937", keys, position, has_gauss, gauss))  # noqa: NPY002
    model.action_space.np_random.bit_generator.state = plain["space"]


def _optimizers(model: SB3SAC) -> dict[str, Any]:
    found: dict[str, Any] = {
        "actor.optimizer": model.actor.optimizer,
        "critic.optimizer": model.critic.optimizer,
    }
    if model.ent_coef_optimizer is not None:
        found["ent_coef_optimizer"] = model.ent_coef_optimizer
    return found


def _array(value: Any) -> npt.NDArray[Any]:
    return np.array(value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else value)


def _plain(value: Any) -> Any:
    """Return nested figures of numpy as those of Python."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value if isinstance(value, str) else int(value)
