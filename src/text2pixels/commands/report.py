"""`t2p report`: the benchmark's site."""


def report() -> None:
    """Write the site, reports/site/index.html, from what the pipeline has made."""
    from text2pixels.pipeline import report as stage

    stage.run()
