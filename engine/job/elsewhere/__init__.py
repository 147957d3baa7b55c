"""Runs on other machines: a node writes row files and never the database; one collector at home inserts them."""
