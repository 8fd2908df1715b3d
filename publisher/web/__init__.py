"""HTTP: feeds and pages from memory, subscribing and leaving, the archive of issues, and the author's own pages."""
