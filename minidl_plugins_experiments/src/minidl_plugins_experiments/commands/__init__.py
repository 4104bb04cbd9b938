"""The commands, each of which imports torch only when it is run."""
