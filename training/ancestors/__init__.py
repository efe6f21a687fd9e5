"""The papers that the field descends from: their recipes, our ablations, and training of several on the same batches."""
