"""Loads landing files into raw tables, each exactly once.

A load is one transaction: rows, quarantine, ledger entry and watermark, or none of them. Its id is a hash over the
dataset and its files, so doing it again is noticed and does nothing. Each load is also landed as a decision before it
is committed; `leadline rebuild` replays those. A batch that is refused or blocked leaves its reasons in
`raw.quarantine` and in the ledger, and not one row in the raw table.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from sources.core.dataset import Dataset
from sources.core.errors import Failure, SourceError
from warehouse.batch_checks import objections
from warehouse.database import Warehouse
from warehouse.errors import LoadError, LoadVerdict, WarehouseError
from warehouse.incoming import INCOMING, IncomingRows, UnreadableError, naive, rejects_of, stage, staged_rows_as_rejects
from warehouse.landing import LandingFile
from warehouse.load_ledger import LoadBatch, LoadLedger
from warehouse.tables import quoted, quoted_list, raw_table
from warehouse.versions import MergeResult, contradicts_history, merge

REJECT_LIMIT = 0.01
FEWEST_REJECTS = 3  # one bad row of fifty is 2 %, and no reason to lose the other 49
LEAST_FREE_BYTES = 64_000_000
INFLATION = 20  # a compressed payload as rows, once in the WAL and once in the file

Record = dict[str, Any]


@dataclass(frozen=True)
class LoadResult:
    """What a load did. `repeated` means that all of it was loaded before, and nothing was done."""

    load_id: str
    rows_read: int = 0
    rows_new: int = 0  # first versions
    rows_revised: int = 0  # further versions of a key
    rows_unchanged: int = 0
    rejects: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)  # rows that are right and not this dataset's, by reason
    first_observed: datetime | None = None  # aware UTC; a date counts as its midnight
    last_observed: datetime | None = None
    repeated: bool = False
    replayed: bool = False  # an older answer told something new, so the table was derived again from landing


class Loader:
    """Loads landing files through one open warehouse, whose tables exist (`Warehouse.ensure_tables`)."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._landing = warehouse.landing
        self._ledger = LoadLedger(warehouse.connection)

    def load(self, dataset: Dataset, files: Sequence[LandingFile], *, reject_limit: float = REJECT_LIMIT) -> LoadResult:
        """Load files of one dataset; those already loaded are passed over.

        Raises SourceError when a file holds no data of this dataset, LoadError when more than `reject_limit` of the
        rows were rejected (and at least three, or all of them) or when the batch is not believable without a
        person's word, LandingError when a file is damaged, HomeError when the disk is full. Nothing is loaded then.
        """
        return self._load(dataset, files, reject_limit, datetime.now(UTC), replayed=None)

    def accept(self, dataset: Dataset, load_id: str, *, who: str, why: str) -> LoadResult:
        """Load a blocked batch because a person accepts it. The acceptance is landed as a decision.

        `load_id` may be shortened as long as it is unique. Raises LoadError when no such load is blocked.
        """
        return self._accept(dataset, load_id, who, why, datetime.now(UTC), is_replay=False)

    def blocked(self) -> list[tuple[str, str, str]]:
        """Loads that wait for a person: (dataset id, load id, reason)."""
        return self._ledger.blocked()

    def pending(self, dataset: Dataset) -> list[LandingFile]:
        """Landed answers that no load has taken up, because a run ended between landing and loading.

        Left out are error pages, answers that the provider's own test calls an error, and what was turned away.
        """
        seen = self._ledger.verdicts(dataset)
        left = [file for file in self._landing.files(dataset.id) if file.is_answer and file.name not in seen]
        return [file for file in left if self._is_data(dataset, file)]

    def replay(self, dataset: Dataset, kind: str, record: Mapping[str, Any], decided_at: datetime) -> str | None:
        """Do again what a landed decision of kind `load` or `accept` says.

        A batch that was turned away then may be turned away again. One that was loaded then and is turned away now,
        because newer code reads it differently, gives the reason; else None.
        """
        try:
            if kind == "accept":
                self._accept(dataset, record["load_id"], record["who"], record["why"], decided_at, is_replay=True)
            else:
                files = [self._landing.file(name) for name in record["files"]]
                self._load(dataset, files, record["reject_limit"], decided_at, replayed=LoadVerdict(record["verdict"]))
        except (LoadError, SourceError) as error:
            return str(error) if record["verdict"] == LoadVerdict.LOADED else None
        return None

    def _load(
        self,
        dataset: Dataset,
        files: Sequence[LandingFile],
        reject_limit: float,
        at: datetime,
        *,
        replayed: LoadVerdict | None,
    ) -> LoadResult:
        seen = self._ledger.verdicts(dataset)
        fresh = sorted({file for file in files if seen.get(file.name) != LoadVerdict.LOADED})
        if not fresh:
            return LoadResult(load_id(dataset, files), repeated=True)
        batch = LoadBatch(dataset, load_id(dataset, fresh), tuple(fresh), at)
        record = {"dataset": dataset.id, "files": [file.name for file in fresh], "reject_limit": reject_limit}
        decision = None if replayed else record
        self._require_space(batch)
        try:
            staged = self._stage(batch)
        except UnreadableError as error:
            reason = str(error.cause)
            rejects = rejects_of(error.file, [reason], [""])
            self._turn_away(batch, LoadVerdict.REFUSED, reason, rejects, [error.file], decision)
            raise error.cause from error
        if staged.sent == 0 and not dataset.may_be_empty and len(fresh) == len(set(files)):
            nothing = SourceError(Failure.NO_DATA, "the provider answered without a single row.", dataset.id)
            self._turn_away(batch, LoadVerdict.REFUSED, str(nothing), staged.rejects, fresh, decision)
            raise nothing
        self._check_rejects(batch, staged, reject_limit, decision)
        if replayed is not LoadVerdict.LOADED:  # a batch that was loaded once is not checked again
            self._check_sense(batch, decision)
        return self._commit(batch, staged, "load", decision, {})

    def _accept(
        self, dataset: Dataset, short_id: str, who: str, why: str, at: datetime, *, is_replay: bool
    ) -> LoadResult:
        waiting = [blocked_id for owner, blocked_id, _ in self.blocked() if owner == dataset.id]
        meant = [blocked_id for blocked_id in waiting if short_id and blocked_id.startswith(short_id)]
        if len(meant) != 1:
            what = f"{len(meant)} blocked loads are called {short_id!r}."
            raise LoadError(
                dataset.id, short_id, LoadVerdict.REFUSED, what, f"Waiting for a word: {', '.join(waiting) or 'none'}."
            )
        files = tuple(self._landing.file(name) for name in self._ledger.files_of(meant[0]))
        batch = LoadBatch(dataset, meant[0], files, at)
        decision = None if is_replay else {"dataset": dataset.id, "load_id": meant[0], "who": who, "why": why}
        self._require_space(batch)
        acceptance = {"accepted_by": who, "accepted_why": why, "accepted_at": naive(at)}
        return self._commit(batch, self._stage(batch), "accept", decision, acceptance)

    def _require_space(self, batch: LoadBatch) -> None:
        landed = sum(file.path.stat().st_size for file in batch.files)
        self._warehouse.home.require_free(max(LEAST_FREE_BYTES, INFLATION * landed))

    def _stage(self, batch: LoadBatch) -> IncomingRows:
        return stage(self._warehouse.connection, self._landing, batch.dataset, batch.files, lambda _: batch.load_id)

    def _check_rejects(
        self, batch: LoadBatch, staged: IncomingRows, reject_limit: float, decision: Record | None
    ) -> None:
        unbelievable = staged.unbelievable
        rejects = unbelievable.height
        share = rejects / max(staged.sent, 1)
        is_too_many = rejects >= FEWEST_REJECTS and share > reject_limit
        if staged.rejects.height == staged.sent and staged.sent:
            unbelievable, rejects, share = staged.rejects, staged.sent, 1.0
        elif not is_too_many:
            return
        reason = (
            f"{rejects} of {staged.sent} rows were rejected ({share:.1%}, the limit is {reject_limit:.1%}), the first: "
            f"{unbelievable['reason'][0]}."
        )
        guilty = set(unbelievable["landing_file"])
        files = [file for file in batch.files if file.name in guilty]
        self._turn_away(batch, LoadVerdict.REFUSED, reason, staged.rejects, files, decision)
        advice = f"Nothing was loaded. See raw.quarantine, load {batch.load_id}; report it if the format has changed."
        raise LoadError(batch.dataset.id, batch.load_id, LoadVerdict.REFUSED, reason, advice)

    def _check_sense(self, batch: LoadBatch, decision: Record | None) -> None:
        found = objections(self._warehouse.connection, batch.dataset)
        if not found:
            return
        reason = f"blocked: {'; '.join(found)}."
        rows = staged_rows_as_rejects(self._warehouse.connection, batch.dataset, batch.files, reason)
        self._turn_away(batch, LoadVerdict.BLOCKED, reason, rows, batch.files, decision)
        advice = (
            "Nothing was loaded. Compare with the provider's own page; if the values are right, release them with "
            f"`leadline accept {batch.load_id}`."
        )
        raise LoadError(batch.dataset.id, batch.load_id, LoadVerdict.BLOCKED, reason, advice)

    def _commit(
        self, batch: LoadBatch, staged: IncomingRows, kind: str, decision: Record | None, acceptance: Record
    ) -> LoadResult:
        with self._warehouse.transaction() as connection:
            first, last = self._span(batch.dataset)
            fetched_until = self._ledger.fetched_until(batch.dataset)
            replayed = contradicts_history(connection, batch.dataset, fetched_until)
            merged = self._derive_again(batch) if replayed else merge(connection, batch.dataset, fetched_until)
            result = LoadResult(
                batch.load_id,
                rows_read=staged.sent,
                rows_new=merged.new,
                rows_revised=merged.revised,
                rows_unchanged=staged.sent - staged.rejects.height - merged.new - merged.revised,
                rejects=staged.rejects.height,
                left_out=dict(staged.left_out),
                first_observed=_aware(first),
                last_observed=_aware(last),
                replayed=replayed,
            )
            self._ledger.enter(batch, LoadVerdict.LOADED, {**_facts(result), **acceptance})
            self._ledger.enter_files(batch, batch.files, LoadVerdict.LOADED)
            self._ledger.enter_rejects(batch, staged.rejects)
            self._ledger.advance(batch, last)
            if decision is not None:
                # Before the commit, so that the build file never holds a load that is missing in the landing zone.
                self._landing.decide(kind, {**decision, "verdict": LoadVerdict.LOADED.value}, batch.at)
        return result

    def _turn_away(
        self,
        batch: LoadBatch,
        verdict: LoadVerdict,
        reason: str,
        rejects: pl.DataFrame,
        files: Iterable[LandingFile],
        decision: Record | None,
    ) -> None:
        """Record why a batch was not loaded and which of its files are the cause. The other files stay pending."""
        if self._ledger.says(batch.load_id, reason):
            return
        with self._warehouse.transaction():
            self._ledger.enter(batch, verdict, {"reason": reason, "rejects": rejects.height})
            self._ledger.enter_files(batch, files, verdict)
            self._ledger.enter_rejects(batch, rejects)
            if decision is not None:
                self._landing.decide("load", {**decision, "verdict": verdict.value}, batch.at)

    def _derive_again(self, batch: LoadBatch) -> MergeResult:
        """Empty the raw table and fill it from all its landing files, old and new, each under its own load."""
        connection, table = self._warehouse.connection, raw_table(batch.dataset)
        owners = self._ledger.owners(batch.dataset) | {file.name: batch.load_id for file in batch.files}
        files = [self._landing.file(name) for name in owners]
        try:
            stage(connection, self._landing, batch.dataset, files, lambda file: owners[file.name])
        except UnreadableError as error:
            raise WarehouseError(
                f"{batch.dataset.id}: an answer older than the newest one changes what was known, so the whole table "
                f"must be read again, but {error.file.name} can no longer be read: {error.cause.what} Nothing was "
                "changed. Report it with that file."
            ) from error
        connection.execute(f"delete from {table}")
        merge(connection, batch.dataset, None)
        key = quoted_list(batch.dataset.key)
        counts = connection.execute(
            f"""
            select count(*) filter (nth = 1), count(*) filter (nth > 1)
            from (select load_id, row_number() over (partition by {key} order by known_at) as nth from {table})
            where load_id = $id
            """,
            {"id": batch.load_id},
        ).fetchone()
        return MergeResult(*(counts or (0, 0)))

    def _span(self, dataset: Dataset) -> tuple[datetime | None, datetime | None]:
        """First and last time that the staged rows belong to, naive UTC."""
        observed = f"{quoted(dataset.observed)}::timestamp"
        row = self._warehouse.connection.execute(f"select min({observed}), max({observed}) from {INCOMING}").fetchone()
        return row or (None, None)

    def _is_data(self, dataset: Dataset, file: LandingFile) -> bool:
        if dataset.provider.check is None:
            return True
        try:
            dataset.provider.check(self._landing.read(file))
        except SourceError:
            return False
        return True


def load_id(dataset: Dataset, files: Iterable[LandingFile]) -> str:
    """The identity of a load: the same dataset and files give the same id, in whatever order."""
    names = "\n".join([dataset.id, *sorted({file.name for file in files})])
    return hashlib.sha256(names.encode()).hexdigest()[:32]


def _facts(result: LoadResult) -> Record:
    """A result as the ledger's columns."""
    return {
        "rows_read": result.rows_read,
        "rows_new": result.rows_new,
        "rows_revised": result.rows_revised,
        "rows_unchanged": result.rows_unchanged,
        "rejects": result.rejects,
        "left_out": "; ".join(f"{count} × {reason}" for reason, count in result.left_out.items()) or None,
        "first_observed": result.first_observed and naive(result.first_observed),
        "last_observed": result.last_observed and naive(result.last_observed),
        "was_replayed": result.replayed,
    }


def _aware(instant: datetime | None) -> datetime | None:
    return instant.replace(tzinfo=UTC) if instant else None
