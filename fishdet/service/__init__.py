"""The service that names the fish on a photo: an HTTP API (extra ``[service]``)."""

from __future__ import annotations
