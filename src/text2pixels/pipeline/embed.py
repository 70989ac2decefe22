"""Stage `embed`: a vector for every phrase of every prompt."""

from text2pixels import layout, params_file
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.embeddings import encode_cached, write_vectors
from text2pixels.errors import InputError
from text2pixels.progress import console
from text2pixels.prompts.phrases import shown_in_training
from text2pixels.prompts.table import distinct_phrases

SECTIONS: tuple[str, ...] = ("datasets", "embed")

_SHOWN = 12  # phrases that are named, of those without a vector and of those that are guessed


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
    _name(encoder, lacking, "have no vector and will not be seen by the network")
    if isinstance(built, Distilled):
        guessed = built.approximated([phrase for phrase in written if phrase in vectors])
        _name(encoder, guessed, "are not among those distilled: their vectors are approximated, from their letters")


def _name(encoder: str, phrases: list[str], what: str) -> None:
    if phrases:
        more = f" and {len(phrases) - _SHOWN} more" if len(phrases) > _SHOWN else ""
        named = "; ".join(phrases[:_SHOWN])
        console.print(f"embed {encoder}: {len(phrases)} phrases {what}: {named}{more}", markup=False)
