"""Splits in which no video, dive or site stands on both sides: groups, deals, leaks, files."""
