"""Verbs that only compute: values in, values out. The time, keys and zones are arguments."""
