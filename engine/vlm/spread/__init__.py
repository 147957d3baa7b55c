"""One model on several devices: a process for each, which all answer for the one that asks and stores.

asking    the model as a recipe sees it: shards of prompts to whoever is free, answers as they come
answering what the process of one device does (`python -m engine.vlm.spread`)
messages  what they say to each other
cluster   the same over the nodes of a Ray cluster, each with an actor
"""
