"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_nn.bilinear import Bilinear as Bilinear
    from minidl_plugins_nn.distances import CosineSimilarity as CosineSimilarity
    from minidl_plugins_nn.distances import PairwiseDistance as PairwiseDistance
    from minidl_plugins_nn.embedding import Embedding as Embedding
    from minidl_plugins_nn.gru import GRU as GRU
    from minidl_plugins_nn.gru import GRUCell as GRUCell
    from minidl_plugins_nn.lstm import LSTM as LSTM
    from minidl_plugins_nn.lstm import LSTMCell as LSTMCell
    from minidl_plugins_nn.multihead_attention import MultiheadAttention as MultiheadAttention
    from minidl_plugins_nn.rnn import RNN as RNN
    from minidl_plugins_nn.rnn import RNNCell as RNNCell
    from minidl_plugins_nn.self_attention import SelfAttention as SelfAttention
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "bilinear": ["Bilinear"],
            "distances": ["CosineSimilarity", "PairwiseDistance"],
            "embedding": ["Embedding"],
            "gru": ["GRU", "GRUCell"],
            "lstm": ["LSTM", "LSTMCell"],
            "multihead_attention": ["MultiheadAttention"],
            "rnn": ["RNN", "RNNCell"],
            "self_attention": ["SelfAttention"],
        },
    )
