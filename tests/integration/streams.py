"""The text that examples/echo streams for ?stream=N&size=M, made again for comparison."""
import functools
import hashlib


@functools.lru_cache
def stream_sha256(pieces, size):
    piece = bytes(ord('\n') if (i + 1) % 64 == 0 else ord('a') + i % 26 for i in range(size))
    digest = hashlib.sha256()
    for _ in range(pieces):
        digest.update(piece)
    return digest.hexdigest()
