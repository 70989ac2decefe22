"""Training other authors' networks again, by their own losses and schedules, on pairs of ours. Needs torch.

The front door is `run.retrain`; each network has a file of its own with its `recipe.Recipe`, which the entry of
`methods.catalogue` names.
"""
