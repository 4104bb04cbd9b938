"""The plugin package that ``minidl new`` writes, in ``files``, and the command that writes it."""
