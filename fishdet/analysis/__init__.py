"""What the records of several runs say when they are laid side by side."""
