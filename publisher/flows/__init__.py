"""The stories: each reads, decides, acts and records. The only place where two rooms meet."""
