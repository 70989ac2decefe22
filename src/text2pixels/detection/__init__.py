"""The object detector YOLOv5: networks, training, folds, and the detections that it finds.

The front door for detections is exported here and needs no torch; for a detector it is `detection.yolo.Detector`.
"""

from text2pixels.detection.detections import Detection, EvaluatedImage, read_detections, write_detections

__all__ = ["Detection", "EvaluatedImage", "read_detections", "write_detections"]
