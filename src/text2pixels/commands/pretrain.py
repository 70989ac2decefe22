"""`t2p pretrain`: the start weights of every method's detector."""


def pretrain() -> None:
    """Train the detector that every method starts from, on infrared and visible images alike (the DVC stage)."""
    from text2pixels.stages.pretrain import run

    run()
