"""The layers, losses, optimizers and schedules of torch.nn, every gradient written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_core import lazy_names

if TYPE_CHECKING:
    from minidl_plugins_nn.activations.elementwise import Elementwise as Elementwise
    from minidl_plugins_nn.activations.exponential import *
    from minidl_plugins_nn.activations.glu import *
    from minidl_plugins_nn.activations.leaky import *
    from minidl_plugins_nn.activations.piecewise import *
    from minidl_plugins_nn.activations.self_gated import *
    from minidl_plugins_nn.activations.smooth import *
    from minidl_plugins_nn.activations.softmax import *
    from minidl_plugins_nn.bilinear import Bilinear as Bilinear
    from minidl_plugins_nn.distances import CosineSimilarity as CosineSimilarity
    from minidl_plugins_nn.distances import PairwiseDistance as PairwiseDistance
    from minidl_plugins_nn.embedding import Embedding as Embedding
    from minidl_plugins_nn.gru import GRU as GRU
    from minidl_plugins_nn.gru import GRUCell as GRUCell
    from minidl_plugins_nn.losses.absolute import *
    from minidl_plugins_nn.losses.binary import *
    from minidl_plugins_nn.losses.cross_entropy import *
    from minidl_plugins_nn.losses.ctc import *
    from minidl_plugins_nn.losses.embeddings import *
    from minidl_plugins_nn.losses.gaussian import *
    from minidl_plugins_nn.losses.likelihood import *
    from minidl_plugins_nn.losses.linear_cross_entropy import *
    from minidl_plugins_nn.losses.margins import *
    from minidl_plugins_nn.losses.nll import *
    from minidl_plugins_nn.losses.signs import *
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
            "activations.elementwise": ["Elementwise"],
            "activations.exponential": ["CELU", "ELU", "SELU"],
            "activations.glu": ["GLU"],
            "activations.leaky": ["LeakyReLU", "PReLU", "RReLU"],
            "activations.piecewise": [
                "Hardshrink",
                "Hardsigmoid",
                "Hardtanh",
                "ReLU6",
                "Softshrink",
                "Threshold",
            ],
            "activations.self_gated": ["GELU", "Hardswish", "Mish", "SiLU"],
            "activations.smooth": ["LogSigmoid", "Softplus", "Softsign", "Tanhshrink"],
            "activations.softmax": ["LogSoftmax", "Softmax", "Softmax2d", "Softmin"],
            "bilinear": ["Bilinear"],
            "distances": ["CosineSimilarity", "PairwiseDistance"],
            "embedding": ["Embedding"],
            "gru": ["GRU", "GRUCell"],
            "losses.absolute": ["HuberLoss", "L1Loss", "SmoothL1Loss"],
            "losses.binary": ["BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"],
            "losses.cross_entropy": ["CrossEntropyLoss"],
            "losses.ctc": ["CTCLoss"],
            "losses.embeddings": [
                "CosineEmbeddingLoss",
                "TripletMarginLoss",
                "TripletMarginWithDistanceLoss",
            ],
            "losses.gaussian": ["GaussianNLLLoss"],
            "losses.likelihood": ["KLDivLoss", "PoissonNLLLoss"],
            "losses.linear_cross_entropy": ["LinearCrossEntropyLoss"],
            "losses.margins": ["MultiLabelMarginLoss", "MultiMarginLoss"],
            "losses.nll": ["NLLLoss"],
            "losses.signs": ["HingeEmbeddingLoss", "MarginRankingLoss", "SoftMarginLoss"],
            "lstm": ["LSTM", "LSTMCell"],
            "multihead_attention": ["MultiheadAttention"],
            "rnn": ["RNN", "RNNCell"],
            "self_attention": ["SelfAttention"],
        },
    )
