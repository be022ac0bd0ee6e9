"""Rules on columns of annotations, as masks; loader and validator use the same."""
