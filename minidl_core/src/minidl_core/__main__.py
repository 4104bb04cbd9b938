"""``python -m minidl_core`` is ``minidl``."""

from minidl_core.command import main

main()
