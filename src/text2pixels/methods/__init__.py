"""Everything that fuses: filters, networks of other authors and our own, behind one protocol, `method.Method`.

The front door is `catalogue`: `methods()` lists what there is, `load(NAME)` gives one that is ready to fuse, and
`convention.fuse_picture` fuses a pair by it. Importing this package imports nothing else.
"""
