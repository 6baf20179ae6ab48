"""Specs of networks: inputs, outputs, streaming and exports."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from voxstack_addon_spec.contexts import Context, Form
from voxstack_addon_spec.errors import AddonError, ContextError
from voxstack_addon_spec.integrity import FileVersion, file_version, wrap_os_errors
from voxstack_addon_spec.onnx_files import file_problem
from voxstack_addon_spec.refusals import Refusal, read_refusals
from voxstack_addon_spec.streaming import Autoregressive, State, Streaming
from voxstack_addon_spec.tensors import Length, Tensor


@dataclass(frozen=True)
class NetworkSpec:
    """One network of an addon.

    :param digest: identifies its declaration, files and measurements; networks with the same digest are the same.
    :param exports: format (``onnx``, ``pt2``, ...) to file names: the symbol first, then its parameters if separate.
    :param path: returns the verified path of a file name.
    :param trusted: whether code in the addon may run; formats that contain code are refused otherwise.
    :param batch_error: measured difference between a row alone and in a batch, relative to its scale; None: not
        measured.
    :param mask_error: by masked axis, measured difference between padded and unpadded, relative to scale; None: not
        measured.
    :param chunk_error: the largest measured difference between a stream in chunks and the whole; None: not measured.
    :param lengths: lengths of output axes that no input has.
    :param autoregressive: set for a network that predicts frames step by step; it has no ``streaming``.
    :param stateful: the stateful form of a windowed network, if it has one.
    :param refusals: contexts in which it was measured to compute something else.
    """

    name: str
    role: str
    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    streaming: Streaming | None
    exports: Mapping[str, tuple[str, ...]]
    digest: str
    path: Callable[[str], Path] = field(repr=False, compare=False)
    trusted: bool = False
    stateful: NetworkSpec | None = None
    batch_error: float | None = None
    mask_error: Mapping[str, float] | None = None
    chunk_error: float | None = None
    lengths: Mapping[str, Length] = field(default_factory=dict)
    autoregressive: Autoregressive | None = None
    refusals: tuple[Refusal, ...] = ()

    @classmethod
    def of(
        cls, name: str, config: Mapping[str, Any], digest: str, path: Callable[[str], Path], trusted: bool
    ) -> NetworkSpec:
        """Parse the validated JSON of a network."""
        inputs, outputs = (
            {key: Tensor.of(value) for key, value in config[side].items()} for side in ("inputs", "outputs")
        )
        exports: dict[str, tuple[str, ...]] = {}
        for export in config["exports"]:
            files = tuple(export[key] for key in ("symbol", "parameters") if key in export)
            exports.setdefault(export["format"], files)
        stateful = None
        if "stateful" in config:
            stateful = cls.of(name, {"role": config["role"], **config["stateful"]}, f"{digest}.stateful", path, trusted)
        measured = config.get("measured", {})
        read = {
            key: measured[key] for key in ("batch_error", "mask_error", "chunk_error", "contexts") if key in measured
        }
        refusals = read_refusals(measured)
        stateful = stateful and replace(stateful, refusals=refusals)
        return cls(
            name=name,
            role=config["role"],
            inputs=inputs,
            outputs=outputs,
            streaming=Streaming.of(config["streaming"], inputs) if "streaming" in config else None,
            exports=exports,
            digest=f"{digest} {json.dumps(read, sort_keys=True)}" if read else digest,
            path=path,
            trusted=trusted,
            stateful=stateful,
            batch_error=measured.get("batch_error"),
            mask_error=measured.get("mask_error"),
            chunk_error=max(measured.get("chunk_error", {}).values(), default=None),
            lengths={axis: Length(**length) for axis, length in config.get("lengths", {}).items()},
            autoregressive=Autoregressive.of(config["autoregressive"]) if "autoregressive" in config else None,
            refusals=refusals,
        )

    @property
    def refused(self) -> tuple[str, ...]:
        """The contexts in :attr:`refusals`, each with what was measured there, for people."""
        return tuple(map(str, self.refusals))

    def export(self, form: str, runtime: str) -> Path:
        """Return the symbol file of one format, with its verified parameters in the same folder.

        An ONNX file refers to no other file than these, so that the hashes cover every byte that is loaded.

        :raises ContextError: if the network was not exported in that format.
        :raises AddonError: if a file is not as the addon lists it, lies elsewhere, or refers to others.
        """
        if form not in self.exports:
            formats = ", ".join(sorted(self.exports))
            problem = f"the {runtime} runtime needs an export of format {form!r}, and it has only {formats}"
            advice = "use another runtime, or add an export of that format"
            raise ContextError(f"network {self.name!r}: {problem}; {advice}")
        symbol, *parameters = (self.path(file) for file in self.exports[form])
        where = f"network {self.name!r}: {self.exports[form][0]}"
        if any(file.parent != symbol.parent for file in parameters):
            problem = "lies in another folder than its parameters, by way of links"
            raise AddonError(where, f"{problem}; put the files themselves in one folder")
        if form == "onnx":
            with wrap_os_errors(where):
                problem = file_problem(symbol, [PurePosixPath(file).name for file in self.exports[form][1:]]) or ""
            if problem:
                raise AddonError(where, problem)
        return symbol

    @contextmanager
    def opening(self, form: str, runtime: str) -> Iterator[Path]:
        """Return a context manager around the opening of an export, which gives its symbol file.

        In a folder that others can write to, a file may change between its verification and its opening. That is an
        error here, to the resolution of the times that the file system keeps. In a ``.zip`` no file changes.

        :raises ContextError: as for :meth:`export`.
        :raises AddonError: as for :meth:`export`, and if a file has changed in between.
        """
        self.export(form, runtime)
        before = self._versions(form)
        yield self.export(form, runtime)  # verifies again what has changed since
        if self._versions(form) != before:
            where = f"network {self.name!r}: {self.exports[form][0]}"
            raise AddonError(where, "it or its parameters changed while they were opened; open the addon again")

    def _versions(self, form: str) -> list[FileVersion]:
        files = self.exports[form]
        with wrap_os_errors(f"network {self.name!r}: {files[0]}"):
            return [file_version(self.path(file).stat()) for file in files]

    @functools.cached_property
    def needs(self) -> frozenset[str]:
        """Names of the inputs that callers provide; masks, states, the end flag and noise are filled in."""
        return frozenset(name for name, tensor in self.inputs.items() if not tensor.mask and name not in self.filled)

    @property
    def form(self) -> Form:
        """Form in which the network runs."""
        if self.autoregressive is not None:
            return "autoregressive"
        return "whole" if self.streaming is None else "stateful" if self.streaming.states else "windowed"

    @functools.cached_property
    def filled(self) -> frozenset[str]:
        """Names of states, their mask, the end flag and noise: inputs that callers do not provide."""
        noise = self.autoregressive.noise if self.autoregressive else ()
        mask = [self.cache_mask] if self.cache_mask else []
        end = [self.streaming.end] if self.streaming and self.streaming.end else []
        return frozenset({*self.states, *noise, *end, *mask})

    @property
    def states(self) -> Mapping[str, State]:
        """States by input name."""
        stepping = self.autoregressive or self.streaming
        return stepping.states if stepping else {}

    @functools.cached_property
    def appended(self) -> Mapping[str, int]:
        """Position of the free axis of each state to which every step appends, by input name."""
        return {
            name: next(i for i, axis in enumerate(self.inputs[name].shape) if isinstance(axis, str) and axis != "batch")
            for name, state in self.states.items()
            if state.append
        }

    @functools.cached_property
    def cache_mask(self) -> str | None:
        """The mask input of the axis of appended states, if there is one."""
        axes = {str(self.inputs[name].shape[position]) for name, position in self.appended.items()}
        masks = (name for name, tensor in self.inputs.items() if tensor.mask and tensor.shape[-1] in axes)
        return next(masks, None)

    @functools.cached_property
    def provided(self) -> frozenset[str]:
        """Names of the states whose value before the first call is provided by callers."""
        return frozenset(name for name, state in self.states.items() if state.provided)

    @functools.cached_property
    def streamed(self) -> tuple[str, ...]:
        """Names of the outputs that are not states."""
        carried = {state.next for state in self.states.values()}
        return tuple(name for name in self.outputs if name not in carried)

    def length(self, axis: str) -> tuple[str, int] | None:
        """Return the input axis and the factor that determine the length of a named axis; None if unknown."""
        if any(axis in tensor.shape for tensor in self.inputs.values()):
            return axis, 1
        if axis in self.lengths:
            return self.lengths[axis].axis, self.lengths[axis].times
        if self.streaming is None or self.streaming.states:
            return None
        produced = {a for name in self.streamed for a in self.outputs[name].shape if isinstance(a, str)}
        hopped = produced - {a for tensor in self.inputs.values() for a in tensor.shape} - self.lengths.keys()
        return (self.streaming.axis, self.streaming.hop) if hopped == {axis} else None

    def forms(self, context: Context) -> tuple[NetworkSpec, ...]:
        """Return the forms in which this streaming network may be opened in a context, preferred first.

        :raises ContextError: if the context requests a form that does not exist.
        """
        assert self.streaming is not None, "only a network that streams has forms"
        requested, has_states = context.streaming, bool(self.streaming.states)
        fixed = sorted({str(axis) for tensor in self.inputs.values() for axis in tensor.shape} & context.shapes.keys())
        problem = ""
        if requested == "windowed" and has_states:
            problem = "it carries state, so it cannot run on windows"
        elif requested == "stateful" and not has_states and self.stateful is None:
            problem = "it has no stateful form (the packager can make one)"
        elif requested == "stateful" and fixed:
            problem = f"the context also fixes the sizes of {fixed}, and a stateful network receives chunks of any size"
        if problem:
            advice = "leave 'streaming' out of the context"
            raise ContextError(f"network {self.name!r} cannot stream {requested}: {problem}; {advice}")
        if has_states or requested == "windowed" or fixed or self.stateful is None:
            return (self,)
        return (self.stateful,) if requested else (self.stateful, self)
