"""Filters, one file each: functions of two images, without weights. `methods.catalogue` names them."""
