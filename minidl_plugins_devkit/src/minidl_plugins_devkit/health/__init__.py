"""What ``minidl doctor`` looks at: the metadata here, and the imports in processes of their own."""
