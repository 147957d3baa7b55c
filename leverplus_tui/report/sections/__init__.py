"""The sections of a report: from what was gathered to blocks, in the words of the catalogue."""
