"""Every check by its public name, for each kind: the table of contents of the kit."""

from __future__ import annotations

from collections.abc import Callable

from minidl_core.testing import (
    gradient_checks,
    loss_checks,
    memory_checks,
    optimizer_checks,
    optimizer_rule_checks,
    optimizer_state_checks,
    optimizer_tensor_checks,
    random_checks,
    replay_checks,
    structure_checks,
    tensor_checks,
)
from minidl_core.testing.cases import Case

__all__ = ["CHECKS", "Check"]

# A check raises a ConformanceError, or returns a note: what it could not look at, or "".
Check = Callable[[Case], str]

_PASSES: tuple[Check, ...] = (
    gradient_checks.parameter_gradient,
    memory_checks.accumulates,
    memory_checks.gradients_start_at_zero,
    memory_checks.shared_use,
    memory_checks.backward_needs_forward,
    memory_checks.evaluation_mode,
    tensor_checks.arguments_kept,
    tensor_checks.dtype_kept,
    tensor_checks.device_kept,
    tensor_checks.layout,
    tensor_checks.batch_of_one,
    tensor_checks.empty_batch,
    replay_checks.replays,
    random_checks.same_seed_same_bits,
    random_checks.no_hidden_randomness,
    structure_checks.parameters_listed,
    structure_checks.state_round_trip,
    structure_checks.copies,
    structure_checks.instances_apart,
    structure_checks.info_line,
    structure_checks.no_autograd,
)

_CHECKS: dict[str, tuple[Check, ...]] = {
    "modules": (
        gradient_checks.input_gradient,
        *_PASSES,
        random_checks.eval_is_mean_of_train,
    ),
    "losses": (
        gradient_checks.prediction_gradient,
        *_PASSES,
        loss_checks.scalar_value,
        loss_checks.refuses_broadcasting,
    ),
    "optimizers": (
        optimizer_rule_checks.matches_reference,
        optimizer_rule_checks.hyperparameters_matter,
        optimizer_checks.descends_quadratic,
        optimizer_checks.follows_sign,
        optimizer_checks.finite_at_zero_gradient,
        optimizer_checks.shared_stepped_once,
        optimizer_checks.instances_apart,
        optimizer_checks.zero_grad,
        optimizer_checks.in_place,
        optimizer_checks.gradients_kept,
        optimizer_checks.refuses_no_parameters,
        optimizer_state_checks.resumes_exactly,
        optimizer_state_checks.restores_hyperparameters,
        optimizer_state_checks.state_is_a_copy,
        optimizer_state_checks.given_state_kept,
        optimizer_tensor_checks.dtype_kept,
        optimizer_tensor_checks.layout,
        optimizer_tensor_checks.same_seed_same_bits,
        optimizer_tensor_checks.no_hidden_randomness,
        optimizer_tensor_checks.no_autograd,
    ),
}

CHECKS: dict[str, dict[str, Check]] = {
    kind: {check.__name__: check for check in checks} for kind, checks in _CHECKS.items()
}
