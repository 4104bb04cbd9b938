"""Embeddings, pairs, recurrence, attention, transformer and containers in the conformance kit."""

from __future__ import annotations

from importlib.metadata import distribution

from minidl_plugins_devkit import parametrize_with_checks

FILES = {
    *(
        "bilinear",
        "branching",
        "distances",
        "embedding",
        "embedding_bag",
        "gru",
        "lstm",
        "merging",
        "partition",
    ),
    *("multihead_attention", "positions", "residual", "rnn", "self_attention", "tied_embedding"),
    *("transformer", "transformer_decoder", "transformer_encoder"),
}
COMPONENTS = [
    entry.load()
    for entry in distribution("minidl-plugins-nn").entry_points
    if entry.value.partition(":")[0].rpartition(".")[2] in FILES
]


@parametrize_with_checks(COMPONENTS)
def test_conforms(check):
    check()
