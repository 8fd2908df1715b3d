"""Publisher: posts in Markdown become feeds, plain pages and an email digest."""

__version__ = "0.1.0"
