"""The data of an experiment: splits, tables, and the bundled datasets."""
