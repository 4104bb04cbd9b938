"""The packages that ``minidl new`` writes.

The folder ``shared`` has what every package has, ``kinds/KIND`` what one of that kind has beside
it, and ``kind.py`` what fills the blanks of both.
"""
