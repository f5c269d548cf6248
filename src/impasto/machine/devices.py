"""Which processor computes, and in what precision its convolutions run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from impasto.errors import SettingsError


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` is CUDA or Apple's MPS where there is one, else the CPU. Raises
    SettingsError.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if name == "auto":
        return accelerator or torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise SettingsError(f"There is no device {name!r}: use auto, cpu, cuda, cuda:1 or mps.") from None
    here = device.type == "cpu" or (accelerator is not None and accelerator.type == device.type)
    if not here or (device.index or 0) >= max(1, torch.accelerator.device_count()):
        found = accelerator.type if accelerator else "cpu only"
        raise SettingsError(f"The device {name!r} is not on this machine ({found}): use `device` auto.")
    return device


DTYPES = {"float32": torch.float32, "tf32": torch.float32, "bfloat16": torch.bfloat16}
"""The type of the features, by the precision of the convolutions."""


def choose_precision(name: str, device: torch.device) -> str:
    """The precision of that name; ``auto`` is bfloat16 where the processor has instructions for it, else
    float32.

    Raises SettingsError for tf32 on anything but CUDA.
    """
    if name == "auto":
        return "bfloat16" if computes_bfloat16(device) else "float32"
    if name == "tf32" and device.type != "cuda":
        raise SettingsError(f"tf32 is a mode of NVIDIA GPUs, not of {device.type}: use `precision` auto.")
    return name


_convolving: list[tuple[int, bool]] = []
_outside: list[bool] = []
_free = threading.Condition()
"""What CUDA's convolutions are held to, by thread, once for each that holds them, and what they were before;
the mode is the whole process's."""


@contextmanager
def convolving(precision: str) -> Iterator[None]:
    """Within it, CUDA's float32 convolutions are what ``precision`` says; torch would take tf32 for them
    unasked.

    Where other threads hold them to another precision, it waits until they are done. Within one thread the
    inner one counts.
    """
    own = threading.get_ident(), precision == "tf32"
    with _free:
        _free.wait_for(lambda: all(thread == own[0] or mode == own[1] for thread, mode in _convolving))
        if not _convolving:
            _outside.append(torch.backends.cudnn.allow_tf32)
        # The older of torch's two ways to say so: after the newer one, torch's own exporter cannot read the
        # older any more.
        torch.backends.cudnn.allow_tf32 = own[1]
        _convolving.append(own)
    try:
        yield
    finally:
        with _free:
            _convolving.remove(own)
            torch.backends.cudnn.allow_tf32 = _convolving[-1][1] if _convolving else _outside.pop()
            _free.notify_all()


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it torch computes by one thread: more add numbers in another order, and what is painted would
    depend on how many there are.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def computes_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed by the processor itself (AMX, AVX512-BF16, Ampere and later) and not
    emulated.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        abilities = torch.cpu.get_capabilities()
        return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16"))
    return False
