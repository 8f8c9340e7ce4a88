"""Train many small networks at once."""
