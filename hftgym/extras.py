"""Optional libraries: which extra brings each, and one clear line when it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from hftgym.errors import UsageError

_EXTRA = {
    "pyarrow": "data",
    "matplotlib": "report",
    "plotly": "report",
    "PIL": "render",
    "torch": "train",
    "stable_baselines3": "train",
    "ray": "ray",
}


def need(*modules: str) -> None:
    """Demand that optional libraries are installed.

    Args:
        modules: their import names.

    Raises:
        UsageError: one is missing; the text says how to install all that are.
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        extras = ",".join(sorted({_EXTRA[name] for name in modules}))
        raise UsageError(
            "HG-U201", f"{', '.join(missing)}: not installed; pip install 'hftgym[{extras}]'"
        )
