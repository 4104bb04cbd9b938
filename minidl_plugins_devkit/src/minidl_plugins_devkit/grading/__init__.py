"""Grading: the files of many people, each checked by the kit in a process of its own."""
