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
    from minidl_plugins_nn.initialisation import *
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
    from minidl_plugins_nn.optimizers.accumulate import *
    from minidl_plugins_nn.optimizers.adadelta import *
    from minidl_plugins_nn.optimizers.adafactor import *
    from minidl_plugins_nn.optimizers.adagrad import *
    from minidl_plugins_nn.optimizers.adam import *
    from minidl_plugins_nn.optimizers.adamax import *
    from minidl_plugins_nn.optimizers.adamw import *
    from minidl_plugins_nn.optimizers.asgd import *
    from minidl_plugins_nn.optimizers.averaged import *
    from minidl_plugins_nn.optimizers.clip import *
    from minidl_plugins_nn.optimizers.lion import *
    from minidl_plugins_nn.optimizers.muon import *
    from minidl_plugins_nn.optimizers.nadam import *
    from minidl_plugins_nn.optimizers.radam import *
    from minidl_plugins_nn.optimizers.rmsprop import *
    from minidl_plugins_nn.optimizers.rprop import *
    from minidl_plugins_nn.optimizers.sgd import *
    from minidl_plugins_nn.optimizers.split import *
    from minidl_plugins_nn.rnn import RNN as RNN
    from minidl_plugins_nn.rnn import RNNCell as RNNCell
    from minidl_plugins_nn.schedules.by_epochs import *
    from minidl_plugins_nn.schedules.composition import *
    from minidl_plugins_nn.schedules.one_cycle import *
    from minidl_plugins_nn.schedules.over_the_run import *
    from minidl_plugins_nn.schedules.plateau import *
    from minidl_plugins_nn.schedules.schedule import Schedule as Schedule
    from minidl_plugins_nn.schedules.scheduler import *
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
            "initialisation": ["initialise"],
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
            "optimizers.accumulate": ["Accumulate"],
            "optimizers.adadelta": ["Adadelta"],
            "optimizers.adafactor": ["Adafactor"],
            "optimizers.adagrad": ["Adagrad"],
            "optimizers.adam": ["Adam"],
            "optimizers.adamax": ["Adamax"],
            "optimizers.adamw": ["AdamW"],
            "optimizers.asgd": ["ASGD"],
            "optimizers.averaged": ["Averaged"],
            "optimizers.clip": ["ClipNorm", "ClipValue"],
            "optimizers.lion": ["Lion"],
            "optimizers.muon": ["Muon"],
            "optimizers.nadam": ["NAdam"],
            "optimizers.radam": ["RAdam"],
            "optimizers.rmsprop": ["RMSprop"],
            "optimizers.rprop": ["Rprop"],
            "optimizers.sgd": ["SGD"],
            "optimizers.split": ["Split"],
            "rnn": ["RNN", "RNNCell"],
            "schedules.by_epochs": ["ExponentialSchedule", "MultiStepSchedule", "StepSchedule"],
            "schedules.composition": ["JoinedSchedule", "ProductSchedule", "WarmUpSchedule"],
            "schedules.one_cycle": ["OneCycleSchedule"],
            "schedules.over_the_run": [
                "ConstantSchedule",
                "CosineSchedule",
                "LinearSchedule",
                "PolynomialSchedule",
            ],
            "schedules.plateau": ["PlateauSchedule"],
            "schedules.schedule": ["Schedule"],
            "schedules.scheduler": ["Scheduler"],
            "self_attention": ["SelfAttention"],
        },
    )
