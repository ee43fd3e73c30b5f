"""Files that a person saved: opened where they are compressed, and named where they are another dataset's."""

import gzip
import io
import zipfile
import zlib

from sources.core.dataset import Dataset
from sources.core.errors import SourceError
from sources.core.payload import Payload
from sources.core.spacing import require_spacing
from sources.registry import DATASETS

MOST_BYTES = 256 * 1024 * 1024
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"


class CompressedFileError(ValueError):
    """A compressed file that cannot be opened: broken, too large, or with several files in it."""


def opened(dataset: Dataset, body: bytes, name: str) -> bytes:
    """The bytes that a provider would have sent: a gzip or zip file is opened, unless the dataset comes as one.

    Raises CompressedFileError.
    """
    if body.startswith(_GZIP):
        return _gunzip(body, name)
    if body.startswith(_ZIP) and dataset.read_together is None:
        return _only_member(body, name)
    return body


def _gunzip(body: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CompressedFileError(f"{name} is a broken gzip file ({error}). Save it again.") from None
    return _bounded(content, name)


def _only_member(body: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) != 1:
                raise CompressedFileError(f"{name} holds {len(members)} files. Unpack it and load them one by one.")
            with archive.open(members[0]) as file:
                return _bounded(file.read(MOST_BYTES + 1), name)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, NotImplementedError) as error:
        raise CompressedFileError(f"{name} is a zip file that cannot be opened ({error}).") from None


def _bounded(content: bytes, name: str) -> bytes:
    if len(content) > MOST_BYTES:
        raise CompressedFileError(f"{name} opens to more than {MOST_BYTES // 2**20} MB, which no dataset has.")
    return content


def looks_like(payload: Payload, *, other_than: Dataset) -> list[str]:
    """Ids of the other datasets that read this answer, all of its rows and at least one."""
    return [dataset.id for dataset in DATASETS if dataset is not other_than and _reads(dataset, payload)]


def _reads(dataset: Dataset, payload: Payload) -> bool:
    try:
        if dataset.provider.check is not None:
            dataset.provider.check(payload)
        parsed = dataset.read(payload)
        require_spacing(dataset, parsed.rows)
    except SourceError:
        return False
    return parsed.rows.height > 0 and not parsed.rejects
