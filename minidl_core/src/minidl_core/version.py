"""The version of minidl-core, where no metadata needs to be read for it."""

__version__ = "0.1.0"
