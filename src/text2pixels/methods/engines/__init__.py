"""What runs the network of this project: ONNX Runtime or torch, large images in tiles.

The front door is `network_engine.start`, which chooses.
"""
