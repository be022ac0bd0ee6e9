"""The pages of an evaluation: the errors, and the report of a run, in English or Korean."""

from __future__ import annotations

from .page import write_errors_page, write_run_page
from .run import write_report

__all__ = ["write_errors_page", "write_report", "write_run_page"]
