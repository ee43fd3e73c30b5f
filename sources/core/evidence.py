"""What shows that a dataset is asked for rightly, and that its answers look as its reader expects.

A stand-in answers what it was written to answer, so it proves neither. A recording of a real answer proves a shape;
a client that the provider generates or a public specification describes it, and may be behind the times. What no
recording shows is called unverified until the first live answer.
"""

from dataclasses import dataclass
from enum import StrEnum


class EvidenceKind(StrEnum):
    """How strong a piece of evidence is, the strongest first."""

    RECORDING = "recording"  # a real answer, kept as it came
    CLIENT = "client"  # a client that the provider generates from its own definitions
    SPECIFICATION = "specification"  # public documentation
    NONE = "none"


@dataclass(frozen=True)
class Proof:
    """One piece of evidence.

    `source` is the name of the recording (`provider/file`), the client with its version, or the address of the page.
    """

    kind: EvidenceKind
    source: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.source}" if self.source else str(self.kind)


@dataclass(frozen=True)
class Evidence:
    """What shows that the question of a dataset is right, and what shows the shape of its answers.

    `unproven` names a second shape that the reader takes and that no recording shows.
    """

    question: Proof
    shape: Proof
    unproven: str = ""

    @property
    def is_shape_verified(self) -> bool:
        """Whether a real answer of this shape was recorded."""
        return self.shape.kind is EvidenceKind.RECORDING


NOTHING = Proof(EvidenceKind.NONE)


def recording(name: str) -> Proof:
    """A real answer that was recorded, named `provider/file`."""
    return Proof(EvidenceKind.RECORDING, name)


def client(name: str) -> Proof:
    """A client that the provider generates, with its version."""
    return Proof(EvidenceKind.CLIENT, name)


def specification(address: str) -> Proof:
    """A page of public documentation."""
    return Proof(EvidenceKind.SPECIFICATION, address)
