"""What the kit itself promises: nothing unchecked is green, and exceptions are strict."""

from __future__ import annotations

import random
import re
from typing import ClassVar

import pytest
import torch

from minidl_core import ArgumentError, BaseModule, Example, Parameter
from minidl_plugins_devkit import (
    CHECKS,
    ConformanceError,
    checks_of,
    parametrize_with_checks,
    run_checks,
)

from .corpus.right_layers import BatchNorm, Dense, Dropout, Product, Round, Swish
from .corpus.right_losses import Huber, MeanSquares
from .corpus.right_optimizers import Adam, PlainSGD
from .corpus.wrong_gradients import BiasOfOneRow, NegatedGradient
from .corpus.wrong_numbers import HalfTheBatch, TwoWrongParameters


def failures(component, **options):
    return [result for result in run_checks(component, **options) if not result.ok]


def only_failure(component, **options):
    (result,) = failures(component, **options)
    return result


# -- nothing unchecked is green --------------------------------------------------------------------


class NeedsArguments(Swish):
    def __init__(self, features, *, groups):
        pass


def test_component_that_cannot_be_built_fails_and_is_told_what_to_write():
    (result,) = run_checks(NeedsArguments)
    assert result.status == "failed"
    assert result.check == "declarations"
    assert "cannot be built without features, groups" in result.message
    assert "Example({'features': ..., 'groups': ...}, shapes=[(4, 3)])" in result.message


def test_optimizer_needs_no_example_for_its_parameters():
    class Undeclared(PlainSGD):
        examples = None

    (result,) = run_checks(Undeclared)
    assert "cannot be built without lr" in result.message


def test_component_built_without_arguments_gets_several_shapes():
    examples = {result.example for result in run_checks(Swish)}
    assert examples == {None, 0, 1}


def test_layer_with_two_inputs_gets_two_by_default():
    assert failures(Product) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param([], "gives none", id="none"),
        pytest.param(["Linear(2, 3)"], "must be a minidl_core.Example, got str", id="no example"),
        pytest.param([Example(shapes=(4, 3))], "one shape for each input", id="a bare shape"),
        pytest.param([Example(["features"])], "must be a mapping", id="no mapping"),
        pytest.param([Example(low=1, high=1)], "low must be below high", id="no range"),
    ],
)
def test_unusable_examples_fail(given, expected):
    class Declares(Swish):
        @classmethod
        def examples(cls):
            return given

    (result,) = run_checks(Declares)
    assert result.status == "failed"
    assert expected in result.message


def test_examples_that_raise_are_a_failure_and_no_crash():
    class Declares(Swish):
        @classmethod
        def examples(cls):
            raise KeyError("features")

    assert "examples() fails" in run_checks(Declares)[0].message


def test_example_that_does_not_build_fails_every_check():
    class Declares(Swish):
        def __init__(self, slope=1.0):
            pass

        @classmethod
        def examples(cls):
            return [Example({"slop": 1})]

    results = run_checks(Declares)
    assert [result.check for result in results if result.ok] == ["declarations"]
    assert "TypeError" in results[-1].message


def test_optimizer_whose_number_no_example_sets_fails():
    class Declares(Adam):
        @classmethod
        def examples(cls):
            return [Example({"lr": 0.1, "betas": (0.9, 0.99), "eps": 1e-8})]

    (result,) = run_checks(Declares)
    assert "no example sets weight_decay" in result.message


def test_class_without_a_method_of_its_kind_fails():
    class NoInfo:
        def forward(self, x):
            return x

        def backward(self, grad_output):
            return grad_output

    (result,) = run_checks(NoInfo)
    assert result.status == "failed"
    assert "info" in result.message


def test_every_check_of_the_kind_is_run():
    for component, kind in ((Swish, "modules"), (MeanSquares, "losses"), (Adam, "optimizers")):
        run = {result.check for result in run_checks(component)}
        assert {"declarations", *CHECKS[kind]} <= run


# -- which kind ------------------------------------------------------------------------------------


def test_kind_is_read_off_the_methods_or_said():
    read = {result.check for result in run_checks(Huber)}
    assert read == {result.check for result in run_checks(Huber, kind="losses")}
    assert "scalar_value" in read


@pytest.mark.parametrize("thing", [int, Swish(), "Swish", lambda: None])
def test_what_is_no_component_is_an_argument_error(thing):
    with pytest.raises(ArgumentError, match="expected a class with forward and backward"):
        run_checks(thing)


