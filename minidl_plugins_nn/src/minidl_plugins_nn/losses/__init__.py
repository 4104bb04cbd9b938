"""The losses of torch.nn; MSELoss is in minidl-plugins-basic."""
