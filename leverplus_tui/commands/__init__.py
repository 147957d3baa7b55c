"""The commands, one file per noun. Each is loaded when it is used."""
