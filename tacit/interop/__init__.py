"""Bridges to other libraries, one to a module. None is needed by the rest; each says in one line what it misses."""
