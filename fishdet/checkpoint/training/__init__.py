"""What a training writes, goes on from and starts from."""
