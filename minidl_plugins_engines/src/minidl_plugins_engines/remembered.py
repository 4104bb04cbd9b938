"""What is remembered of models dies with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch.utils.weak import WeakIdKeyDictionary

from minidl_plugins_engines.holding import describes_itself
from minidl_plugins_engines.steps import Steps

if TYPE_CHECKING:
    from minidl_plugins_engines.ways import Way

__all__ = ["all_remembered", "remembered"]

_all: dict[Any, WeakIdKeyDictionary] = {}


def remembered(way: Way, model: Any, loss: Any, optimizer: Any) -> Steps:
    """Return the steps of these three; the same for the same three while all of them live."""
    here: Any = _all.setdefault(way, WeakIdKeyDictionary())
    try:
        for each in (model, optimizer):
            if each not in here:
                here[each] = WeakIdKeyDictionary()
            here = here[each]
        if _lasting(loss) not in here:
            here[_lasting(loss)] = Steps(way)
        return here[_lasting(loss)]  # type: ignore[no-any-return]
    except TypeError:  # one of them cannot be referred to weakly
        return Steps(way)


def all_remembered(model: Any, loss: Any, optimizer: Any) -> list[Steps]:
    """Return the steps of these three, of every engine that has done some."""
    found = []
    for here in _all.values():
        try:
            found.append(here[model][optimizer][_lasting(loss)])
        except (KeyError, TypeError):
            continue
    return found


def _lasting(loss: Any) -> Any:
    """`train` lifts a plain loss for a stack anew each time; what lasts is the plain one."""
    return getattr(loss, "model", loss) if describes_itself(loss) else loss
