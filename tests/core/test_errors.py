import errno
import os

import numpy as np
import pytest

from likeness.core.errors import InputError, MemoryExhausted, ReconstructionError, WorkerError, explain, is_out_of_memory


def numpy_error() -> Exception:
    try:
        np.empty(1 << 57)
    except MemoryError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        numpy_error(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("can't start new thread"),
        RuntimeError("OpenCV(4.11.0) alloc.cpp:73: error: (-4:Insufficient memory) Failed to allocate 3072 bytes"),
        RuntimeError("std::bad_alloc"),
        ImportError("libtorch_cpu.so: failed to map segment from shared object"),
        ImportError("libtorch_cpu.so: cannot allocate memory in static TLS block"),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        OSError("[WinError 1455] The paging file is too small for this operation to complete"),
    ],
)
def test_memory_that_ran_out_is_recognised(error):
    assert is_out_of_memory(error)
    known = explain(error, "The baking")
    assert type(known) is MemoryExhausted and str(known).startswith("The baking needs more memory than there is; close other programs")


def test_a_sentence_that_memory_led_to_is_corrected():
    try:
        raise InputError("x.jpg is damaged; use another photo.") from MemoryError()
    except InputError as error:
        assert type(explain(error)) is MemoryExhausted


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "there is no space left for x.npz"),
        (errno.EACCES, "x.npz may not be read or written"),
        (errno.EROFS, "the disk of x.npz is read-only"),
        (errno.ENOENT, "x.npz is missing"),
        (errno.EIO, "the disk of x.npz does not answer"),
        (errno.ELOOP, "x.npz cannot be used"),
    ],
)
def test_files_that_cannot_be_used_are_a_sentence_with_a_remedy(number, sentence):
    said = str(explain(OSError(number, os.strerror(number), "x.npz")))
    assert f"because {sentence}" in said and "; " in said and "report" not in said


def test_our_own_errors_are_left_as_they_are():
    error = InputError("x.jpg is no photo; use another.")
    assert explain(error) is error


def test_a_missing_package_is_a_matter_of_the_environment():
    assert type(explain(ModuleNotFoundError("No module named 'torch'"))) is WorkerError


def test_anything_else_asks_for_a_report():
    known = explain(KeyError("x"), "a.jpg")
    assert type(known) is ReconstructionError and str(known).endswith("please report this with its error file (in Blender: Copy Report).")
