"""A fitted scenario as YAML that people can read: a comment, then what differs from defaults."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 100
DIGITS = 4


def rounded(number: float, digits: int = DIGITS) -> float:
    """Return a number with so many significant digits: no estimate is known to more."""
    return float(f"{number:.{digits}g}")


def number_text(value: float | int) -> str:
    """Write a number as YAML that reads back as the same type."""
    if isinstance(value, int):
        return str(value)
    text = f"{value:.{DIGITS}g}"
    return text if any(c in text for c in ".en") else f"{text}.0"


def scenario_text(
    *,
    name: str,
    description: str,
    comment: str,
    instrument: Mapping[str, Any],
    burn_in_s: float,
    kind: str,
    params: Mapping[str, Any],
    market_class: str = "small",
) -> str:
    """Write a scenario of one participant, which is the whole order flow.

    Args:
        name: Of the scenario.
        description: One line for the list of scenarios.
        comment: What the market is and where its numbers come from; it is wrapped.
        instrument: Fields of the instrument; text is quoted.
        burn_in_s: Seconds before anybody watches.
        kind: Kind of the participant. It has no latency: its rates are those of the market itself.
        params: Its parameters: numbers, or sequences of numbers (tables).
        market_class: Size of the market's record.

    Returns:
        Lines of at most ``WIDTH`` characters.
    """
    lines = [f"# {line}" for line in textwrap.wrap(comment, WIDTH - 2)]
    lines += [f"name: {name}", f"description: {description}", f"market_class: {market_class}"]
    lines += [f"burn_in_s: {burn_in_s:.0f}", "instrument:"]
    for field, value in instrument.items():
        lines.append(f"  {field}: " + (f'"{value}"' if isinstance(value, str) else str(value)))
    lines += ["participants:", f"  - kind: {kind}"]
    lines += ["    latency: {feed_ns: 0, order_ns: 0, response_ns: 0}", "    params:"]
    for field, value in params.items():
        if isinstance(value, Sequence):
            lines += _table(f"      {field}: ", value)
        else:
            lines.append(f"      {field}: {number_text(value)}")
    return "\n".join(lines) + "\n"


def _table(head: str, values: Sequence[float]) -> list[str]:
    """Write a sequence of numbers, several a line."""
    body = "[" + ", ".join(number_text(float(value)) for value in values) + "]"
    indent = " " * (len(head) - len(head.lstrip()) + 2)
    first, *rest = textwrap.wrap(body, WIDTH - len(head), break_long_words=False)
    more = textwrap.wrap(" ".join(rest), WIDTH - len(indent), break_long_words=False)
    return [head + first, *(indent + line for line in more)]
