"""The one table of a run."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from hftgym.training.compare import Row
from hftgym.training.evaluate import EvaluationResult


def print_result(result: EvaluationResult, console: Console | None = None) -> None:
    """Print the table of an evaluation and the run folders.

    Args:
        result: What the evaluation found.
        console: Where to; standard output when not given.
    """
    out = console or Console()
    print_table(result_table(result), out)
    comparison = result.comparison
    notes = [f"J: W_T - sum of phi q^2 dt, net of liquidation. Interval: {comparison.method}."]
    if comparison.control_reduction > 0.0:
        notes.append(
            "J leaves out what positions gained by moves of the latent value (mean zero): "
            f"{comparison.control_reduction:.0%} of its variance; CVaR and P&L have them."
        )
    elif comparison.control_reduction < 0.0:
        notes.append(
            "J leaves out what positions gained by moves of the latent value (mean zero), though "
            "that takes away no noise here; CVaR and P&L have them."
        )
    if comparison.ceiling_share is not None:
        notes.append(
            f"{comparison.rows[0].name} closes {comparison.ceiling_share:.0%} of the gap between "
            "the constant spread and the oracle."
        )
    if result.tape is not None:
        t = result.tape
        notes.append(
            f"Against history: {t['missed']:.2%} of its executed volume missed, "
            f"{t['surviving']:.2%} survived, {t['clamped']:.2%} clamped; touch gap "
            f"{t['gap_mean_px']:.2f} ticks on average, {t['gap95_px']:.0f} at the 95th percentile; "
            f"equal touches {t['agree']:.1%} of the time."
        )
    learner = comparison.rows[0]
    if len(learner.by_seed_tick) > 1:
        notes.append("J by seed: " + ", ".join(f"{x:+.2f}" for x in learner.by_seed_tick) + ".")
    for note in notes:
        out.print(note, highlight=False, soft_wrap=True)
    for run in result.runs:
        out.print(f"run folder: {run}", highlight=False, soft_wrap=True)


def print_table(table: Table, out: Console) -> None:
    """Print a table; a narrower terminal wraps its lines rather than cutting figures."""
    wide = out.options.update(width=1_000, max_width=1_000)
    out.width = max(out.width, Measurement.get(out, wide, table).maximum)
    out.print(table)


def result_table(result: EvaluationResult) -> Table:
    """Return the table: one row a policy, ticks or lots an episode."""
    comparison = result.comparison
    table = Table(
        title=f"{result.scenario}: {comparison.markets} {result.split} markets, "
        f"{comparison.training_seeds} training seed(s); ticks and lots an episode",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("policy", no_wrap=True)
    paired = f"J({comparison.rows[0].name}) - J [{comparison.confidence:.0%}]"
    for name in ("J", paired, "p", "CVaR 5%", "P&L", "spread", "invent.", "fees"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("fills", "|q|", "quotes", "share"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in comparison.rows:
        table.add_row(*_cells(row), style="bold" if row is comparison.rows[0] else None)
    return table


def _cells(row: Row) -> list[str]:
    paired, p = "", ""
    if row.paired is not None:
        d = row.paired.difference
        paired = f"{d.mean:+.1f} [{d.low:+.1f}, {d.high:+.1f}]"
        p = "<.001" if row.paired.p_holm < 0.001 else f"{row.paired.p_holm:.3f}"
    return [
        row.name,
        f"{row.objective_tick:+.1f}",
        paired,
        p,
        f"{row.cvar5_tick:+.1f}",
        f"{row.pnl_tick:+.1f}",
        f"{row.pnl_spread_tick:+.1f}",
        f"{row.pnl_inventory_tick:+.1f}",
        f"{row.pnl_fees_tick:+.1f}",
        f"{row.fills:.1f}",
        f"{row.inventory_mean_abs_lot:.2f}",
        f"{row.quoting_share:.0%}",
        "-" if row.participation != row.participation else f"{row.participation:.1%}",
    ]
