"""Everything that minidl_plugins_basic registers, through the conformance kit."""

from minidl_core.testing import parametrize_with_checks
from minidl_plugins_basic import SGD, Linear, MSELoss, ReLU, Sigmoid, Tanh


@parametrize_with_checks([Linear, ReLU, Sigmoid, Tanh, MSELoss, SGD])
def test_conforms(check):
    check()
