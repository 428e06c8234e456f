"""``hftgym doctor``: what is installed, and does it start?

Every check gives one line. Versions come from the installed metadata, without importing anything;
then the market, PyTorch and (when asked) Ray are really started.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import hftgym
from hftgym.errors import one_line

_ENV_ID = "hftgym/MarketMaking-v0"
_ENV_STEPS = 20
#: Extras that are not looked at: the tools of a developer, and the sum of the others.
_OTHER_EXTRAS = {"dev", "all"}


@dataclass(frozen=True)
class Check:
    """One line of the report."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class DoctorReport:
    """All lines; `ok` when nothing that must work is broken."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Tell whether every check passed."""
        return all(check.ok for check in self.checks)

    def to_dict(self) -> dict[str, object]:
        """Return the report for ``--json``."""
        return {
            "ok": self.ok,
            "checks": [
                {"name": check.name, "ok": check.ok, "detail": check.detail}
                for check in self.checks
            ],
        }

    def text(self) -> str:
        """Return the report as lines of text."""
        width = max(len(check.name) for check in self.checks)
        lines = [
            f"{'ok ' if check.ok else 'BAD'} {check.name:<{width}}  {check.detail}"
            for check in self.checks
        ]
        bad = [check.name for check in self.checks if not check.ok]
        lines.append(f"not well: {', '.join(bad)}" if bad else "all well")
        return "\n".join(lines)


def run_doctor(
    *, ray: bool = False, say: Callable[[str], None] = lambda text: None
) -> DoctorReport:
    """Look at the installation and start what can be started.

    Args:
        ray: Also start a local Ray cluster and stop it again.
        say: Called with a line before each part that can take long.
    """
    checks = [_system(), *_packages(), _attempt("numba cache", _numba_cache)]
    if _installed("torch"):
        say("importing PyTorch ...")
        checks.append(_attempt("torch device", _torch_device))
    say("starting a market (the first time compiles it, which can take a minute) ...")
    checks.append(_attempt("environment", _step_environment))
    if ray and not _installed("ray"):
        checks.append(Check("ray cluster", False, "not installed: pip install 'hftgym[ray]'"))
    elif ray:
        say("starting Ray ...")
        checks.append(_attempt("ray cluster", _start_ray))
    return DoctorReport(tuple(checks))


def _attempt(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, one_line(look()))
    except Exception as error:  # a doctor reports whatever is broken
        return Check(name, False, one_line(f"{type(error).__name__}: {error}"))


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _system() -> Check:
    detail = (
        f"hftgym {hftgym.__version__}, Python {platform.python_version()}, {platform.platform()}, "
        f"{os.cpu_count()} CPUs"
    )
    return Check("system", True, detail)


def _packages() -> list[Check]:
    """Compare what is installed with what hftgym's own metadata asks for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in metadata.requires("hftgym") or ()]
    except metadata.PackageNotFoundError:
        text = "hftgym is not installed here; in the clone: python -m pip install -e ."
        return [Check("packages", False, text)]
    checks: dict[str, Check] = {}
    for requirement in wanted:
        extra = _extra_of(str(requirement.marker or ""))
        if extra in _OTHER_EXTRAS or requirement.name in checks:
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            text = f"optional, not installed: pip install 'hftgym[{extra}]'"
            if not extra:
                text = "not installed: pip install hftgym"
            checks[requirement.name] = Check(requirement.name, bool(extra), text)
            continue
        fits = requirement.specifier.contains(version, prereleases=True)
        rule = "" if fits else f", but hftgym needs {requirement.specifier}"
        checks[requirement.name] = Check(requirement.name, fits, version + rule)
    return list(checks.values())


def _extra_of(marker: str) -> str:
    """Return the extra that a marker such as ``extra == "train"`` names, or an empty text."""
    _, _, rest = marker.partition("extra == ")
    return rest.strip("\"' ").split('"')[0]


def _numba_cache() -> str:
    from hftgym.core.jit import LAYERS, cache_dir, cache_root

    folders = [cache_dir(layer) for layer in LAYERS]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    size_mb = sum(path.stat().st_size for path in files) / 1e6
    if not files:
        return f"{cache_root()}: empty for these sources, the next start compiles"
    return f"{cache_root()}: {len(files)} files, {size_mb:.1f} MB for these sources"


def _torch_device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"cuda: {torch.cuda.get_device_name(0)}"
    return f"cpu, {torch.get_num_threads()} threads"


def _step_environment() -> str:
    import gymnasium

    start = time.perf_counter()
    env = gymnasium.make(_ENV_ID)
    try:
        env.reset(seed=0)
        env.action_space.seed(0)
        for _ in range(_ENV_STEPS):
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            if terminated or truncated:
                env.reset()
    finally:
        env.close()
    return f"{_ENV_ID}: {_ENV_STEPS} steps, {time.perf_counter() - start:.1f} s with the start"


def _start_ray() -> str:
    from hftgym.ray_cluster import ray_cluster

    start = time.perf_counter()
    with ray_cluster(1) as ray:
        answer = ray.get(ray.remote(_double).remote(21), timeout=60)
    if answer != 42:
        raise RuntimeError(f"a remote call returned {answer!r} instead of 42")
    return f"one remote call, {time.perf_counter() - start:.1f} s with the start"


def _double(value: int) -> int:
    return 2 * value
