"""File formats at the level of arrays; :mod:`lampas.io` turns them into tensors.

``atomic`` writes a file whole or not at all, ``safetensors`` and ``torchzip`` read and
write the two checkpoint formats, ``unpickle`` and ``pickling`` are the pickle
language inside the second one, and ``names`` says what a pickle may mention.
Nothing here ever calls what a file names.
"""
