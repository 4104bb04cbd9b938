"""A kind of component, a command, a hook and an engine for minidl, from a stranger."""
