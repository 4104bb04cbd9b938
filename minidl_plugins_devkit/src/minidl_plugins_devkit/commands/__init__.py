"""The commands ``minidl check``, ``new``, ``describe`` and ``doctor``."""
