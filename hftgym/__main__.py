"""``python -m hftgym`` is the command ``hftgym``."""

from hftgym.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
