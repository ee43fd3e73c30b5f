"""The declaration of a provider: where it may be asked, how often, and on what terms."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sources.core.evidence import NOTHING, Proof
from sources.core.payload import Payload


@dataclass(frozen=True)
class Provider:
    """Who publishes: where to ask, how politely, and on what terms the values may be used."""

    name: str  # lower case, one word: the prefix of its raw tables and of LEADLINE_KEY_<NAME>
    title: str
    home: str
    hosts: tuple[str, ...]  # the only hosts a request or a redirect may go to
    requests_per_minute: int  # the documented or cautious limit for an address without a key
    licence: str
    may_republish: bool
    venue: str | None = None  # the exchange whose own figures these are; None for who gathers or counts others'
    slower: tuple[tuple[str, int], ...] = ()  # addresses with a lower limit of their own, requests a minute
    key_header: str | None = None  # the header that carries the key
    key_scheme: str = ""  # what stands before the key in that header
    key_parameter: str | None = None  # for a provider that takes its key in no header: the parameter that carries it
    # Raises SourceError when an answer with a fine status is an error, a test net's or no data.
    check: Callable[[Payload], None] | None = None
    described_by: Proof = NOTHING  # what says how it is asked and what it answers
    # By the name of the dataset: the recording of a real answer (`provider/file`), and what no recording shows.
    recorded: Mapping[str, str] = field(default_factory=dict, hash=False)
    unproven: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def key_variable(self) -> str | None:
        """The environment variable that holds the key, None for a keyless provider."""
        return f"LEADLINE_KEY_{self.name.upper()}" if self.needs_key else None

    @property
    def needs_key(self) -> bool:
        """Whether it answers only with a key."""
        return bool(self.key_header or self.key_parameter)
