"""What the published scripts call things, and what they are here: names, defaults, YAML files and shell scripts."""
