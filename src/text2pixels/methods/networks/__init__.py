"""Networks of other authors, one file each, run by torch.

The front door is `authors`: what a network's file declares, and how their files become a method.
"""
