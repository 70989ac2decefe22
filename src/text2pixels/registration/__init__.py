"""Infrared onto the visible frame: estimate the transform, judge it, apply it. Needs no torch.

The front door is `estimate.estimate` for two images, `apply.warp` for the infrared, and `dataset` for a whole data set.
"""
