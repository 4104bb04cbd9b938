"""The command line: ``minidl report``."""
