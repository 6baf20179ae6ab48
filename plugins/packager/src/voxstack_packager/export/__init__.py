"""Exports of networks: ONNX and ``.pt2``, their shared weights, and weights that are stored as float16."""
