"""Which processor computes, and in what precision its convolutions run."""

import torch

from impasto.errors import SettingsError


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` is CUDA or Apple's MPS where there is one, else the CPU. Raises SettingsError."""
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
        raise SettingsError(f"The device {name!r} is not on this machine ({found}): use --device auto.")
    return device


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """The type of the convolutions; ``auto`` is bfloat16 where the processor has instructions for it, else float32."""
    if name == "auto":
        return torch.bfloat16 if computes_bfloat16(device) else torch.float32
    return torch.bfloat16 if name == "bfloat16" else torch.float32


def precision_name(dtype: torch.dtype) -> str:
    """``float32`` or ``bfloat16``, as settings and records spell it."""
    return str(dtype).removeprefix("torch.")


def computes_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is computed by the processor itself (AMX, AVX512-BF16, Ampere and later) and not emulated."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        abilities = torch.cpu.get_capabilities()
        return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16"))
    return False
