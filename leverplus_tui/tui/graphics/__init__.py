"""Pictures in a terminal: what it can draw, how it is asked, and the two protocols of pixels (kitty's and sixel)."""
