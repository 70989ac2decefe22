"""The fusion network of the paper: extractor, attention, codebook, losses, checkpoint and export. Needs torch.

The front door is `network.FusionNetwork`, and `checkpoint.read` for a trained one. `description` alone, which says
what network.json holds, is read without torch.
"""
