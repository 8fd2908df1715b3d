"""Entries become plain HTML pages, by Jinja2 templates that a site may override file by file."""
