"""Equations (2), (3) and (4)."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from text2pixels.network.attention import LANDMARKS, CrossAttention, SelfAttention, pooling_matrix

WIDTH, HEADS, DIMENSION = 8, 2, 6


def literal(query_NE, key_ME, value_ME):
    """softmax(Q K^T / sqrt(d_k)) V for every head and query by itself; returns the result and the weights."""
    size = WIDTH // HEADS
    mixed = torch.zeros_like(query_NE)
    weights = torch.zeros(HEADS, len(query_NE), len(key_ME))
    for head in range(HEADS):
        part = slice(head * size, (head + 1) * size)
        for n in range(len(query_NE)):
            scores = [math.exp(float(query_NE[n, part] @ key[part]) / math.sqrt(size)) for key in key_ME]
            for m, score in enumerate(scores):
                weights[head, n, m] = score / sum(scores)
                mixed[n, part] += weights[head, n, m] * value_ME[m, part]
    return mixed, weights


@pytest.fixture
def tokens():
    torch.manual_seed(0)
    return torch.randn(1, LANDMARKS, 2 * LANDMARKS, WIDTH)


@torch.no_grad()
def test_self_attention_is_equations_2_and_3(tokens):
    unit = SelfAttention(WIDTH, HEADS)
    normed = F.layer_norm(tokens, (WIDTH,))
    # Two columns of tokens fall on each landmark.
    landmarks = normed.view(LANDMARKS, LANDMARKS, 2, WIDTH).mean(dim=2).view(-1, WIDTH)
    some = normed.view(-1, WIDTH)[::40]
    mixed, _ = literal(some @ unit.query.weight.T, landmarks @ unit.key.weight.T, landmarks @ unit.value.weight.T)
    expected = tokens.view(-1, WIDTH)[::40] + mixed @ unit.out.weight.T + unit.out.bias
    torch.testing.assert_close(unit(tokens).view(-1, WIDTH)[::40], expected, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_cross_attention_is_equation_4(tokens):
    unit, text = CrossAttention(WIDTH, HEADS, DIMENSION), torch.randn(1, 3, DIMENSION)
    psi = F.layer_norm(torch.cat((text[0], unit.null_D[None])), (DIMENSION,))
    query = F.layer_norm(tokens, (WIDTH,)).view(-1, WIDTH) @ unit.query.weight.T
    query, key = (
        F.layer_norm(each.view(len(each), HEADS, -1), (WIDTH // HEADS,)).view(len(each), WIDTH)
        for each in (query, psi @ unit.key.weight.T)
    )
    mixed, weights = literal(query, key, psi @ unit.value.weight.T)
    result, attention = unit(tokens, text, None)
    expected = mixed @ unit.out.weight.T
    torch.testing.assert_close(result.view(-1, WIDTH), expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(attention[0].flatten(1).T, weights.mean(dim=0), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_without_text_the_null_token_is_alone(tokens):
    unit = CrossAttention(WIDTH, HEADS, DIMENSION)
    result, attention = unit(tokens, None, None)
    assert attention.shape == (1, 1, LANDMARKS, 2 * LANDMARKS)
    assert (attention == 1).all()
    for text, mask in (
        (torch.zeros(1, 0, DIMENSION), None),
        (torch.randn(1, 2, DIMENSION), torch.zeros(1, 2, dtype=torch.bool)),
    ):
        torch.testing.assert_close(unit(tokens, text, mask)[0], result)


@torch.no_grad()
def test_padding_has_no_effect_whatever_it_holds(tokens):
    unit, text = CrossAttention(WIDTH, HEADS, DIMENSION), torch.randn(1, 2, DIMENSION)
    result, attention = unit(tokens, text, None)
    padded = torch.cat((text, torch.full((1, 3, DIMENSION), 1e4)), dim=1)
    mask = torch.tensor([[True, True, False, False, False]])
    padded_result, padded_attention = unit(tokens, padded, mask)
    torch.testing.assert_close(padded_result, result)
    torch.testing.assert_close(padded_attention[:, [0, 1, 5]], attention)
    assert (padded_attention[:, 2:5] == 0).all()


@torch.no_grad()
def test_the_order_of_phrases_does_not_matter(tokens):
    unit, text = CrossAttention(WIDTH, HEADS, DIMENSION), torch.randn(1, 3, DIMENSION)
    torch.testing.assert_close(unit(tokens, text.flip(1), None)[0], unit(tokens, text, None)[0])


@given(st.integers(1, 100))
@settings(deadline=None, max_examples=20)
def test_pooling_covers_every_cell_alike(size):
    matrix = pooling_matrix(size, LANDMARKS, torch.zeros(()))
    torch.testing.assert_close(matrix.sum(dim=1), torch.ones(LANDMARKS))
    torch.testing.assert_close(matrix.sum(dim=0), torch.full((size,), LANDMARKS / size))


def test_pooling_averages_where_sizes_divide():
    line = torch.rand(3 * LANDMARKS)
    torch.testing.assert_close(pooling_matrix(len(line), LANDMARKS, line) @ line, line.view(-1, 3).mean(dim=1))
