"""A copy of what all models of a stack have, to go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor

from minidl_plugins_basic.stacking.leaves import Each, Field, chosen

if TYPE_CHECKING:
    from minidl_plugins_basic.stacking.attributes import Attributes

__all__ = ["Snapshot"]


class Snapshot:
    """The values of parameters, and with `grads` their gradients, and the fields of a stack."""

    def __init__(self, attributes: Attributes, *, grads: bool) -> None:
        self._attributes = attributes
        stacked = [parameter for _, parameter in attributes.parameters]
        self._values = [parameter.value.clone() for parameter in stacked]
        self._grads = [parameter.grad.clone() for parameter in stacked] if grads else []
        self._fields = {
            key: Field([_copied(leaf) for leaf in field.leaves], field.spec)
            for key, field in attributes.fields.items()
        }

    def restore(self) -> None:
        """Go back, all models."""
        attributes = self._attributes
        for (_, stacked), value in zip(attributes.parameters, self._values, strict=True):
            stacked.value.copy_(value)
        for (_, stacked), grad in zip(attributes.parameters, self._grads, strict=False):
            stacked.grad.copy_(grad)
        for key in attributes.fields.keys() - self._fields.keys():
            del attributes.fields[key]
        for key, field in self._fields.items():
            attributes.put(key, field.leaves, field.spec)
        attributes.settle()

    def restore_others(self, finite: Tensor) -> None:
        """Go back where a model is not `finite`; its gradients are left as they are."""
        attributes = self._attributes
        for (_, stacked), value in zip(attributes.parameters, self._values, strict=True):
            chosen(finite, stacked.value, value)
        for key, old in self._fields.items():
            now = attributes.fields[key]
            if now.spec == old.spec:
                pairs = zip(now.leaves, old.leaves, strict=True)
                now.leaves = [chosen(finite, new, before) for new, before in pairs]
        attributes.settle()


def _copied(leaf: Any) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.clone()
    return Each(leaf.values) if isinstance(leaf, Each) else leaf
