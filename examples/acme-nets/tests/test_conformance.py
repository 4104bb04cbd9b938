"""Every component of this package, proven by minidl's conformance kit."""

from acme_nets import Adam, HuberLoss, Lion, Residual, Swish
from minidl_plugins_devkit import parametrize_with_checks


@parametrize_with_checks([Swish, Residual, HuberLoss, Adam, Lion])
def test_conforms(check):
    check()
