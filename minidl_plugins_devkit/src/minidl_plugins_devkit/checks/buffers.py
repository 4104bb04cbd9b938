"""What is saved: parameters and buffers are the whole state of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minidl_plugins_devkit.diagnosis.agreement import labelled, must_agree, same_bits
from minidl_plugins_devkit.errors import ConformanceError

if TYPE_CHECKING:
    from torch import Tensor

    from minidl_plugins_devkit.subjects.cases import Case
    from minidl_plugins_devkit.subjects.subject import Subject

__all__ = ["buffers_used", "resumes", "state_round_trip"]


def state_round_trip(case: Case) -> str:
    """An instance from another seed, given all parameters and buffers, computes the same.

    It is trained on one batch and evaluated on another.
    """
    source, target, inputs = case.build(), case.build(salt=50), case.inputs(salt=2)
    source.one_pass(case.inputs())  # what it learns besides its state is lost
    target.load(source.state())
    source.evaluate()
    target.evaluate()
    must_agree(
        _outputs(target, inputs),
        _outputs(source, inputs),
        "is another after all parameters and buffers were copied into a new instance",
        cause="a tensor that was drawn or learned is no Parameter and no buffer, and would be lost "
        "on saving: register_buffer",
    )
    return "" if source.state() else "has no state"


def _outputs(subject: Subject, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
    return {f"output {i}": y for i, y in enumerate(subject.forward(*inputs))}


def resumes(case: Case) -> str:
    """A new instance that loads ``state_dict()`` goes on training to the same bits.

    The state itself is a copy: later passes do not change it.
    """
    first, second = case.build(), case.build(salt=50)
    if not hasattr(first.module, "state_dict"):
        return "has no state_dict()"
    first.one_pass(case.inputs())
    state = first.module.state_dict()
    names = {name for name, _ in first.module.named_param()} | first.buffers().keys()
    if set(state) != names:
        different = ", ".join(sorted(set(state) ^ names))
        raise ConformanceError(
            "state_dict() does not hold all parameters and buffers, and only these",
            f"different: {different}",
            "state_dict() or named_buffers() is overridden",
        )
    before = {name: tensor.clone() for name, tensor in state.items()}
    second.module.load_state_dict(state)
    second.draw_like(first)
    for number in (1, 2):
        first.remember()
        second.remember()
        inputs = case.inputs(salt=number)
        must_agree(
            labelled(second.one_pass(inputs)),
            labelled(first.one_pass(inputs)),
            "is another after the state was saved and loaded",
            exact=True,
            cause="a count or a tensor that is neither Parameter nor buffer: register_buffer",
        )
    must_agree(
        second.buffers(),
        first.buffers(),
        "is another buffer after the state was saved and loaded",
        exact=True,
        cause="a count that is no buffer decides what is learned",
    )
    if not same_bits(state, before):
        raise ConformanceError(
            "state_dict() is changed by later passes",
            cause="it hands out the tensors themselves: give clones",
        )
    return "" if state else "has no state"


def buffers_used(case: Case) -> str:
    """A buffer that is learned in training matters: in evaluation, or for what training does."""
    subject = case.build()
    before = {name: buffer.clone() for name, buffer in subject.buffers().items()}
    for salt in (1, 2):
        subject.one_pass(case.inputs(salt=salt))
        subject.remember()
    learned = [
        name
        for name, buffer in subject.buffers().items()
        if buffer.is_floating_point() and not same_bits(buffer, before[name])
    ]
    for name in learned:
        right = _effects(case, subject, name)
        buffer = subject.buffers()[name]
        kept = buffer.clone()
        buffer.mul_(1.5).add_(0.5)
        subject.remember()
        if same_bits(_effects(case, subject, name), right):
            raise ConformanceError(
                f"the buffer {name} is learned in training and does not matter in evaluation",
                cause="evaluation uses the statistics of its own batch: ask self.training",
            )
        subject.buffers()[name].copy_(kept)
        subject.remember()
    return "" if learned else "learns no buffer"


def _effects(case: Case, subject: Subject, buffer: str) -> dict[str, Tensor]:
    """Evaluation, one pass in training mode, and what that teaches other buffers than `buffer`."""
    inputs = case.inputs()
    subject.evaluate()
    evaluated = {f"evaluated {name}": y for name, y in _outputs(subject, inputs).items()}
    subject.train()
    trained = labelled(subject.one_pass(inputs))
    others = {name: b.clone() for name, b in subject.buffers().items() if name != buffer}
    subject.unlearn()
    return {**evaluated, **trained, **others}
