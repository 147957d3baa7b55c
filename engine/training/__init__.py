"""Training of pointer selectors: resident tensors, one step as one graph where the device allows it, several runs at once."""
