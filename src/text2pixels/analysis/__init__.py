"""Statistics, leaderboards, ablations and average precision: rows of scores and detections in, tables out.

The front door is `read_results`, then `boards` for the leaderboards of a data set; nothing on the way
there needs torch. What runs networks to have something to compare (`compared_detection`, `published`) says so.
"""
