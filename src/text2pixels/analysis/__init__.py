"""Statistics, leaderboards, ablations and average precision: rows of scores and detections in, tables out.

The front door is `read_results`, then `boards` for the leaderboards of a data set; nothing here needs torch.
"""
