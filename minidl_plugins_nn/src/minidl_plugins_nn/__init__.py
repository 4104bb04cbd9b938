"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_nn.bilinear import Bilinear as Bilinear
    from minidl_plugins_nn.branching import Each as Each
    from minidl_plugins_nn.branching import Parallel as Parallel
    from minidl_plugins_nn.distances import CosineSimilarity as CosineSimilarity
    from minidl_plugins_nn.distances import PairwiseDistance as PairwiseDistance
    from minidl_plugins_nn.embedding import Embedding as Embedding
    from minidl_plugins_nn.gru import GRU as GRU
    from minidl_plugins_nn.gru import GRUCell as GRUCell
    from minidl_plugins_nn.lstm import LSTM as LSTM
    from minidl_plugins_nn.lstm import LSTMCell as LSTMCell
    from minidl_plugins_nn.merging import Add as Add
    from minidl_plugins_nn.merging import Concatenate as Concatenate
    from minidl_plugins_nn.merging import Multiply as Multiply
    from minidl_plugins_nn.multihead_attention import MultiheadAttention as MultiheadAttention
    from minidl_plugins_nn.residual import Residual as Residual
    from minidl_plugins_nn.rnn import RNN as RNN
    from minidl_plugins_nn.rnn import RNNCell as RNNCell
    from minidl_plugins_nn.self_attention import SelfAttention as SelfAttention
    from minidl_plugins_nn.splitting import Select as Select
    from minidl_plugins_nn.splitting import Split as Split
else:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "bilinear": ["Bilinear"],
            "branching": ["Each", "Parallel"],
            "distances": ["CosineSimilarity", "PairwiseDistance"],
            "embedding": ["Embedding"],
            "gru": ["GRU", "GRUCell"],
            "lstm": ["LSTM", "LSTMCell"],
            "merging": ["Add", "Concatenate", "Multiply"],
            "multihead_attention": ["MultiheadAttention"],
            "residual": ["Residual"],
            "rnn": ["RNN", "RNNCell"],
            "self_attention": ["SelfAttention"],
            "splitting": ["Select", "Split"],
        },
    )
