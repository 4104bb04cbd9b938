"""The file of an experiment: read, overridden, and checked into an `Experiment`."""
