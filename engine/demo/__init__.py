"""The built-in world: a synthetic data set and a tiny Qwen2.5-VL, so that everything can be tried with no download."""
