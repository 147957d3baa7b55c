"""The documented failures of this research, replayed as files and runs, each beside a sound twin."""
