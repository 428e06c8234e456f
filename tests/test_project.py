"""The house rules: arrows between the packages, light imports, files of a readable size."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import hftgym

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted((ROOT / "hftgym").rglob("*.py"))

#: A part may import parts of its own layer and of those above it in this list.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "names"),
    ("extras",),
    ("ray_cluster",),
    ("yaml_text",),
    ("yaml_model",),
    ("core",),
    ("participants",),
    ("instrument", "latency"),
    ("limits",),
    ("scenario",),
    ("market", "simulator"),
    ("data", "analytics", "envs", "feed", "papers"),
    ("selftest", "order_book", "calibration"),
    ("tensorboard",),
    ("training", "bench", "simulation"),
    ("doctor", "compilation"),
    ("cli",),
    ("__main__",),
)
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

#: Imported when needed, inside functions; `training` may import learners where only it is loaded.
LAZY = {
    "torch",
    "stable_baselines3",
    "sb3_contrib",
    "ray",
    "pandas",
    "matplotlib",
    "plotly",
    "pyarrow",
    "scipy",
}
LEARNERS = {"torch", "stable_baselines3", "sb3_contrib"}


def imports(tree: ast.AST, *, top_only: bool = False) -> Iterator[str]:
    """Yield the dotted names that a module imports; `top_only` leaves functions out."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield node.module or ""
            if node.module == "hftgym":
                yield from (f"hftgym.{alias.name}" for alias in node.names)
        elif top_only and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        elif top_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        else:
            yield from imports(node, top_only=top_only)


def part_of(path: Path) -> str:
    relative = path.relative_to(ROOT / "hftgym")
    return relative.parts[0].removesuffix(".py")


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_every_part_has_a_layer() -> None:
    assert {part_of(path) for path in SOURCES} - {"__init__"} <= set(RANK)


def test_arrows_inside_the_package_go_one_way() -> None:
    wrong = []
    for path in SOURCES:
        part = part_of(path)
        if part == "__init__":
            continue
        for name in imports(parse(path)):
            other = name.split(".")[1] if name.startswith("hftgym.") else None
            if other in RANK and RANK[other] > RANK[part]:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_the_package_knows_no_agents_or_scripts() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in SOURCES
        for name in imports(parse(path))
        if name.split(".")[0] in {"agents", "scripts", "tests"}
    ]
    assert wrong == []


def test_agents_import_of_our_own_only_hftgym() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sorted((ROOT / "agents").rglob("*.py"))
        for name in imports(parse(path))
        if name.split(".")[0] in {"scripts", "tests"}
    ]
    assert wrong == []


def test_heavy_libraries_are_imported_when_needed() -> None:
    wrong = []
    for path in SOURCES:
        allowed = LEARNERS if part_of(path) == "training" else set()
        for name in imports(parse(path), top_only=True):
            if name.split(".")[0] in LAZY - allowed:
                wrong.append(f"{path.relative_to(ROOT)} imports {name} at the top")
    assert wrong == []


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("hftgym", {*LAZY, "tensorboard", "numba", "typer", "pydantic"}),
        ("hftgym.cli", {*LAZY, "tensorboard", "numba", "pydantic"}),
        ("hftgym.scenario", {*LAZY, "tensorboard", "numba"}),
        # numba imports scipy by itself when it is there
        ("hftgym.simulator", {*LAZY, "tensorboard"} - {"scipy"}),
        ("hftgym.data", {*LAZY, "tensorboard"}),
        ("hftgym.training", LAZY),
        ("hftgym.training.train", LAZY),
        ("hftgym.simulation.simulate", {*LAZY, "tensorboard"} - {"scipy"}),
    ],
)
def test_importing_stays_light(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert set(done.stdout.split()) & absent == set()


def test_no_pickle_and_no_unsafe_yaml() -> None:
    banned = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
    wrong = []
    for folder in ("hftgym", "agents", "scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found = {name.split(".")[0] for name in imports(parse(path))} & banned
            wrong += [f"{path.relative_to(ROOT)} imports {name}" for name in found]
            if re.search(
                r"yaml\.(load|full_load|unsafe_load)\(|allow_pickle=True", path.read_text()
            ):
                wrong.append(f"{path.relative_to(ROOT)} reads objects")
    assert wrong == []


def test_no_file_is_too_long_to_read() -> None:
    folders = ("hftgym", "agents", "scripts", "tests")
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    assert paths
    # The exchange's messages, its records and a chapter of tests are each one idea, if a long one.
    limits = {"tests": 850}
    long = {
        str(path.relative_to(ROOT)): lines
        for path in paths
        if (lines := len(path.read_text(encoding="utf-8").splitlines()))
        > limits.get(path.relative_to(ROOT).parts[0], 600)
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [str(path.relative_to(ROOT)) for path in SOURCES if not ast.get_docstring(parse(path))]
    assert silent == []


def test_constraints_hold_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert lines == sorted(lines)
    for line in lines:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9A-Za-z.]*", line), line


def test_constraints_fit_what_the_project_asks_for() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirement in (Requirement(line) for group in groups for line in group):
        if requirement.name == "hftgym":
            continue
        assert requirement.name in pinned, f"{requirement.name} has no constraint"
        assert requirement.specifier.contains(pinned[requirement.name]), requirement


def test_the_installed_version_is_the_package_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", hftgym.__version__)
    assert (ROOT / "hftgym" / "py.typed").is_file()
