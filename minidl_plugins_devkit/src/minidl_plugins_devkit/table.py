"""Every check by its name, for each kind: the table of contents of the kit."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from minidl_core import PluginWarning
from minidl_core import registry as installed
from minidl_plugins_devkit.checks import (
    arguments,
    buffers,
    gradients,
    losses,
    memory,
    modes,
    optimizer_flags,
    optimizer_rules,
    optimizer_state,
    optimizer_steps,
    optimizer_tensors,
    precision,
    purity,
    randomness,
    reference,
    structure,
    tensors,
)
from minidl_plugins_devkit.subjects.cases import Case

if TYPE_CHECKING:
    from minidl_core import Registry

__all__ = ["CHECKS", "Check", "checks_of"]

# A check raises a ConformanceError, or returns a note: what it could not check, or "".
Check = Callable[[Case], str]

_PASSES: tuple[Check, ...] = (
    gradients.parameter_gradient,
    reference.matches_reference,
    memory.accumulates,
    memory.gradients_start_at_zero,
    memory.shared_use,
    memory.backward_needs_forward,
    memory.in_place_noticed,
    modes.evaluation_mode,
    modes.keeping,
    purity.arguments_kept,
    purity.forward_changes_nothing,
    arguments.arguments_matter,
    tensors.dtype_kept,
    tensors.device_kept,
    tensors.layout,
    tensors.batch_of_one,
    tensors.empty_batch,
    precision.single_precision,
    precision.large_inputs,
    randomness.same_seed_same_bits,
    randomness.no_hidden_randomness,
    structure.parameters_listed,
    structure.copies,
    structure.instances_apart,
    structure.info_line,
    structure.no_autograd,
    buffers.state_round_trip,
    buffers.resumes,
    buffers.buffers_used,
)

_CHECKS: dict[str, tuple[Check, ...]] = {
    "modules": (
        gradients.input_gradient,
        *_PASSES,
        randomness.eval_is_mean_of_train,
        randomness.rows_draw_apart,
    ),
    "losses": (
        gradients.prediction_gradient,
        *_PASSES,
        losses.scalar_value,
        losses.refuses_broadcasting,
    ),
    "optimizers": (
        optimizer_rules.matches_reference,
        optimizer_rules.hyperparameters_matter,
        optimizer_steps.descends_quadratic,
        optimizer_steps.follows_sign,
        optimizer_steps.finite_at_zero_gradient,
        optimizer_steps.shared_stepped_once,
        optimizer_steps.instances_apart,
        optimizer_steps.zero_grad,
        optimizer_steps.in_place,
        optimizer_steps.gradients_kept,
        optimizer_steps.refuses_no_parameters,
        optimizer_flags.frozen_kept,
        optimizer_flags.decay_left_out,
        optimizer_flags.named_pairs,
        optimizer_state.resumes_exactly,
        optimizer_state.restores_hyperparameters,
        optimizer_state.state_is_a_copy,
        optimizer_state.given_state_kept,
        optimizer_tensors.dtype_kept,
        optimizer_tensors.layout,
        optimizer_tensors.same_seed_same_bits,
        optimizer_tensors.no_hidden_randomness,
        optimizer_tensors.no_autograd,
    ),
}

CHECKS: dict[str, dict[str, Check]] = {
    kind: {check.__name__: check for check in checks} for kind, checks in _CHECKS.items()
}


def checks_of(kind: str, registry: Registry | None = None) -> dict[str, Check]:
    """Return the kit's own checks of `kind`, and those that plugins add by ``minidl_checks``.

    An added check whose name is taken is skipped and reported. A plugin that is left out is no
    error here, also where warnings are errors: it is not what is checked.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("default", PluginWarning)
        return _checks_of(kind, registry or installed)


def _checks_of(kind: str, registry: Registry) -> dict[str, Check]:
    checks = dict(CHECKS.get(kind, {}))
    with redirect_stdout(sys.stderr):
        answers = registry.hooks.call_each("minidl_checks")
    for distribution, answer in answers:
        try:
            added = {check.__name__: check for check in answer.get(kind, ())}
        except Exception:
            registry.hooks.skip(
                f"minidl_checks of {distribution} must return a mapping of kinds to functions, "
                f"got {type(answer).__name__}"
            )
            continue
        for name, check in added.items():
            if checks.setdefault(name, check) is not check:
                registry.hooks.skip(f"the check {name} of {distribution}: there is one already")
    return checks
