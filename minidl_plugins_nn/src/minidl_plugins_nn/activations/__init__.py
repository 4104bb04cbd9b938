"""The activations of torch.nn; those of minidl-plugins-basic are not repeated."""
