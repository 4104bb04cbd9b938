"""The commands that show what is installed."""
