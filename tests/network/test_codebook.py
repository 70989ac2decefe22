"""Equations (5), (6) and (11)."""

import pytest
import torch
import torch.nn.functional as F

from text2pixels.network.codebook import Codebook, distances


@pytest.fixture
def clusters():
    """Tokens in six tight clusters, (2, 6, 5, 8)."""
    torch.manual_seed(0)
    centres = torch.randn(6, 8)
    return centres[None, :, None, :] + 0.01 * torch.randn(2, 6, 5, 8)


def test_distances_are_equation_5():
    torch.manual_seed(0)
    vectors, codes = torch.randn(5, 3), torch.randn(4, 3)
    expected = [[sum(float(a - b) ** 2 for a, b in zip(x, c, strict=True)) for c in codes] for x in vectors]
    torch.testing.assert_close(distances(vectors, codes), torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_quantises_by_equation_6_and_charges_equation_11(clusters):
    torch.manual_seed(1)
    codebook = Codebook(7, 8).eval()
    tokens, commitment, _ = codebook(clusters)
    total = 0.0
    unit = F.normalize(clusters / (1 + codebook.standardise.eps) ** 0.5, dim=-1)  # fresh statistics: mean 0, variance 1
    for z, q in zip(unit.view(-1, 8), tokens.view(-1, 8), strict=True):
        best = min(codebook.codes_KE, key=lambda code, z=z: float(((z - code) ** 2).sum()))
        torch.testing.assert_close(q, best, atol=1e-5, rtol=1e-5)
        total += float(((z - best) ** 2).sum())
    assert float(commitment) == pytest.approx(total / 60, rel=1e-4)


def test_the_gradient_passes_straight_through(clusters):
    codebook = Codebook(7, 8)
    tokens = clusters.clone().requires_grad_()
    quantised = codebook(tokens).tokens_BhwE
    weight = torch.randn_like(quantised)
    (gradient,) = torch.autograd.grad((quantised * weight).sum(), tokens)
    codebook.load_state_dict(Codebook(7, 8).state_dict())
    unit = F.normalize(codebook.standardise(tokens.flatten(0, 2)), dim=1).view_as(tokens)
    (expected,) = torch.autograd.grad((unit * weight).sum(), tokens)
    torch.testing.assert_close(gradient, expected)


def test_commitment_pulls_tokens_towards_their_codes(clusters):
    torch.manual_seed(1)
    codebook = Codebook(3, 8).eval()
    tokens = clusters.clone().requires_grad_()
    before = codebook(tokens).commitment
    before.backward()
    assert codebook(tokens.detach() - 0.5 * tokens.grad).commitment < before


def test_training_places_codes_on_the_data(clusters):
    codebook = Codebook(6, 8)
    for _ in range(3):
        result = codebook(clusters)
    assert float(result.commitment.detach()) < 0.01
    assert float(result.perplexity) == pytest.approx(6, abs=0.5)
    torch.testing.assert_close(codebook.codes_KE.norm(dim=1), torch.ones(6))


def test_dead_codes_come_back(clusters):
    codebook = Codebook(8, 8)
    codebook(clusters)
    away = torch.zeros(8)
    away[0] = -1.0
    codebook.usage_K[3] = 1e-6
    codebook.total_KE[3] = away
    codebook(clusters)
    assert codebook.usage_K[3] > 0.5 / 8
    nearest = distances(codebook.codes_KE[3:4], F.normalize(codebook.standardise(clusters.flatten(0, 2)), dim=1))
    assert float(nearest.min()) < 0.05


def test_evaluation_moves_nothing(clusters):
    codebook = Codebook(6, 8)
    codebook(clusters)
    codebook.eval()
    before = {name: value.clone() for name, value in codebook.state_dict().items()}
    codebook(clusters + 1)
    for name, value in codebook.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_perplexity_lies_between_one_and_the_number_of_codes(clusters):
    codebook = Codebook(5, 8)
    assert 1 <= float(codebook(clusters).perplexity) <= 5 + 1e-4
    codebook.eval()
    assert float(codebook(clusters[:1, :1, :1]).perplexity) == pytest.approx(1)
