"""Infrared onto the visible frame: estimate the transform, judge it, apply it. Needs no torch.

The front door is `estimate.estimate` for two images, `frames.warp` to apply what it found, and `dataset.align` for a
pair of a data set.
"""
