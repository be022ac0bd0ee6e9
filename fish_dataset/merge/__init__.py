"""Several data sets into one, by what their classes mean, not by how they are spelt."""
