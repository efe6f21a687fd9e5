"""Pictures and labels of synthetic people in plain PyTorch and NumPy."""
