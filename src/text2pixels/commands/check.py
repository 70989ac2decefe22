"""`t2p check`: params.yaml, before a pipeline runs."""


def check() -> None:
    """Check params.yaml: every key, type and name in it (the first DVC stage)."""
    from text2pixels.pipeline.check import run

    run()
