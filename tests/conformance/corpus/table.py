"""The corpus: each planted bug with the check that must catch it, and all that is right."""

from __future__ import annotations

import os

from . import (
    right_layers,
    right_losses,
    right_optimizers,
    right_several,
    right_state,
    wrong_flags,
    wrong_gradients,
    wrong_habits,
    wrong_losses,
    wrong_numbers,
    wrong_optimizers,
    wrong_state,
)

# MINIDL_CORPUS_SEEDS=20 is the whole proof.
SEEDS = range(int(os.environ.get("MINIDL_CORPUS_SEEDS", "2")))

# Bug -> the check that must catch it. Others may fail as well.
_CAUGHT_BY = {
    wrong_gradients: {
        "WrongSign": "input_gradient",
        "NegatedGradient": "input_gradient",
        "SquareTransposed": "input_gradient",
        "WeightGradientTransposed": "parameter_gradient",
        "OblongTransposed": "input_gradient",
        "BiasOfOneRow": "parameter_gradient",
        "BiasOfMean": "parameter_gradient",
        "ChainRuleForgotten": "input_gradient",
        "DerivativeForgotten": "input_gradient",
        "DerivativeOfOutput": "input_gradient",
        "TermForgotten": "input_gradient",
        "SmallTermForgotten": "input_gradient",
        "Swapped": "input_gradient",
        "SecondInputForgotten": "input_gradient",
        "WeightNeverTouched": "parameter_gradient",
        "SkipForgotten": "input_gradient",
        "InnerScaleForgotten": "input_gradient",
        "OnlyForFourRows": "parameter_gradient",
        "KinkOnWrongSide": "input_gradient",
        "Undeclared": "input_gradient",
        "FirstHalfOnly": "input_gradient",
        "FactorOfTwo": "input_gradient",
        "HalfPrecision": "input_gradient",
        "DividesByZero": "input_gradient",
        "SharedWeightOnce": "parameter_gradient",
    },
    wrong_habits: {
        "Overwrites": "accumulates",
        "Reassigns": "accumulates",
        "NoStack": "shared_use",
        "FirstInFirstOut": "shared_use",
        "GrowingGradient": "backward_needs_forward",
        "KeepsInEvaluation": "evaluation_mode",
        "KeepsQuietly": "evaluation_mode",
        "SilentWithoutForward": "backward_needs_forward",
        "ForeignError": "backward_needs_forward",
        "MutatesInput": "arguments_kept",
        "MutatesGradOutput": "arguments_kept",
        "ReusesBuffer": "arguments_kept",
        "UpcastsOutput": "dtype_kept",
        "UpcastsGradient": "dtype_kept",
        "OnAnotherDevice": "device_kept",
        "CountsInstances": "same_seed_same_bits",
        "NeedsContiguous": "layout",
        "ReadsMemoryOrder": "layout",
        "SqueezesOne": "batch_of_one",
        "WrongForOne": "batch_of_one",
        "NothingFromNothing": "empty_batch",
        "NotRescaled": "eval_is_mean_of_train",
        "RescaledTheWrongWay": "eval_is_mean_of_train",
        "NewMaskInBackward": "input_gradient",
        "DropsInEvaluation": "evaluation_mode",
        "GlobalNoise": "no_hidden_randomness",
        "GlobalWeights": "no_hidden_randomness",
        "Unlisted": "parameters_listed",
        "InAnObject": "parameters_listed",
        "HiddenTensor": "state_round_trip",
        "CopiesShare": "copies",
        "OneStackForAll": "instances_apart",
        "OneWeightForAll": "instances_apart",
        "ReusesGradient": "arguments_kept",
        "EvalStaysOutside": "evaluation_mode",
        "StartsWithGarbage": "gradients_start_at_zero",
        "TwoLines": "info_line",
        "StuckInTraining": "evaluation_mode",
        "Lazy": "no_autograd",
    },
    wrong_losses: {
        "MissingMean": "prediction_gradient",
        "MeanOverRows": "prediction_gradient",
        "ReportsSum": "prediction_gradient",
        "WrongWayRound": "prediction_gradient",
        "HalfForgotten": "prediction_gradient",
        "Broadcasts": "refuses_broadcasting",
        "OnePerRow": "scalar_value",
        "NaNForNothing": "empty_batch",
        "MutatesTarget": "arguments_kept",
        "SoftmaxOnly": "prediction_gradient",
        "WeightsInValueOnly": "prediction_gradient",
        "UnclippedHuber": "prediction_gradient",
        "KeepsOnePair": "shared_use",
        "FloatValue": "dtype_kept",
    },
    wrong_optimizers: {
        "ConstantBiasCorrection": "matches_reference",
        "NoBiasCorrection": "matches_reference",
        "DecayIgnored": "hyperparameters_matter",
        "MomentumIgnored": "hyperparameters_matter",
        "EpsilonIgnored": "hyperparameters_matter",
        "DecoupledDecay": "matches_reference",
        "DampenedMomentum": "matches_reference",
        "SwappedBetas": "matches_reference",
        "StepsTwice": "shared_stepped_once",
        "StepsEachObject": "shared_stepped_once",
        "UsesUpIterator": "in_place",
        "OneStateForAll": "instances_apart",
        "DividesByGradient": "finite_at_zero_gradient",
        "Ascends": "follows_sign",
        "Overshoots": "descends_quadratic",
        "ReplacesValue": "in_place",
        "StepsACopy": "in_place",
        "DecaysGradient": "gradients_kept",
        "ZeroesNothing": "zero_grad",
        "ReplacesGradient": "zero_grad",
        "LosesVelocity": "resumes_exactly",
        "LosesStepCount": "resumes_exactly",
        "ForgetsLearningRate": "restores_hyperparameters",
        "HandsOutState": "state_is_a_copy",
        "KeepsLoadedState": "given_state_kept",
        "AcceptsNothing": "refuses_no_parameters",
        "GlobalJitter": "no_hidden_randomness",
        "CountsSteps": "same_seed_same_bits",
        "UpcastsValue": "dtype_kept",
        "RecordsStep": "no_autograd",
        "FlatViews": "layout",
        "SinglePrecisionState": "matches_reference",
        "NeverSaid": "matches_reference",
    },
    wrong_state: {
        "LearnsInForward": "forward_changes_nothing",
        "CountsForwards": "forward_changes_nothing",
        "StatisticsNoBuffer": "state_round_trip",
        "CountIsNoBuffer": "resumes",
        "HandsOutState": "resumes",
        "ForgetsABuffer": "resumes",
        "EvaluatesByBatch": "buffers_used",
        "BiasedStatistics": "matches_reference",
        "OtherMomentum": "matches_reference",
        "SwappedStatistics": "matches_reference",
        "OneBufferForAll": "instances_apart",
        "BuffersInFloat32": "dtype_kept",
        "BufferChangesDtype": "dtype_kept",
        "LearnsInEvaluation": "keeping",
        "GradientOfTraining": "keeping",
        "PushesInTrainingOnly": "keeping",
        "KeepingIsTraining": "keeping",
        "PushedInADict": "in_place_noticed",
        "PushedAsData": "in_place_noticed",
        "NamesOnlyTheList": "parameters_listed",
        "OneMaskForAllRows": "rows_draw_apart",
        "OneFactorForAllRows": "rows_draw_apart",
    },
    wrong_numbers: {
        "NaiveSoftplus": "large_inputs",
        "NaiveGradient": "large_inputs",
        "NaiveSoftmax": "large_inputs",
        "UnstableBCE": "large_inputs",
        "CancelledVariance": "single_precision",
        "SlopeIgnored": "arguments_matter",
        "TanhGelu": "matches_reference",
        "MeanOverIgnored": "matches_reference",
        "LeaksOneStep": "matches_reference",
        "BroadcastsClasses": "refuses_broadcasting",
        "DiagonalOfSoftmax": "input_gradient",
        "RepeatedIndexOnce": "parameter_gradient",
        "LastStepOnly": "parameter_gradient",
        "MaskForgotten": "input_gradient",
        "HalfTheBatch": "parameter_gradient",
        "OneMinusRate": "input_gradient",
        "SharedInWrongOrder": "parameter_gradient",
        "OneOfTwoGradients": "prediction_gradient",
        "GradientsSwapped": "prediction_gradient",
        "TwoWrongParameters": "parameter_gradient",
    },
    wrong_flags: {
        "StepsFrozen": "frozen_kept",
        "KeepsFrozenGradients": "frozen_kept",
        "FrozenCounts": "frozen_kept",
        "DecaysAll": "decay_left_out",
        "DecaysAllDirectly": "decay_left_out",
        "RefusesNames": "named_pairs",
        "EpsilonInsideRoot": "matches_reference",
        "DampensTheFirst": "matches_reference",
        "ClipsEach": "matches_reference",
        "HandsOutArrays": "state_is_a_copy",
        "KeepsLoadedArrays": "given_state_kept",
    },
}


def _components(module):
    return [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type)
        and thing.__module__ == module.__name__
        and not thing.__name__.startswith("_")
        and not getattr(thing, "__abstractmethods__", None)
    ]


PLANTED = [
    (component, checks[component.__name__])
    for module, checks in _CAUGHT_BY.items()
    for component in _components(module)
]
RIGHT = [
    component
    for module in (right_layers, right_losses, right_optimizers, right_several, right_state)
    for component in _components(module)
]
