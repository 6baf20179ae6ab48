"""The devices that torch has here, and how it computes on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxstack import ContextError
from voxstack.networks import Context, NetworkSpec

if TYPE_CHECKING:
    import torch


def there() -> list[str]:
    """Names of the devices that networks can run on."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return ["cpu", *(f"cuda:{i}" for i in range(count))]


def find_device(spec: NetworkSpec, context: Context) -> torch.device:
    """The device that the context names; ``cuda`` is the first GPU.

    :raises ContextError: if it is not there.
    """
    import torch

    where, has = f"network {spec.name!r}: torch has no device {context.device!r} here", there()
    try:
        device = torch.device(context.device.lower())
    except RuntimeError as error:
        raise ContextError(f"{where}; it has {', '.join(has)}") from error
    if device.type == "cuda" and len(has) == 1:
        raise ContextError(
            f"{where}: this torch ({torch.__version__}) finds no GPU; it has cpu; "
            "install a driver and a torch made for it, or choose the device 'cpu'"
        )
    device = torch.device("cuda", device.index or 0) if device.type == "cuda" else device
    if str(device) not in has:
        raise ContextError(f"{where}; it has {', '.join(has)}")
    return device


def facts(device: torch.device, context: Context) -> dict[str, Any]:
    """What a runner tells in ``effective``."""
    import torch

    cuda = device.type == "cuda"
    provider = f"CUDA {torch.version.cuda}: {torch.cuda.get_device_name(device)}" if cuda else "CPU"
    return {
        "device": str(device),
        "provider": provider,
        "threads": context.threads,
        "precision": context.precision,
        "version": torch.__version__,
    }


def set_process(device: torch.device, threads: int) -> None:
    """Set what torch keeps for the whole process, if it is otherwise: the number of threads, and float32 that is float32 (no TF32)."""
    import torch

    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    if device.type == "cuda" and (torch.backends.cudnn.allow_tf32 or torch.backends.cuda.matmul.allow_tf32):
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
