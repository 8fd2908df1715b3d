"""Bytes reach a place: what is ours, what differs, atomic writing, what was built, who is told."""
