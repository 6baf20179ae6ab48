"""The devices of torch on this machine, and the state of the process that computing on them depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxstack import ContextError
from voxstack.networks import Context, NetworkSpec

if TYPE_CHECKING:
    import torch


def available_devices() -> list[str]:
    """Return the names of the devices that networks can run on."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ["cpu", *(f"cuda:{i}" for i in range(count))]


def find_device(spec: NetworkSpec, context: Context) -> torch.device:
    """Return the device that the context names; ``cuda`` is the first GPU.

    :raises ContextError: if it is unavailable.
    """
    import torch

    where, available = f"network {spec.name!r}: torch has no device {context.device!r} here", available_devices()
    try:
        device = torch.device(context.device.lower())
    except RuntimeError as error:
        raise ContextError(f"{where}; it has {', '.join(available)}") from error
    if device.type == "cuda" and len(available) == 1:
        raise ContextError(
            f"{where}: this torch ({torch.__version__}) finds no GPU; it has cpu; "
            "install a driver and a torch built for it, or choose the device 'cpu'"
        )
    device = torch.device("cuda", device.index or 0) if device.type == "cuda" else device
    if str(device) not in available:
        raise ContextError(f"{where}; it has {', '.join(available)}")
    return device


def effective_context(device: torch.device, context: Context) -> dict[str, Any]:
    """Return the context in effect on a device, as a runner reports it in ``effective``."""
    import torch

    cuda = device.type == "cuda"
    provider = f"CUDA {torch.version.cuda}: {torch.cuda.get_device_name(device)}" if cuda else "CPU"
    return {
        "device": str(device),
        "provider": provider,
        "threads": context.usable_threads,
        "precision": context.precision,
        "version": torch.__version__,
    }


def configure_process(device: torch.device, threads: int) -> None:
    """Set the state that torch keeps for the whole process, if it differs.

    It is the number of threads and, on CUDA, that float32 is computed without TF32.
    """
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    if device.type == "cuda" and (torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
