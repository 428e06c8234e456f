"""Print the numbers of published papers beside our own.

python -m scripts.reproduce_papers --paper glft, all of them without --paper. Exits with 1 when a
number differs by more than its tolerance.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from hftgym.errors import EXIT_CHECK_FAILED, HftgymError
from hftgym.papers.catalogue import papers, reproduce
from hftgym.papers.table import text_table


def main() -> int:
    """Parse, compute, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paper", metavar="NAME", help="one of: " + ", ".join(papers()))
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("HFTGYM_DATA"),
        help="folder of real data, for the numbers that need it (default: HFTGYM_DATA)",
    )
    arguments = parser.parse_args()
    rows = []
    try:
        for name in [arguments.paper] if arguments.paper else papers():
            found = reproduce(name, arguments.data)
            rows += found
            if not arguments.json:
                print(text_table(found) if found else f"{name}: needs --data", end="\n\n")
    except HftgymError as error:
        print(f"error[{error.code}] {error}", file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps([row.to_dict() for row in rows], indent=2))
    return 0 if all(row.ok for row in rows) else EXIT_CHECK_FAILED


if __name__ == "__main__":
    sys.exit(main())
