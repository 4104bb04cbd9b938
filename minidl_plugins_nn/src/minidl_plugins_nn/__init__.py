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
    from minidl_plugins_nn.adaptive_pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveAvgPool3d as AdaptiveAvgPool3d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveMaxPool1d as AdaptiveMaxPool1d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveMaxPool2d as AdaptiveMaxPool2d
    from minidl_plugins_nn.adaptive_pooling import AdaptiveMaxPool3d as AdaptiveMaxPool3d
    from minidl_plugins_nn.average_pooling import AvgPool1d as AvgPool1d
    from minidl_plugins_nn.average_pooling import AvgPool2d as AvgPool2d
    from minidl_plugins_nn.average_pooling import AvgPool3d as AvgPool3d
    from minidl_plugins_nn.batch_norm import BatchNorm1d as BatchNorm1d
    from minidl_plugins_nn.batch_norm import BatchNorm2d as BatchNorm2d
    from minidl_plugins_nn.batch_norm import BatchNorm3d as BatchNorm3d
    from minidl_plugins_nn.bilinear import Bilinear as Bilinear
    from minidl_plugins_nn.branching import Each as Each
    from minidl_plugins_nn.branching import Parallel as Parallel
    from minidl_plugins_nn.constant_padding import ConstantPad1d as ConstantPad1d
    from minidl_plugins_nn.constant_padding import ConstantPad2d as ConstantPad2d
    from minidl_plugins_nn.constant_padding import ConstantPad3d as ConstantPad3d
    from minidl_plugins_nn.constant_padding import ZeroPad1d as ZeroPad1d
    from minidl_plugins_nn.constant_padding import ZeroPad2d as ZeroPad2d
    from minidl_plugins_nn.constant_padding import ZeroPad3d as ZeroPad3d
    from minidl_plugins_nn.convolution import Conv1d as Conv1d
    from minidl_plugins_nn.convolution import Conv2d as Conv2d
    from minidl_plugins_nn.convolution import Conv3d as Conv3d
    from minidl_plugins_nn.distances import CosineSimilarity as CosineSimilarity
    from minidl_plugins_nn.distances import PairwiseDistance as PairwiseDistance
    from minidl_plugins_nn.dropout import AlphaDropout as AlphaDropout
    from minidl_plugins_nn.dropout import Dropout as Dropout
    from minidl_plugins_nn.dropout import Dropout1d as Dropout1d
    from minidl_plugins_nn.dropout import Dropout2d as Dropout2d
    from minidl_plugins_nn.dropout import Dropout3d as Dropout3d
    from minidl_plugins_nn.dropout import FeatureAlphaDropout as FeatureAlphaDropout
    from minidl_plugins_nn.embedding import Embedding as Embedding
    from minidl_plugins_nn.embedding_bag import EmbeddingBag as EmbeddingBag
    from minidl_plugins_nn.folding import Fold as Fold
    from minidl_plugins_nn.folding import Unfold as Unfold
    from minidl_plugins_nn.fractional_pooling import FractionalMaxPool2d as FractionalMaxPool2d
    from minidl_plugins_nn.fractional_pooling import FractionalMaxPool3d as FractionalMaxPool3d
    from minidl_plugins_nn.group_norm import GroupNorm as GroupNorm
    from minidl_plugins_nn.gru import GRU as GRU
    from minidl_plugins_nn.gru import GRUCell as GRUCell
    from minidl_plugins_nn.initialisation import *
    from minidl_plugins_nn.instance_norm import InstanceNorm1d as InstanceNorm1d
    from minidl_plugins_nn.instance_norm import InstanceNorm2d as InstanceNorm2d
    from minidl_plugins_nn.instance_norm import InstanceNorm3d as InstanceNorm3d
    from minidl_plugins_nn.layer_norm import LayerNorm as LayerNorm
    from minidl_plugins_nn.layer_norm import RMSNorm as RMSNorm
    from minidl_plugins_nn.lazy_modules import LazyBatchNorm1d as LazyBatchNorm1d
    from minidl_plugins_nn.lazy_modules import LazyBatchNorm2d as LazyBatchNorm2d
    from minidl_plugins_nn.lazy_modules import LazyBatchNorm3d as LazyBatchNorm3d
    from minidl_plugins_nn.lazy_modules import LazyConv1d as LazyConv1d
    from minidl_plugins_nn.lazy_modules import LazyConv2d as LazyConv2d
    from minidl_plugins_nn.lazy_modules import LazyConv3d as LazyConv3d
    from minidl_plugins_nn.lazy_modules import LazyConvTranspose1d as LazyConvTranspose1d
    from minidl_plugins_nn.lazy_modules import LazyConvTranspose2d as LazyConvTranspose2d
    from minidl_plugins_nn.lazy_modules import LazyConvTranspose3d as LazyConvTranspose3d
    from minidl_plugins_nn.lazy_modules import LazyInstanceNorm1d as LazyInstanceNorm1d
    from minidl_plugins_nn.lazy_modules import LazyInstanceNorm2d as LazyInstanceNorm2d
    from minidl_plugins_nn.lazy_modules import LazyInstanceNorm3d as LazyInstanceNorm3d
    from minidl_plugins_nn.local_response_norm import LocalResponseNorm as LocalResponseNorm
    from minidl_plugins_nn.losses.absolute import *
    from minidl_plugins_nn.losses.binary import *
    from minidl_plugins_nn.losses.class_loss import *
    from minidl_plugins_nn.losses.cross_entropy import *
    from minidl_plugins_nn.losses.ctc import *
    from minidl_plugins_nn.losses.embeddings import *
    from minidl_plugins_nn.losses.gaussian import *
    from minidl_plugins_nn.losses.likelihood import *
    from minidl_plugins_nn.losses.linear_cross_entropy import *
    from minidl_plugins_nn.losses.margins import *
    from minidl_plugins_nn.losses.nll import *
    from minidl_plugins_nn.losses.signs import *
    from minidl_plugins_nn.lp_pooling import LPPool1d as LPPool1d
    from minidl_plugins_nn.lp_pooling import LPPool2d as LPPool2d
    from minidl_plugins_nn.lp_pooling import LPPool3d as LPPool3d
    from minidl_plugins_nn.lstm import LSTM as LSTM
    from minidl_plugins_nn.lstm import LSTMCell as LSTMCell
    from minidl_plugins_nn.max_pooling import MaxPool1d as MaxPool1d
    from minidl_plugins_nn.max_pooling import MaxPool2d as MaxPool2d
    from minidl_plugins_nn.max_pooling import MaxPool3d as MaxPool3d
    from minidl_plugins_nn.max_unpooling import MaxUnpool1d as MaxUnpool1d
    from minidl_plugins_nn.max_unpooling import MaxUnpool2d as MaxUnpool2d
    from minidl_plugins_nn.max_unpooling import MaxUnpool3d as MaxUnpool3d
    from minidl_plugins_nn.merging import Add as Add
    from minidl_plugins_nn.merging import Concatenate as Concatenate
    from minidl_plugins_nn.merging import Multiply as Multiply
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
    from minidl_plugins_nn.padding_layers import CircularPad1d as CircularPad1d
    from minidl_plugins_nn.padding_layers import CircularPad2d as CircularPad2d
    from minidl_plugins_nn.padding_layers import CircularPad3d as CircularPad3d
    from minidl_plugins_nn.padding_layers import ReflectionPad1d as ReflectionPad1d
    from minidl_plugins_nn.padding_layers import ReflectionPad2d as ReflectionPad2d
    from minidl_plugins_nn.padding_layers import ReflectionPad3d as ReflectionPad3d
    from minidl_plugins_nn.padding_layers import ReplicationPad1d as ReplicationPad1d
    from minidl_plugins_nn.padding_layers import ReplicationPad2d as ReplicationPad2d
    from minidl_plugins_nn.padding_layers import ReplicationPad3d as ReplicationPad3d
    from minidl_plugins_nn.partition import Partition as Partition
    from minidl_plugins_nn.partition import Select as Select
    from minidl_plugins_nn.pixel_shuffle import ChannelShuffle as ChannelShuffle
    from minidl_plugins_nn.pixel_shuffle import PixelShuffle as PixelShuffle
    from minidl_plugins_nn.pixel_shuffle import PixelUnshuffle as PixelUnshuffle
    from minidl_plugins_nn.positions import Positions as Positions
    from minidl_plugins_nn.reshaping import Flatten as Flatten
    from minidl_plugins_nn.reshaping import Identity as Identity
    from minidl_plugins_nn.reshaping import Unflatten as Unflatten
    from minidl_plugins_nn.residual import Residual as Residual
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
    from minidl_plugins_nn.tied_embedding import TiedEmbedding as TiedEmbedding
    from minidl_plugins_nn.torch_twins import from_torch as from_torch
    from minidl_plugins_nn.torch_twins import to_torch as to_torch
    from minidl_plugins_nn.transformer import Transformer as Transformer
    from minidl_plugins_nn.transformer_decoder import TransformerDecoder as TransformerDecoder
    from minidl_plugins_nn.transformer_decoder import (
        TransformerDecoderLayer as TransformerDecoderLayer,
    )
    from minidl_plugins_nn.transformer_encoder import TransformerEncoder as TransformerEncoder
    from minidl_plugins_nn.transformer_encoder import (
        TransformerEncoderLayer as TransformerEncoderLayer,
    )
    from minidl_plugins_nn.transposed_convolution import ConvTranspose1d as ConvTranspose1d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose2d as ConvTranspose2d
    from minidl_plugins_nn.transposed_convolution import ConvTranspose3d as ConvTranspose3d
    from minidl_plugins_nn.upsampling import Upsample as Upsample
    from minidl_plugins_nn.upsampling import UpsamplingBilinear2d as UpsamplingBilinear2d
    from minidl_plugins_nn.upsampling import UpsamplingNearest2d as UpsamplingNearest2d
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
            "adaptive_pooling": [
                "AdaptiveAvgPool1d",
                "AdaptiveAvgPool2d",
                "AdaptiveAvgPool3d",
                "AdaptiveMaxPool1d",
                "AdaptiveMaxPool2d",
                "AdaptiveMaxPool3d",
            ],
            "average_pooling": ["AvgPool1d", "AvgPool2d", "AvgPool3d"],
            "batch_norm": ["BatchNorm1d", "BatchNorm2d", "BatchNorm3d"],
            "bilinear": ["Bilinear"],
            "branching": ["Each", "Parallel"],
            "constant_padding": [
                "ConstantPad1d",
                "ConstantPad2d",
                "ConstantPad3d",
                "ZeroPad1d",
                "ZeroPad2d",
                "ZeroPad3d",
            ],
            "convolution": ["Conv1d", "Conv2d", "Conv3d"],
            "distances": ["CosineSimilarity", "PairwiseDistance"],
            "dropout": [
                "AlphaDropout",
                "Dropout",
                "Dropout1d",
                "Dropout2d",
                "Dropout3d",
                "FeatureAlphaDropout",
            ],
            "embedding": ["Embedding"],
            "embedding_bag": ["EmbeddingBag"],
            "folding": ["Fold", "Unfold"],
            "fractional_pooling": ["FractionalMaxPool2d", "FractionalMaxPool3d"],
            "group_norm": ["GroupNorm"],
            "gru": ["GRU", "GRUCell"],
            "initialisation": ["initialise"],
            "instance_norm": ["InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"],
            "layer_norm": ["LayerNorm", "RMSNorm"],
            "lazy_modules": [
                "LazyBatchNorm1d",
                "LazyBatchNorm2d",
                "LazyBatchNorm3d",
                "LazyConv1d",
                "LazyConv2d",
                "LazyConv3d",
                "LazyConvTranspose1d",
                "LazyConvTranspose2d",
                "LazyConvTranspose3d",
                "LazyInstanceNorm1d",
                "LazyInstanceNorm2d",
                "LazyInstanceNorm3d",
            ],
            "local_response_norm": ["LocalResponseNorm"],
            "losses.absolute": ["HuberLoss", "L1Loss", "SmoothL1Loss"],
            "losses.binary": ["BCELoss", "BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"],
            "losses.class_loss": ["ClassLoss"],
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
            "lp_pooling": ["LPPool1d", "LPPool2d", "LPPool3d"],
            "lstm": ["LSTM", "LSTMCell"],
            "max_pooling": ["MaxPool1d", "MaxPool2d", "MaxPool3d"],
            "max_unpooling": ["MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"],
            "merging": ["Add", "Concatenate", "Multiply"],
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
            "padding_layers": [
                "CircularPad1d",
                "CircularPad2d",
                "CircularPad3d",
                "ReflectionPad1d",
                "ReflectionPad2d",
                "ReflectionPad3d",
                "ReplicationPad1d",
                "ReplicationPad2d",
                "ReplicationPad3d",
            ],
            "partition": ["Partition", "Select"],
            "pixel_shuffle": ["ChannelShuffle", "PixelShuffle", "PixelUnshuffle"],
            "reshaping": ["Flatten", "Identity", "Unflatten"],
            "positions": ["Positions"],
            "residual": ["Residual"],
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
            "tied_embedding": ["TiedEmbedding"],
            "torch_twins": ["from_torch", "to_torch"],
            "transformer": ["Transformer"],
            "transformer_decoder": ["TransformerDecoder", "TransformerDecoderLayer"],
            "transformer_encoder": ["TransformerEncoder", "TransformerEncoderLayer"],
            "transposed_convolution": ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"],
            "upsampling": ["Upsample", "UpsamplingBilinear2d", "UpsamplingNearest2d"],
        },
    )
