"""One run: training, restarts, checkpoints, metrics and progress."""
