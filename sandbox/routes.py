"""All routes of the stand-in upstream: one line a provider."""

from collections.abc import Mapping

from sandbox.serving import Handler

ROUTES: Mapping[str, Handler] = {}
