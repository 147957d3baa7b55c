"""Stored runs in the trackers and folders that others read: one file for each place, all given the same content."""
