"""What a person reads when something went wrong outside our own code: what happened, to what, what to do."""

import errno
import re

from sources.core.plain_text import printable

ROOMS = (*("sources", "chain", "warehouse", "analytics", "pipeline", "orchestration", "cli", "reporting", "sandbox"),)
FULL = "The disk is full. Nothing that was acknowledged is lost; free some space, then run the same command again."
OF_SYSTEM = {
    errno.ENOSPC: FULL,
    errno.EDQUOT: FULL,
    errno.EROFS: "The file system is read-only. Mount it writable, or set LEADLINE_HOME to another folder.",
    errno.EACCES: "This user may not write there. Change the owner, or set LEADLINE_HOME to another folder.",
    errno.EPERM: "This user may not do that there. Change the owner, or set LEADLINE_HOME to another folder.",
    errno.EMFILE: "This process may not open more files. Raise the limit (`ulimit -n 4096`), then run again.",
    errno.ENFILE: "The machine has no file handles left. End other programs, then run again.",
    errno.EIO: "The disk gave an error. Check it, then `leadline doctor`; landing files bring the rest back.",
    errno.ENOENT: "A file or folder is not where it should be. `leadline doctor` looks at the home.",
    errno.ENOTDIR: "A file is where a folder should be. Set LEADLINE_HOME to a folder.",
    errno.EADDRINUSE: "Another program listens there. End it, or choose another port with --port.",
}
DUCKDB_DAMAGE = "A database file cannot be read. `leadline doctor` says which and what brings it back."
HISTORY_DAMAGE = "Dagster's history of runs cannot be read or written. `leadline doctor` says why; no data lies in it."


def message_of(error: BaseException) -> str | None:
    """One or two sentences for a person; None when it is a mistake of ours, which deserves its traceback."""
    told = _message(error)
    return None if told is None else printable(told)


def _message(error: BaseException) -> str | None:
    module = type(error).__module__
    if module.startswith("pydantic"):
        return _of_settings(error)
    if module.partition(".")[0] in ROOMS:
        return str(error)
    if isinstance(error, UnicodeEncodeError):
        return f"This terminal's encoding ({error.encoding}) cannot show the text. Set PYTHONIOENCODING=utf-8."
    if isinstance(error, OSError) and error.errno in OF_SYSTEM:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}. {OF_SYSTEM[error.errno]}"
    if isinstance(error, MemoryError):
        return "This machine has not enough memory for that. Nothing was changed."
    if module in {"duckdb", "_duckdb"}:
        return _of_duckdb(error)
    if module.startswith("sqlalchemy") or module == "sqlite3":
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        return f"{FULL} ({reason})" if "full" in reason else f"{HISTORY_DAMAGE} ({reason})"
    cause = error.__cause__ or error.__context__
    return _message(cause) if module.startswith("dagster") and cause is not None else None


def _of_duckdb(error: BaseException) -> str | None:
    text = str(error)
    first = text.splitlines()[0] if text else type(error).__name__
    if re.search(r"no space left|disk is full", text, re.IGNORECASE):
        return f"{FULL} ({first})"
    # What only a damaged or foreign file makes DuckDB say. A wrong statement of ours is a mistake and stays one.
    if type(error).__name__ in {"IOException", "FatalException", "SerializationException", "InternalException"}:
        return f"{DUCKDB_DAMAGE} ({first})"
    return None


def _of_settings(error: BaseException) -> str | None:
    """Names of variables and what is wrong with them, never their values: a value may be a key."""
    if getattr(error, "title", "") != "Settings":
        return str(error)
    problems = error.errors(include_input=False, include_url=False, include_context=False)  # type: ignore[attr-defined]
    lines = [
        f"LEADLINE_{'_'.join(map(str, p['loc'])).upper()}: {p['msg'].removeprefix('Value error, ')}" for p in problems
    ]
    return f"{'; '.join(lines)}. Change it in the environment or in .env."
