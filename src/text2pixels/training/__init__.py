"""Training the fusion network together with a detector: strategies, objective, loop, data of a step. Needs torch.

The front door is `loop.train`; `bilevel.STRATEGIES` holds what it may do in a step, equation (7) among them.
"""