def test_unknown_kind_is_an_argument_error():
    with pytest.raises(ArgumentError, match=r"'losses', 'modules', 'optimizers'.*, got 'layers'"):
        run_checks(Swish, kind="layers")


# -- declared exceptions ---------------------------------------------------------------------------


def test_declared_exception_is_an_expected_failure_with_its_reason():
    (result,) = [r for r in run_checks(Round) if r.status == "expected-failure"]
    assert (result.check, result.example) == ("input_gradient", None)
    assert result.message.startswith("straight-through")


def test_declared_exception_that_passes_is_a_failure():
    class Passes(Swish):
        conformance_exceptions: ClassVar = {"input_gradient": "it used to be wrong"}

    result = only_failure(Passes)
    assert result.check == "input_gradient"
    assert "passes, but is declared an exception" in result.message


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        pytest.param({"gradient": "why"}, "unknown check 'gradient'", id="unknown check"),
        pytest.param({"scalar_value": "why"}, "unknown check 'scalar_value'", id="other kind"),
        pytest.param({"layout": "  "}, "gives no reason for 'layout'", id="no reason"),
        pytest.param({"layout": None}, "gives no reason for 'layout'", id="None"),
        pytest.param(["layout"], "must map names of checks to reasons", id="no mapping"),
        pytest.param(dict.fromkeys(checks_of("modules"), "why"), "leaves no check", id="all"),
    ],
)
def test_exceptions_that_cannot_be_fail(declared, expected):
    class Declares(Swish):
        conformance_exceptions = declared

    (result,) = run_checks(Declares)
    assert result.status == "failed"
    assert expected in result.message


def test_exception_excuses_its_own_check_only():
    class AlsoMutates(Round):
        def forward(self, x):
            self.push(None)
            return x.round_()

    assert "arguments_kept" in {result.check for result in failures(AlsoMutates)}


# -- what a failure says ---------------------------------------------------------------------------


def test_message_says_component_example_gradient_place_both_numbers_and_cause():
    message = failures(BiasOfOneRow)[0].message
    assert re.fullmatch(
        r"BiasOfOneRow: parameter_gradient, example 0, "
        r"BiasOfOneRow\(inputs=3, outputs=2\) on \(4, 3\):\n"
        r"the gradient of bias disagrees with central differences\n"
        r"in 2 of 2 elements, for inputs \(4, 3\); "
        r"largest at \[[01]\]: analytic -?[\d.]+, numeric -?[\d.]+\n"
        r"usual cause: it is the gradient of the last row alone: .*",
        message,
    )


def test_largest_disagreement_is_the_one_shown():
    class OneElement(BaseModule):
        def forward(self, x):
            self.push(x)
            return 2 * x

        def backward(self, grad_output):
            self.pop()
            dx = 2 * grad_output
            if dx.numel():
                dx[0, 1] += 0.5
                dx[0, 2] += 7
            return dx

    message = failures(OneElement)[0].message
    place, analytic, numeric = re.search(
        r"in 2 of 12 elements.*largest at (\[.*\]): analytic (\S+), numeric (\S+)", message
    ).groups()
    assert place == "[0, 2]"
    assert float(analytic) - float(numeric) == pytest.approx(7)


def test_failure_at_another_batch_size_says_that_the_first_passes():
    class ForFourRows(Swish):
        def backward(self, grad_output):
            return super().backward(grad_output) * (4 / max(1, len(grad_output)))

        @classmethod
        def examples(cls):
            return [Example(shapes=[(4, 3)])]

    message = failures(ForFourRows)[0].message
    assert "for inputs (5, 3)" in message
    assert "a batch of 4 passes" in message


class Crashes(Swish):
    def backward(self, grad_output):
        raise ZeroDivisionError("no luck")


def test_crash_of_a_component_is_a_failure_with_its_error():
    message = failures(Crashes)[0].message
    assert "ZeroDivisionError where none is expected\nno luck" in message


def test_crash_is_told_with_file_line_and_shapes():
    class Multiplies(BaseModule):
        def __init__(self):
            self.weight = Parameter(torch.zeros(2, 5))

        def forward(self, x):
            self.push(x)
            return x @ self.weight.value

        def backward(self, grad_output):
            raise AssertionError

        @classmethod
        def examples(cls):
            return [Example(shapes=[(4, 3)])]

    first = failures(Multiplies)[0]
    assert re.search(r"test_kit\.py:\d+$", first.place)
    assert f"at {first.place}, in forward: return x @ self.weight.value" in first.message
    assert "with x (4, 3), self.weight.value (2, 5)" in first.message


