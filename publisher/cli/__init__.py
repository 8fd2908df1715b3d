"""Arguments become a flow and an exit code. Nothing else in the house prints."""
