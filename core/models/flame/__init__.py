"""A user's own FLAME head model (Li et al. 2017; 2020 and 2023 files) in the place of ours. Nothing of FLAME comes with Likeness."""
