"""Traced steps as machine code, made by torch's own compiler: the engine ``inductor``."""
