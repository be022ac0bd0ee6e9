"""What a stranger's file must pass before anything is read or built from it."""
