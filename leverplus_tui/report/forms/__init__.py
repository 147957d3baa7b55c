"""The forms of a report: Markdown, HTML, LaTeX, CSV."""
