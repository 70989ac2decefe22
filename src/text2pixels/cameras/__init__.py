"""What people's two cameras bring, to fused pictures: pairs, folders, videos, live streams. Needs no torch.

The front door is `verbs`: `t2p fuse` and `t2p register`. `stills`, `folders`, `video` and `live` are one kind of input
each; `alignment` puts the infrared onto the visible frame, and `view` fuses where there is infrared.
"""
