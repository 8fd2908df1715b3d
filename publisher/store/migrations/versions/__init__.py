"""One module a revision; the order stands in each module's ``down_revision``."""
