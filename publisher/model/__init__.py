"""Nouns: frozen values that every floor may hold. Standard library only, no I/O."""
