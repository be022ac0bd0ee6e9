"""From a checkpoint of a run to one file with its card and index entry."""
