"""Several learners in one market: who they are, from plain arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hftgym.envs.arguments import LearnerArguments, TaskArguments, check_known
from hftgym.envs.task import Role
from hftgym.errors import UsageError
from hftgym.names import nearest

#: What ``agents`` is when it is not given.
USUAL_AGENTS: dict[str, dict[str, Any]] = {"maker_0": {}, "taker_0": {}, "executor_0": {}}
_NAME = re.compile(r"[a-z]+_[0-9]+")
_ROLES = {role.name.lower(): role for role in Role if role != Role.LEG}
_KNOWN = ("role", *(one.name for one in fields(TaskArguments)))


def learners_of(agents: Mapping[str, Mapping[str, Any]]) -> tuple[LearnerArguments, ...]:
    """Return the learners of a market.

    Args:
        agents: arguments by name. A name is letters, an underscore and a number, as PettingZoo
            has it; the letters are the role unless ``role`` says another one.

    Raises:
        UsageError: if a name, a role or an argument is not valid.
    """
    if not agents:
        raise UsageError("HG-U206", "agents: there is none; name at least one, as 'maker_0'")
    learners = []
    for name, wanted in agents.items():
        if not _NAME.fullmatch(name):
            raise UsageError(
                "HG-U207", f"agents: {name!r}; a name must be as 'maker_0', letters and a number"
            )
        check_known(wanted, _KNOWN)
        role = str(wanted.get("role", name.rpartition("_")[0]))
        if role not in _ROLES:
            hint = nearest(role, tuple(_ROLES)) or f"; there are {', '.join(_ROLES)}"
            raise UsageError("HG-U208", f"agents[{name!r}]: role {role!r} is unknown{hint}")
        task = TaskArguments(**{key: value for key, value in wanted.items() if key != "role"})
        learners.append(LearnerArguments(_ROLES[role], task, name))
    return tuple(learners)
