"""Posts become entries: frontmatter, dialects, dates, Markdown, links, files beside a post."""
