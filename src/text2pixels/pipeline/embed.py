"""Stage `embed`: a vector for every phrase of every prompt."""

from text2pixels import layout, params_file
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.embeddings import encode_cached, write_vectors
from text2pixels.errors import InputError
from text2pixels.progress import console
from text2pixels.prompts.phrases import shown_in_training
from text2pixels.prompts.table import distinct_phrases

SECTIONS: tuple[str, ...] = ("datasets", "embed")

_SHOWN = 12  # phrases without a vector that are named


def run(encoder: str) -> None:
    """Write the vectors of all phrases of the prompts, and of the phrases that training adds.

    Phrases that the encoder's table lacks are left out and named.

    Raises:
        InputError: no prompts, an unknown encoder, missing weights, or no phrase has a vector.
    """
    params = params_file.load(SECTIONS)
    built = encoders.build(encoder, params.embed)
    written = distinct_phrases(layout.prompts(dataset) for dataset in params.datasets)
    phrases = sorted({*written, *shown_in_training()})
    vectors, encoded = encode_cached(built, phrases)
    lacking = [phrase for phrase in written if phrase not in vectors]
    if not vectors:
        raise InputError(
            f"the encoder '{encoder}' has no vector for any of {len(phrases)} phrases ({', '.join(phrases[:5])}, …); "
            "use another table or encoder"
        )
    write_vectors(layout.embeddings(encoder), built.identity, vectors)
    console.print(f"embed {encoder}: {len(vectors)} phrases, {encoded} of them encoded now ({built.identity})")
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        console.print(
            f"embed {encoder}: {len(lacking)} phrases have no vector and will not be seen by the network: "
            f"{'; '.join(lacking[:_SHOWN])}{more}",
            markup=False,
        )
