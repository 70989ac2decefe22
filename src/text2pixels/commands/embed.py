"""`t2p embed`: encode the phrases of all prompts, or of one."""

from typing import Annotated

import typer


def embed(
    phrases: Annotated[str | None, typer.Argument(help="Phrases to compare, separated by semicolons.")] = None,
    encoder: Annotated[str, typer.Option(help="hash, table, open_clip or distilled.")] = "open_clip",
) -> None:
    """Encode all prompts' phrases, or print how near some phrases are to each other (cosine)."""
    if phrases is None:
        from text2pixels.pipeline.embed import run

        run(encoder)
        return

    from text2pixels import config
    from text2pixels.encoders.embeddings import encode_user_prompt

    section = config.load(("embed",)).embed if config.PARAMS_FILE.is_file() else config.Embed()
    names, vectors_TD = encode_user_prompt(phrases, encoder, section)
    for name, row in zip(names, vectors_TD @ vectors_TD.T, strict=True):
        typer.echo(f"{'  '.join(f'{value:6.3f}' for value in row)}  {name}")
