"""The plugin package that ``minidl new`` writes, in the folder ``files``."""
