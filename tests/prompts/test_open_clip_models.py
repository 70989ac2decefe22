"""The real loading code on architectures of a few thousand random weights."""

import numpy as np
import pytest
import torch

from text2pixels.config import Embed
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.embeddings import encode_cached
from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models
from text2pixels.prompts.image_to_text import GROUPS, Captioner, Tagger

pytestmark = pytest.mark.usefixtures("tiny_models")


@pytest.fixture
def checkpoint(tmp_path):
    """A file of weights that differ from the seeded random ones."""
    model = open_clip_models.load(open_clip_models.find("t2p-tiny", "random"))
    torch.manual_seed(1)
    torch.nn.init.normal_(model.text_projection)
    path = tmp_path / "weights.pt"
    torch.save(model.state_dict(), path)
    return path


def test_the_text_tower_gives_repeatable_unit_vectors():
    embed = Embed(open_clip_model="t2p-tiny", open_clip_pretrained="random")
    one, two = encoders.build("open_clip", embed), encoders.build("open_clip", embed)
    assert one.identity == two.identity
    first, second = one.encode(["a car", "at night"]), two.encode(["at night", "a car"])
    assert np.linalg.norm(first["a car"]) == pytest.approx(1, abs=1e-6)
    assert np.allclose(first["a car"], second["a car"], atol=1e-6)
    assert not np.allclose(first["a car"], first["at night"])


def test_a_local_file_is_loaded_and_changes_identity_and_vectors(checkpoint, tmp_path):
    def encoder(pretrained: str) -> encoders.Encoder:
        return encoders.build("open_clip", Embed(open_clip_model="t2p-tiny", open_clip_pretrained=pretrained))

    random, local = encoder("random"), encoder(str(checkpoint))
    assert random.identity != local.identity
    before, _ = encode_cached(random, ["a car"], tmp_path)
    after, encoded = encode_cached(local, ["a car"], tmp_path)
    assert encoded == 1
    assert not np.allclose(before["a car"], after["a car"])
    assert encode_cached(encoder(str(checkpoint)), ["a car"], tmp_path)[1] == 0


def test_nothing_is_loaded_for_phrases_that_are_cached(tmp_path, monkeypatch):
    embed = Embed(open_clip_model="t2p-tiny", open_clip_pretrained="random")
    encode_cached(encoders.build("open_clip", embed), ["a car"], tmp_path)
    encoder = encoders.build("open_clip", embed)
    monkeypatch.setattr(open_clip_models, "load", None)
    assert encode_cached(encoder, ["a car"], tmp_path)[1] == 0


def test_a_phrase_of_more_than_77_tokens_is_refused():
    encoder = encoders.build("open_clip", Embed(open_clip_model="t2p-tiny", open_clip_pretrained="random"))
    with pytest.raises(InputError, match="has 82 tokens, the encoder reads 77"):
        encoder.encode(["a " * 80])


def test_missing_weights_name_the_ways_out(monkeypatch, tmp_path):
    open_clip = pytest.importorskip("open_clip")

    def offline(*_args, **_kwargs):
        raise OSError("no route")

    monkeypatch.setattr(open_clip_models.socket, "getaddrinfo", offline)
    monkeypatch.setattr(open_clip, "download_pretrained", offline)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    with pytest.raises(InputError, match=r"no route.*network; give a downloaded file.*table or hash"):
        open_clip_models.find("ViT-B-32", "openai")


def test_what_is_on_the_machine_needs_no_network(monkeypatch, checkpoint):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: str(checkpoint))
    weights = open_clip_models.find("ViT-B-32", "openai")
    assert weights.file == checkpoint
    assert weights.quick_gelu  # OpenAI's activation, which the name ViT-B-32 does not tell


def archive(state):
    """Modules that hold this state and compute nothing, to be saved as a TorchScript archive."""

    class Holder(torch.nn.Module):
        def forward(self, x):
            return x

    root = Holder()
    for path, tensor in state.items():
        *parents, name = path.split(".")
        module = root
        for parent in parents:
            if parent not in dict(module.named_children()):
                module.add_module(parent, Holder())
            module = module.get_submodule(parent)
        module.register_buffer(name, tensor)
    return root


@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_an_archive_that_can_run_code_is_loaded_only_with_its_publishers_checksum(monkeypatch, tmp_path):
    open_clip = pytest.importorskip("open_clip")

    model = open_clip_models.load(open_clip_models.find("t2p-tiny", "random"))
    path = tmp_path / "archive.pt"
    torch.jit.trace(archive(model.state_dict()), torch.zeros(1)).save(path)
    with pytest.raises(InputError, match="TorchScript"):
        open_clip_models.load(open_clip_models.find("t2p-tiny", str(path)))

    entry = {"url": f"published/{open_clip_models.sha256(path)}/archive.pt", "quick_gelu": True}
    monkeypatch.setattr(open_clip, "list_pretrained_tags_by_model", lambda _: ["openai"])
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda *_: entry)
    weights = open_clip_models.find("t2p-tiny", str(path))
    assert weights.quick_gelu
    assert torch.equal(open_clip_models.load(weights).text_projection, model.text_projection)


def test_files_that_are_no_weights_of_the_model_are_refused(checkpoint, tmp_path):
    (tmp_path / "text.pt").write_text("no")
    with pytest.raises(InputError, match="does not hold weights of t2p-tiny"):
        open_clip_models.load(open_clip_models.find("t2p-tiny", str(tmp_path / "text.pt")))
    with pytest.raises(InputError, match="does not hold weights of coca_t2p-tiny"):
        open_clip_models.load(open_clip_models.find("coca_t2p-tiny", str(checkpoint)))


@pytest.mark.parametrize(
    ("model", "pretrained", "message"),
    [
        ("ViT-B-23", "openai", "unknown open_clip model 'ViT-B-23'; did you mean ViT-B-32"),
        ("ViT-B-32", "opnai", "did you mean openai"),
        ("ViT-B-32", "folder/no.pt", "no weight file at folder/no.pt"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(model, pretrained, message):
    with pytest.raises(InputError, match=message):
        open_clip_models.find(model, pretrained)


def test_the_tagger_chooses_at_most_one_phrase_a_group(scene):
    tagger = Tagger("t2p-tiny", "random")
    visible, _ = scene()
    tags = tagger.tags(visible)
    assert tags == tagger.tags(visible)
    assert all(phrase in GROUPS[group] for group, phrase in tags.items())


def test_the_captioner_writes_the_same_words_for_the_same_picture(scene):
    visible, _ = scene()
    captioner = Captioner("coca_t2p-tiny", "random")
    caption = captioner.caption(visible)
    assert caption == captioner.caption(visible)
    assert caption == caption.lower()
    assert len(caption) <= 300


def test_a_model_that_writes_no_captions_is_refused():
    with pytest.raises(InputError, match="like coca_ViT-B-32"):
        Captioner("t2p-tiny", "random")
