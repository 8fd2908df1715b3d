"""Other generators' checkouts: what their configuration says of the site, read and never executed."""
