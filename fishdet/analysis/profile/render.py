"""A profile as text."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from .run import Profile


def show(found: Profile, console: Console) -> None:
    """Print the table of the stages, the dearest operators and what to try."""
    whole = sum(stage.seconds for stage in found.stages.values())
    table = Table("stage", f"ms a {found.unit}", "share", "calls", "peak memory, MiB")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, stage in found.stages.items():
        peak = found.peaks.get(name, 0)
        table.add_row(
            name,
            f"{stage.seconds / found.units * 1e3:.1f}",
            f"{stage.seconds / whole:.1%}",
            str(stage.calls),
            f"{peak / 2**20:.0f}" if peak else "–",
        )
    table.add_section()
    most = max(found.peaks.values(), default=0)
    table.add_row("in all", f"{whole / found.units * 1e3:.1f}", "", "",
                  f"{most / 2**20:.0f}" if most else "–")  # fmt: skip
    console.print(table)
    operators = Table("operator", "ms of its own", "calls")
    for column in operators.columns[1:]:
        column.justify = "right"
    for name, seconds, calls in found.operators:
        operators.add_row(name, f"{seconds * 1e3:.1f}", str(calls))
    console.print(operators)
    for line in found.advice:
        console.print(f"try: {line}", soft_wrap=True, highlight=False)
    if found.trace is not None:
        console.print(f"trace: {found.trace} (open it at https://ui.perfetto.dev)", soft_wrap=True)