def test_crash_is_told_in_full_once():
    first, *others = failures(Crashes)
    assert not first.repeats
    repeated = [result for result in others if result.repeats]
    assert {result.place for result in repeated} == {first.place}
    told = (
        f"\n{len(repeated)} more checks stop at the same place: input_gradient, parameter_gradient"
    )
    assert told in first.message
    assert all("no luck" not in result.message for result in repeated)
    assert "where Crashes-example0-input_gradient stops too" in repeated[0].message


def test_two_crashes_are_told_apart():
    class CrashesTwice(Swish):
        def forward(self, x):
            if not self.training:
                raise KeyError("mode")
            if x.dtype == torch.float32:
                raise KeyError("dtype")
            return super().forward(x)

    told = [result for result in failures(CrashesTwice) if result.place and not result.repeats]
    assert len({result.place for result in told}) == len(told) == 2


def test_crash_in_the_constructor_names_the_class():
    class NeedsMore(Swish):
        def __init__(self, features):
            pass

        @classmethod
        def examples(cls):
            return [Example()]

    assert re.search(r"test_kit\.py:\d+$", failures(NeedsMore)[0].place)


def test_every_wrong_parameter_is_named():
    (message,) = [
        r.message for r in failures(TwoWrongParameters) if r.check == "parameter_gradient"
    ]
    assert "the gradients of weight and bias disagree with central differences" in message
    assert re.search(r"^weight: in 3 of 3 elements; largest at", message, re.MULTILINE)
    assert re.search(r"^bias: in 3 of 3 elements; largest at", message, re.MULTILINE)
    assert "weight: the sign is wrong; bias: it is 4 times too small" in message


def test_factor_of_half_the_batch_is_no_factor_of_two():
    (message,) = [r.message for r in failures(HalfTheBatch) if r.check == "parameter_gradient"]
    assert "2 times the right one for a batch of 4 and 3.5 times for 7: 0.5 · N" in message


def test_input_changed_in_place_fails_only_its_own_check():
    class Overwrites(BaseModule):
        def forward(self, x):
            self.push(x.sign())
            return x.abs_()

        def backward(self, grad_output):
            return grad_output * self.pop()

    assert {result.check for result in failures(Overwrites)} == {"arguments_kept"}


def test_shapes_are_not_blamed_on_contiguity():
    class Refuses(Swish):
        def forward(self, x):
            if not x.is_contiguous():
                raise RuntimeError("some other reason")
            return super().forward(x)

    message = next(r.message for r in failures(Refuses) if r.check == "layout")
    assert "some other reason" in message
    assert "reshape" not in message


def test_module_may_refuse_a_batch_of_one():
    (result,) = [r for r in run_checks(BatchNorm) if r.check == "batch_of_one"]
    assert result.ok
    assert result.message.startswith("refused: ")


# -- references ------------------------------------------------------------------------------------


def with_reference(component, reference):
    class Declares(component):
        @classmethod
        def examples(cls):
            return [Example(shapes=[(4, 3)], reference=reference)]

    (result,) = [r for r in run_checks(Declares) if r.check == "matches_reference"]
    return result


@pytest.mark.parametrize(
    "reference", ["torch.nn.SiLU", "torch.nn.functional.silu", lambda x: x / (1 + (-x).exp())]
)
def test_reference_may_be_a_class_or_a_function(reference):
    assert with_reference(Swish, reference).ok
    message = with_reference(Swish, "torch.nn.Tanh").message
    assert "is not what the reference gives in training mode" in message


def test_reference_that_torch_lacks_is_a_failure():
    assert "'torch.nn.Swich' is no class" in with_reference(Swish, "torch.nn.Swich").message


def test_reference_with_other_parameter_names_is_told():
    class Named(Dense):
        def __init__(self):
            super().__init__(3, 3)

    result = with_reference(Named, "torch.nn.PReLU")
    assert "names its parameters and buffers otherwise" in result.message


