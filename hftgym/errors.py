"""Errors that a user can meet: one line, a stable code, an exit code.

The text says what is wrong, where (``file:line``), the value, the rule and the way out. The command
prints ``hftgym: error[CODE] text`` and leaves with the exit code. Rejects of the exchange are not
errors: they are values (codes) that the engine returns.

A code is ``HG-`` plus a letter for the kind and three digits: U usage, D data, N no input,
C configuration, O output, I internal.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_CHECK_FAILED = 1
EXIT_USAGE = 2
EXIT_DATA = 65
EXIT_NO_INPUT = 66
EXIT_INTERNAL = 70
EXIT_OUTPUT = 73
EXIT_CONFIG = 78
EXIT_INTERRUPTED = 130


def one_line(text: str) -> str:
    """Return `text` on one line, with control characters (also terminal escapes) made visible."""
    joined = " ".join(part.strip() for part in text.splitlines() if part.strip())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in joined)


class HftgymError(Exception):
    """An error with a code and an exit code; ``str()`` of it is one line.

    Args:
        code: Stable code, for example ``HG-D012``.
        message: What, where, value, rule, way out.
        exit_code: Exit status of the command; each subclass has its own.
    """

    default_exit_code = EXIT_INTERNAL

    def __init__(self, code: str, message: str, exit_code: int | None = None) -> None:
        self.code = code
        self.message = one_line(message)
        self.exit_code = self.default_exit_code if exit_code is None else exit_code
        # The arguments stay in `args`, so that the error survives the way to another process.
        super().__init__(code, self.message, self.exit_code)

    def __str__(self) -> str:
        return self.message

    def to_dict(self) -> dict[str, str | int]:
        """Return the error for ``--json``."""
        return {"code": self.code, "message": self.message, "exit_code": self.exit_code}


class UsageError(HftgymError, ValueError):
    """The caller asked for something that does not exist or is not allowed."""

    default_exit_code = EXIT_USAGE


class UnknownArgumentError(UsageError, TypeError):
    """A keyword argument that there is not.

    Also a TypeError in Python's own words: libraries that offer an environment an argument and take
    it back when it is refused (TorchRL a frame skip, Stable-Baselines3 a render mode) look for it.
    Gymnasium makes such an error anew from its text alone.
    """

    def __init__(self, code: str, message: str = "", exit_code: int | None = None) -> None:
        if not message:
            code, message = "HG-U076", code
        super().__init__(code, message, exit_code)


class DataError(HftgymError, ValueError):
    """A data file says something that can not be true."""

    default_exit_code = EXIT_DATA


class NoInputError(HftgymError):
    """A file or folder that was named is not there or can not be read."""

    default_exit_code = EXIT_NO_INPUT


class InternalError(HftgymError):
    """A bug in hftgym, or a market that had to stop."""

    default_exit_code = EXIT_INTERNAL


class OutputError(HftgymError):
    """A result can not be written."""

    default_exit_code = EXIT_OUTPUT


class ConfigError(HftgymError, ValueError):
    """A scenario or run file is not valid."""

    default_exit_code = EXIT_CONFIG
