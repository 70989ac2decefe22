"""The stages `prompt` and `embed`, from a processed data set to vectors, and their verbs."""

from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from text2pixels import config, layout, params_file
from text2pixels.cli import app
from text2pixels.datasets.quarantine import Quarantined, write_quarantine
from text2pixels.encoders.embeddings import Embeddings
from text2pixels.errors import InputError
from text2pixels.pipeline import embed, prompt
from text2pixels.prompts.table import read_prompts


@pytest.fixture
def parameters(monkeypatch):
    """Hand the stages sections that a test sets, checked as config checks them."""
    chosen = {"datasets": ("tiny",), "prompt": config.Prompt(), "embed": config.Embed()}

    class Sections:
        def __init__(self, sections):
            self.__dict__ = {section: chosen[section] for section in sections}

    monkeypatch.setattr(params_file, "load", Sections)
    return chosen


@pytest.mark.usefixtures("workplace", "parameters")
def test_every_pair_gets_both_prompts_and_a_second_run_the_same_bytes():
    prompt.run("tiny")
    first = layout.prompts("tiny").read_bytes()
    prompt.run("tiny")
    assert layout.prompts("tiny").read_bytes() == first
    fine = read_prompts(layout.prompts("tiny"), "fine")
    assert set(fine) == {"tiny/a", "tiny/b", "tiny/c"}
    assert "a person" in fine["tiny/a"]
    assert "at night" in fine["tiny/b"]
    assert set(read_prompts(layout.prompts("tiny"), "coarse")) == set(fine)


@pytest.mark.usefixtures("workplace")
def test_the_users_own_csv_wins_over_all(parameters, capsys):
    # The pair "odd" did not come in, which is no mistake in the CSV.
    Path("own.csv").write_text('name,phrases,kind\na,"<b>a Tank</b>; smoke",fine\nodd,a dog,\nvi/b.png,a dog,\n')
    rows = [Quarantined("tiny", "odd", "pair", "unreadable", "odd.png: the file is empty")]
    write_quarantine(layout.processed("tiny") / "quarantine.parquet", rows)
    parameters["prompt"] = config.Prompt(csv="own.csv")
    prompt.run("tiny")
    rows = {(row["pair_id"], row["kind"]): row for row in pq.read_table(layout.prompts("tiny")).to_pylist()}
    said = " ".join(capsys.readouterr().err.split())
    assert "1 of 6 prompts are from own.csv" in said
    assert "its rows of vi are left to data sets of that name" in said
    assert rows["tiny/a", "fine"]["phrases"] == ["<b>a tank</b>", "smoke"]
    assert rows["tiny/a", "fine"]["origin"] == "csv"
    assert rows["tiny/a", "coarse"]["origin"] == "boxes+statistics"
    embed.run("hash")
    assert "<b>a tank</b>" in Embeddings.read(layout.embeddings("hash")).vectors


@pytest.mark.usefixtures("workplace", "tiny_models")
def test_tagger_and_captioner_are_named_in_the_origin(parameters):
    parameters["prompt"] = config.Prompt(
        tagger="t2p-tiny", tagger_pretrained="random", captioner="coca_t2p-tiny", captioner_pretrained="random"
    )
    prompt.run("tiny")
    origins = set(pq.read_table(layout.prompts("tiny"))["origin"].to_pylist())
    assert origins == {
        "boxes+statistics+tags",
        "boxes+statistics+tags+captioner",
        "statistics+tags",
        "statistics+tags+captioner",
    }


@pytest.mark.usefixtures("workplace", "parameters")
def test_a_second_run_encodes_nothing(capsys, monkeypatch):
    prompt.run("tiny")
    embed.run("hash")
    first = layout.embeddings("hash").read_bytes()
    layout.embeddings("hash").unlink()
    monkeypatch.setattr(
        "text2pixels.encoders.catalogue.Hash.encode", lambda _self, phrases: dict(zip(phrases, [], strict=True))
    )
    embed.run("hash")
    assert layout.embeddings("hash").read_bytes() == first
    assert " 0 of them encoded now" in capsys.readouterr().err


@pytest.mark.usefixtures("workplace")
def test_phrases_without_a_vector_are_counted_and_named(parameters, capsys):
    prompt.run("tiny")
    pq.write_table(pa.table({"phrase": ["a person", "a car"], "vector": [[1.0, 0.0], [0.0, 1.0]]}), "t.parquet")
    parameters["embed"] = config.Embed(table="t.parquet")
    embed.run("table")
    embeddings = Embeddings.read(layout.embeddings("table"))
    assert list(embeddings.vectors) == ["a person"]
    said = " ".join(capsys.readouterr().err.split())
    assert "phrases have no vector" in said
    assert "at night" in said


@pytest.mark.usefixtures("workplace")
def test_phrases_that_the_distilled_encoder_guesses_are_named(parameters, capsys):
    Path("own.csv").write_text("name,phrases\na,a zxqv on the left; a car\n")
    write_quarantine(layout.processed("tiny") / "quarantine.parquet", [])
    parameters["prompt"] = config.Prompt(csv="own.csv")
    prompt.run("tiny")
    embed.run("distilled")
    said = " ".join(capsys.readouterr().err.split())
    assert "1 phrases are not among those distilled: their vectors are approximated" in said
    assert said.endswith(": a zxqv on the left")


@pytest.mark.usefixtures("workplace")
def test_a_table_that_knows_nothing_is_an_error(parameters):
    prompt.run("tiny")
    pq.write_table(pa.table({"phrase": ["a banana"], "vector": [[1.0, 0.0]]}), "t.parquet")
    parameters["embed"] = config.Embed(table="t.parquet")
    with pytest.raises(InputError, match="no vector for any of"):
        embed.run("table")
    assert not layout.embeddings("table").exists()


@pytest.mark.usefixtures("workplace", "parameters")
def test_the_stages_name_what_has_to_run_before():
    with pytest.raises(InputError, match="no manifest"):
        prompt.run("other")
    with pytest.raises(InputError, match="dvc repro prompt"):
        embed.run("hash")


@pytest.mark.usefixtures("workplace")
def test_people_describe_two_files_and_compare_phrases():
    invoke = partial(CliRunner().invoke, app, catch_exceptions=False)
    described = invoke(["prompt", "data/processed/tiny/infrared/b.png", "data/processed/tiny/visible/b.png"])
    assert "at night" in described.output
    assert " 1.000" in invoke(["embed", "a car; a bus", "--encoder", "hash"]).output
    assert invoke(["prompt"]).exit_code == 2