def test_reference_function_gets_what_it_accepts():
    class Scaled(BaseModule):
        def __init__(self, factor):
            self.weight = Parameter(torch.ones(3))
            self.factor = factor

        def forward(self, x):
            self.push(x)
            return self.factor * x * self.weight.value

        def backward(self, grad_output):
            x = self.pop()
            self.weight.grad += (self.factor * grad_output * x).sum(0)
            return self.factor * grad_output * self.weight.value

        @classmethod
        def examples(cls):
            def rule(x, weight, factor):
                return x * weight * factor

            return [Example({"factor": 0.3}, shapes=[(4, 3)], reference=rule)]

    assert failures(Scaled) == []


def test_name_is_what_results_call_the_component():
    results = run_checks(NegatedGradient, name="acme/Swish")
    assert {result.component for result in results} == {"acme/Swish"}
    assert failures(NegatedGradient, name="acme/Swish")[0].message.startswith("acme/Swish: ")


# -- kinks -----------------------------------------------------------------------------------------


class Hinge(BaseModule):
    """max(x, 0), whose two slopes at 0 are 0 and 1: there is no derivative to compare with."""

    def forward(self, x):
        self.push(x)
        return x.relu()

    def backward(self, grad_output):
        return grad_output * (self.pop() > 0)


def all_at_the_kink(generator, shape):
    return (torch.zeros(shape, dtype=torch.float64),)


def one_at_the_kink(generator, shape):
    x = torch.ones(shape, dtype=torch.float64)
    x[0, 0] = 0
    return (x,)


def test_too_many_points_at_a_kink_fail():
    class Declares(Hinge):
        @classmethod
        def examples(cls):
            return [Example(shapes=[(3, 4)], draw=all_at_the_kink)]

    message = failures(Declares)[0].message
    assert "the function is not smooth at 12 of 12 random points" in message


def test_single_point_at_a_kink_is_left_out():
    class Declares(Hinge):
        @classmethod
        def examples(cls):
            return [Example(shapes=[(3, 4)], draw=one_at_the_kink, batch_axis=None)]

    assert failures(Declares) == []


# -- what the kit gives ----------------------------------------------------------------------------


def test_generator_dtype_and_device_are_given_to_what_accepts_them():
    given = []

    class Asks(Swish):
        def __init__(self, *, generator=None, dtype=None, device=None):
            given.append((type(generator), dtype, str(device)))

    assert failures(Asks) == []
    assert (torch.Generator, torch.float64, "cpu") in given
    assert {dtype for _, dtype, _ in given} == {torch.float32, torch.float64, torch.bfloat16}


def test_parameters_are_moved_off_their_first_values():
    class ReZero(BaseModule):
        """At s = 0 the mistake in the gradient by x would be invisible."""

        def __init__(self):
            self.scale = Parameter(torch.zeros(()))

        def forward(self, x):
            self.push(x)
            return self.scale.value * x.sin()

        def backward(self, grad_output):
            x = self.pop()
            self.scale.grad += (grad_output * x.sin()).sum()
            return grad_output * self.scale.value * x.sin()

    assert "input_gradient" in {result.check for result in failures(ReZero)}


def test_global_random_state_is_as_before():
    torch.manual_seed(5)
    random.seed(5)
    before = torch.get_rng_state(), random.getstate()
    assert failures(Dropout) == []
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == random.getstate()


def test_same_seed_gives_the_same_messages():
    assert run_checks(NegatedGradient, seed=3) == run_checks(NegatedGradient, seed=3)
    assert run_checks(NegatedGradient, seed=3) != run_checks(NegatedGradient, seed=4)


# -- pytest ----------------------------------------------------------------------------------------


def test_ids_name_component_example_and_check():
    (arguments, values) = parametrize_with_checks([Dense]).args
    assert arguments == "check"
    assert [value.id for value in values][:3] == [
        "Dense-declarations",
        "Dense-example0-input_gradient",
        "Dense-example1-input_gradient",
    ]


def test_no_components_are_an_error():
    with pytest.raises(ArgumentError, match="at least one component"):
        parametrize_with_checks([])


def test_check_raises_the_message_or_reports_the_expected_failure():
    by_id = {
        value.id: value.values[0]
        for value in parametrize_with_checks([NegatedGradient, Round]).args[1]
    }
    with pytest.raises(ConformanceError, match="the sign is wrong"):
        by_id["NegatedGradient-example0-input_gradient"]()
    with pytest.raises(pytest.xfail.Exception, match="straight-through"):
        by_id["Round-input_gradient"]()
    assert by_id["Round-example0-layout"]() is None
