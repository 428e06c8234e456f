"""Names that people choose: what is allowed, what is near, and what ``module:attribute`` means."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hftgym.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)


def check_name(value: str, what: str) -> str:
    """Return `value` if it can be a name (of a run, a participant, a scenario).

    Args:
        value: The name.
        what: What is named, for the message: ``"run name"``.

    Raises:
        UsageError: It has other characters than ``A-Z a-z 0-9 . _ -``, more than 64 of them or
            none, is ``.`` or ``..``, or starts with ``-``.
    """
    if not _NAME.fullmatch(value) or value in {".", ".."} or value.startswith("-"):
        shown = repr(value if len(value) <= 80 else value[:77] + "...")
        raise UsageError(
            "HG-U001",
            f"{what} {shown} is not allowed: 1 to 64 of the characters A-Z a-z 0-9 . _ -, "
            "not '.' or '..', no '-' in front",
        )
    return value


def child_path(root: Path, name: str, what: str) -> Path:
    """Return ``root / name`` after checking that it is a plain name and stays inside `root`.

    Args:
        root: The folder that must hold the result.
        name: One name, as `check_name` allows it.
        what: What is named, for the message.

    Raises:
        UsageError: The name is not allowed, or leads out of `root` through a link.
    """
    path = root / check_name(name, what)
    if path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
        raise UsageError("HG-U002", f"{what} {name!r}: '{path}' is a link that leads elsewhere")
    return path


def nearest(value: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest known names, or an empty text.

    Args:
        value: What was written.
        known: What could have been meant.
    """
    names = sorted(known)
    near = get_close_matches(value, names, n=2, cutoff=0.6)
    if not near:
        near = [name for name in names if value and name.startswith(value)][:2]
    if not near:
        return ""
    return "; did you mean " + " or ".join(repr(name) for name in near) + "?"


def is_target(value: str) -> bool:
    """Tell whether `value` has the form ``module:attribute``."""
    return _TARGET.fullmatch(value) is not None


def load_attribute(target: str, what: str) -> Any:
    """Import and return what ``module:attribute`` names.

    This runs the module's code, so only a user's own words (a command line, a file that the user
    wrote) may reach it.

    Args:
        target: For example ``agents.ppo:PPO``.
        what: What is named, for the message: ``"agent"``.

    Raises:
        UsageError: The form is wrong, the module can not be found, or it has no such attribute.
    """
    if not is_target(target):
        raise UsageError("HG-U003", f"{what} {target!r} must have the form module:attribute")
    module_name, _, attribute = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise UsageError(
            "HG-U004",
            f"{what} {target!r}: there is no module {error.name!r}; run the command in the folder "
            "that holds it",
        ) from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        hint = nearest(attribute, (name for name in vars(module) if not name.startswith("_")))
        raise UsageError(
            "HG-U005", f"{what} {target!r}: module {module_name!r} has no {attribute!r}{hint}"
        ) from None
