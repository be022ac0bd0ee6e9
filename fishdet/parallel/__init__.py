"""Training in several processes: do they agree, is one lost, are they started anew."""

from __future__ import annotations

from .agreement import require_agreement, training_facts
from .lost import explaining_lost_process
from .restarts import restarted, resume_since, write_start

__all__ = [
    "explaining_lost_process",
    "require_agreement",
    "restarted",
    "resume_since",
    "training_facts",
    "write_start",
]
