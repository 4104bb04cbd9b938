"""The checks, by what they are about; `minidl_plugins_devkit.table` lists them."""
