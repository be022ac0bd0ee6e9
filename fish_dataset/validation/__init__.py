"""Every check on a data folder, its report, and the repaired copy."""
