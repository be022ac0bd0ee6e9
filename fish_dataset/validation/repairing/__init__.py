"""The steps of a repair: each takes annotations and notes every change."""
