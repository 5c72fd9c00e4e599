"""The engine: op records, the call path, the tape and the tensor. It knows no op."""
