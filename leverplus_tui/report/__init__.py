"""Reports of stored runs: gathered from rows, put into words and plots, written as Markdown, HTML, LaTeX or CSV."""
