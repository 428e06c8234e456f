"""Trains what `docs/results.md` reports, and writes its tables.

    python -m scripts.reproduce_results             # hours; goes on where it was stopped
    python -m scripts.reproduce_results --reduced   # minutes: does it all still run?

Each configuration is trained with all its seeds and judged as ``hftgym train`` does. What comes out
is kept in ``runs/results/``, one JSON file a configuration; one whose configuration has not changed
is not trained again. The page is written from these files alone.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hftgym.training.atomic import sha256, write_json
from hftgym.training.progress import PhaseProgress
from hftgym.training.train import resolve_config, train_from_config

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "results.md"
KNOWN = (
    "fast_ppo_avellaneda_stoikov",
    "fast_ppo_cartea_jaimungal",
    "fast_ppo_almgren_chriss",
    "a3c_avellaneda_stoikov",
    "a3c_cartea_jaimungal",
    "a3c_almgren_chriss",
    "sac_avellaneda_stoikov",
    "sac_cartea_jaimungal",
    "sac_almgren_chriss",
)
MARKETS = (
    "ppo_market_making",
    "a3c_market_making",
    "sac_market_making",
    "fast_ppo_market_making",
    "fast_ppo_market_making_competition",
    "fast_ppo_market_making_volatile",
)
EXECUTIONS = ("fast_ppo_execution", "fast_ppo_execution_competition")
TAKING = ("maskable_ppo_taking",)
PAIRS = ("maskable_ppo_pairs",)
#: Baselines that each table compares with.
MAKERS = ("GLFT", "Avellaneda-Stoikov", "constant spread")
EXECUTORS = ("TWAP", "VWAP", "POV", "Almgren-Chriss")
TAKERS = ("signal taker", "imbalance taker", "momentum", "mean reversion")
#: Seeds of the learners on markets, in place of the configuration's one.
MARKET_SEEDS = "seeds=[0,1,2,3,4]"
_LITTLE = (
    "steps=40000",
    "seeds=[0]",
    "evaluation.validations=1",
    "evaluation.validation_markets=4",
    "evaluation.test_markets=8",
    "tuning.trials=2",
    "tuning.markets=2",
)
_REDUCED = {
    KNOWN: ("steps=110000", "seeds=[0]"),
    MARKETS: _LITTLE,
    EXECUTIONS: _LITTLE,
    TAKING: _LITTLE,
    PAIRS: _LITTLE,
}


def reproduce(
    folder: Path, *, reduced: bool, quiet: bool = False, workers: int = 1
) -> dict[str, dict[str, Any]]:
    """Train what is missing in a folder of results, and return all of them by configuration.

    Args:
        folder: Of the JSON files; run folders are made in it, too.
        reduced: Train and judge very little.
        quiet: Show no progress.
        workers: Ray workers that train seeds side by side.
    """
    found: dict[str, dict[str, Any]] = {}
    names = [*KNOWN, *MARKETS, *EXECUTIONS, *TAKING, *PAIRS]
    with PhaseProgress("results", len(names), "configurations", quiet=quiet) as bar:
        for name in names:
            overrides = _overrides(name, reduced)
            path = ROOT / "configs" / f"{name}.yaml"
            config = resolve_config(path, overrides=overrides)
            key = sha256(config.model_dump_json().encode())
            kept = folder / f"{name}.json"
            if not kept.exists() or json.loads(kept.read_bytes())["config"] != key:
                began = time.monotonic()
                result = train_from_config(
                    path,
                    overrides=overrides,
                    root=folder,
                    quiet=quiet,
                    report=False,
                    workers=workers,
                )
                seconds = round(time.monotonic() - began)
                write_json(
                    kept,
                    {"config": key, "seconds": seconds, "steps": config.steps, **result.to_dict()},
                )
            found[name] = json.loads(kept.read_bytes())
            bar.advance(1, name)
    return found


def _overrides(name: str, reduced: bool) -> tuple[str, ...]:
    if reduced:
        return next(changes for names, changes in _REDUCED.items() if name in names)
    return () if name in KNOWN else (MARKET_SEEDS,)


def known_table(found: dict[str, dict[str, Any]]) -> str:
    """Return the Markdown table of the tasks with known answers."""
    heads = ["task", "learner", "median score", "worst", "all seeds", "corr(V, V*)"]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name in KNOWN:
        r = found[name]
        cells = [
            f"`{r['env_id']}`",
            f"{r['agent']}, {r['steps']:,} steps",
            f"{r['median']:.3f}",
            f"{r['worst']:.3f}",
            ", ".join(f"{score:.3f}" for score in r["scores"]),
            _range([c for c in r["critics"] if c is not None]),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _range(values: list[float]) -> str:
    """Return the least and the largest of some values."""
    if not values:
        return "-"
    low, high = f"{min(values):.3f}", f"{max(values):.3f}"
    return low if low == high else f"{low} to {high}"


def market_table(
    found: dict[str, dict[str, Any]], names: Sequence[str], others: Sequence[str]
) -> str:
    """Return the Markdown table of learners on markets, compared with some baselines."""
    heads = ["scenario", "learner", "J by seed", "J", *(f"less {name}" for name in others)]
    if "constant spread" in others:
        heads.append("of the gap to the oracle")
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for name in names:
        r = found[name]
        rows = {row["name"]: row for row in r["rows"]}
        learner = r["rows"][0]
        seeds = ", ".join(f"{x:+.0f}" for x in learner["by_seed_tick"])
        cells = [
            f"`{r['scenario']}`",
            f"{learner['name']}, {r['steps']:,} steps",
            seeds,
            f"{learner['objective_tick']:+.1f}",
            *(_difference(rows[other]) for other in others),
        ]
        if "constant spread" in others:
            share = r["ceiling_share"]
            cells.append("-" if share is None else f"{share:.0%}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _difference(row: dict[str, Any]) -> str:
    d = row["paired"]["difference"]
    return f"{d['mean']:+.1f} ({d['low']:.1f} to {d['high']:.1f})"


def tables(found: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return the tables of the page by their marks."""
    return {
        "known": known_table(found),
        "market": market_table(found, MARKETS, MAKERS),
        "execution": market_table(found, EXECUTIONS, EXECUTORS),
        "taking": market_table(found, TAKING, TAKERS),
        "pairs": market_table(found, PAIRS, ("pairs",)),
    }


def write_page(found: dict[str, dict[str, Any]], page: Path = PAGE) -> None:
    """Put the tables between the markers of the page."""
    text = page.read_text(encoding="utf-8")
    for mark, table in tables(found).items():
        pattern = rf"(<!-- {mark} -->\n).*?(<!-- end -->)"
        text, count = re.subn(pattern, rf"\g<1>{table}\n\g<2>", text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{page}: no place for the table {mark!r}")
    page.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reduced", action="store_true", help="very little; the page stays")
    parser.add_argument("--folder", type=Path, help="of the results (runs/results)")
    parser.add_argument("--workers", type=int, default=1, help="seeds at a time, on Ray (1)")
    chosen = parser.parse_args(arguments)
    default = ROOT / "runs" / ("results-reduced" if chosen.reduced else "results")
    found = reproduce(chosen.folder or default, reduced=chosen.reduced, workers=chosen.workers)
    print(*tables(found).values(), sep="\n\n")
    if not chosen.reduced:
        write_page(found)


if __name__ == "__main__":
    main()
