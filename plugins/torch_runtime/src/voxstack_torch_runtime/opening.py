"""Opening of exported programs, for any size or for each declared size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from voxstack import ContextError, NetworkError
from voxstack.networks import Context, NetworkSpec, Runner
from voxstack.networks.sizes import PerSize, fixed_axes

if TYPE_CHECKING:
    import torch
    from torch.fx import GraphModule

    from voxstack_torch_runtime.program import Program

OPTIONS = ("compile", "cuda_graphs")


def open_program(spec: NetworkSpec, context: Context) -> Runner:
    """Return the network as a callable on named arrays; inputs go to the program in the order of the spec.

    Where the context fixes axes, all sizes share one module and its weights; on CUDA each is captured as a graph. With
    the option ``compile`` the module is compiled by ``torch.compile``, before this returns.

    :raises ContextError: without torch or a ``pt2`` export, or if the device, the precision or an option is
        unavailable.
    :raises NetworkError: if torch cannot read the files.
    """
    try:
        import torch
    except ImportError as error:
        raise ContextError(
            f"network {spec.name!r}: the runtime 'torch' needs torch; try: pip install \"torch\""
        ) from error
    from voxstack_torch_runtime import devices
    from voxstack_torch_runtime.program import Program

    device = devices.find_device(spec, context)
    fixed = bool(fixed_axes(spec, context))
    options = _options(spec, context, device.type == "cuda" and fixed)
    dtype = getattr(torch, context.precision)
    with spec.opening("pt2", "torch") as path:
        devices.configure_process(device, context.usable_threads)
        try:
            module = _load_module(spec, device, dtype)
        except Exception as error:  # a file that holds code may raise anything
            raise NetworkError(
                f"network {spec.name!r}: torch {torch.__version__} cannot open {path.name}: {error}"
            ) from error
    program = Program(spec, module, device, context)
    if dtype != torch.float32:
        _check_precision(program, context.precision)
    if fixed:
        return PerSize(spec, context, lambda sizes: _open_size(program, sizes, options))
    return _compiled(program, _dynamic_sizes(context), dynamic=True) if options["compile"] else program


def _options(spec: NetworkSpec, context: Context, graphs: bool) -> dict[str, bool]:
    """Return the options, with their defaults.

    :param graphs: whether CUDA graphs are possible.
    :raises ContextError: for an option that does not exist or is impossible here.
    """
    for key, value in context.options.items():
        if key not in OPTIONS or not isinstance(value, bool):
            raise ContextError(
                f"network {spec.name!r}: the runtime 'torch' has no option {key!r} that may be {value!r}; "
                "it has 'compile' and 'cuda_graphs', which are true or false"
            )
    if context.options.get("cuda_graphs") and not graphs:
        raise ContextError(
            f"network {spec.name!r}: 'cuda_graphs' need fixed sizes and a CUDA device; set 'shapes' and such a device, "
            "or leave the option out, and graphs are used where they are possible"
        )
    return {"compile": False, "cuda_graphs": graphs, **context.options}


def _load_module(spec: NetworkSpec, device: torch.device, dtype: torch.dtype) -> GraphModule:
    """Return the module of the ``pt2`` export on a device, with its weights, in a dtype.

    :raises ValueError: if the addon and the archive disagree about a file of shared weights.
    """
    import torch

    from voxstack_torch_runtime import graph_passes
    from voxstack_torch_runtime.parameters import TABLE, shared_tensors

    symbol, *parameters = (spec.path(file) for file in spec.exports["pt2"])
    extra = {TABLE: ""}
    program = torch.export.load(symbol, extra_files=extra)
    if parameters and not extra[TABLE]:
        raise ValueError(
            "it has no table of shared weights, and the addon declares 'parameters' for it; leave them out of this "
            "export"
        )
    if extra[TABLE] and not parameters:
        raise ValueError("its weights are in another file; name that in the addon as 'parameters' of this export")
    if device.type != "cpu":
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, device)
    module = program.module(check_guards=not parameters)
    if parameters:
        weights = [tensor.to(device) for tensor in shared_tensors(extra[TABLE], parameters[0])]
        module = graph_passes.bind_weights(module, weights)
    graph_passes.drop_device_assertions(module)
    graph_passes.fold_casts(module)
    if dtype != torch.float32:
        graph_passes.cast_weights(module, dtype)
    return module


def _check_precision(program: Program, precision: str) -> None:
    """Run once, to check that the network can be computed in a precision.

    :raises ContextError: if it cannot.
    """
    import torch

    try:
        program.dry_run({})
    except Exception as error:
        raise ContextError(
            f"network {program.spec.name!r}: torch {torch.__version__} cannot compute it in {precision} on "
            f"{program.device} ({error}); choose another precision or device"
        ) from error


def _open_size(program: Program, sizes: Mapping[str, int], options: Mapping[str, bool]) -> Runner:
    """Return the program for one size."""
    if options["compile"]:
        program = _compiled(program, [sizes], dynamic=False)
    if not options["cuda_graphs"]:
        return program
    from voxstack_torch_runtime.cuda_graph import CapturedProgram

    try:
        return CapturedProgram(program, sizes)
    except Exception as error:  # a capture may raise anything
        raise ContextError(
            f"network {program.spec.name!r}: cannot be captured as a CUDA graph at the size {dict(sizes)} ({error}); "
            'to run it without, set "options": {"cuda_graphs": false}'
        ) from error


def _dynamic_sizes(context: Context) -> list[dict[str, int]]:
    """Return the sizes that a network of any length is compiled at: alone and, if calls may be batched, in a batch."""
    return [{"batch": 1}, {"batch": context.batch}] if context.batch > 1 else [{"batch": 1}]


def _compiled(program: Program, sizes: Sequence[Mapping[str, int]], dynamic: bool) -> Program:
    """Return the program compiled at some sizes, which, if ``dynamic``, stand for all with the same axes of length 1.

    :raises ContextError: if torch cannot compile it, for lack of a C++ compiler, for example.
    """
    import torch

    try:
        return program.compiled(sizes, dynamic)
    except Exception as error:
        first = next(iter(str(error).strip().splitlines()), "")
        raise ContextError(
            f"network {program.spec.name!r}: torch {torch.__version__} cannot compile it ({type(error).__name__}: "
            f"{first}); on a CPU it needs a C++ compiler; leave the option 'compile' out, or install one"
        ) from error
