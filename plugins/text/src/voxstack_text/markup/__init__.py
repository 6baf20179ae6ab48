"""Markup in what people write: Markdown, HTML, LaTeX and line ends, converted to plain text with its origin."""
