"""A campaign of misuse: damaged files, full disks, kills, clashing names, too little memory. `python -m likeness.benchmarks.hostile`."""
