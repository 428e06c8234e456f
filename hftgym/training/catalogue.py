"""Which policies there are: scripted baselines, ceilings and learners, found in ``agents/``."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from dataclasses import dataclass
from typing import Any

from hftgym.errors import UsageError

PACKAGE = "agents"


@dataclass(frozen=True)
class PolicyEntry:
    """One policy or learner.

    Attributes:
        target: As a configuration names it, ``module:attribute``.
        name: Name in tables.
        kind: ``scripted``, ``ceiling`` (sees what no participant can know) or ``learner``.
        role: Role that it plays (``maker``, ``executor``); ``any`` for a learner.
        about: First line of its documentation.
        parameters: Names of its parameters.
    """

    target: str
    name: str
    kind: str
    role: str
    about: str
    parameters: tuple[str, ...]


def list_policies(package: str = PACKAGE) -> list[PolicyEntry]:
    """Return every policy and learner of a package, scripted ones first.

    Each is a class with a ``name`` of its own; a learner has ``train``.

    Raises:
        UsageError: There is no such package.
    """
    try:
        found = importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise UsageError(
            "HG-U044", f"no package {package!r}: run the command in the clone, where {package}/ is"
        ) from None
    entries = []
    for module in pkgutil.iter_modules(found.__path__, f"{package}."):
        for attribute, member in vars(importlib.import_module(module.name)).items():
            kind = _kind(member, module.name)
            if kind:
                about = (inspect.getdoc(member) or "").partition("\n")[0]
                fields = tuple(member.params_type.model_fields)
                target = f"{module.name}:{attribute}"
                role = getattr(member, "role", "any")
                entries.append(PolicyEntry(target, member.name, kind, role, about, fields))
    order = ("scripted", "ceiling", "learner")
    return sorted(entries, key=lambda e: (order.index(e.kind), e.target))


def _kind(member: Any, module: str) -> str:
    """Return what a member of a module is; nothing for bases, parameters and trained policies."""
    if not inspect.isclass(member) or member.__module__ != module or "name" not in vars(member):
        return ""
    if hasattr(member, "train"):
        return "learner"
    return "ceiling" if getattr(member, "needs_truth", False) else "scripted"
