"""The datasets, each found by its name through the entry points of ``minidl.datasets``."""
