"""A disk that goes wrong: one file, `disk`, in a FUSE file system.

faulty-disk.py MOUNT BACKING SIZE CONTROL. CONTROL is a JSON file that is read before each operation:
  eioAt: N          a read or write that touches byte N fails with EIO
  realBytes: N      it holds N bytes only: what is beyond comes round to the beginning ...
  drop: true        ... or is lost, and reads as zeros
  flipAt: N         the byte N is stored wrong
  flipTimes: N      ... that many times (a file beside CONTROL counts)
  delayMs: N        each write takes so long
"""
import errno
import json
import os
import stat
import sys
import threading
import time

from fusepy import FUSE, FuseOSError, Operations

mount, backing, size, control = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]


class Disk(Operations):
    def __init__(self):
        self.fd = os.open(backing, os.O_RDWR | os.O_CREAT, 0o600)
        self.flips = 0
        self.mutex = threading.Lock()

    def control(self):
        with open(control) as file:
            return json.load(file)

    def getattr(self, path, fh=None):
        if path == '/':
            return {'st_mode': stat.S_IFDIR | 0o755, 'st_nlink': 2}
        if path != '/disk':
            raise FuseOSError(errno.ENOENT)
        return {'st_mode': stat.S_IFREG | 0o600, 'st_nlink': 1, 'st_size': size}

    def readdir(self, path, fh):
        return ['.', '..', 'disk']

    def open(self, path, flags):
        return 0

    def truncate(self, path, length, fh=None):
        pass

    def fsync(self, path, datasync, fh):
        return 0

    def places(self, offset, length, say):
        """Where the bytes really are: pieces (place or None, start, length)."""
        real = say.get('realBytes', size)
        at = 0
        while at < length:
            where = offset + at
            count = min(length - at, real - where % real)
            lost = say.get('drop') and where >= real
            yield (None if lost else where % real, at, count)
            at += count

    def fail(self, offset, length, say):
        at = say.get('eioAt')
        if at is not None and offset <= at < offset + length:
            raise FuseOSError(errno.EIO)

    def read(self, path, length, offset, fh):
        say = self.control()
        length = max(0, min(length, size - offset))
        self.fail(offset, length, say)
        data = bytearray(length)
        for place, at, count in self.places(offset, length, say):
            if place is not None:
                piece = os.pread(self.fd, count, place)
                data[at:at + len(piece)] = piece
        return bytes(data)

    def write(self, path, data, offset, fh):
        say = self.control()
        self.fail(offset, len(data), say)
        if say.get('delayMs'):
            time.sleep(say['delayMs'] / 1000)
        at = say.get('flipAt')
        if at is not None and offset <= at < offset + len(data):
            with self.mutex:
                self.flips += 1
                if self.flips <= say.get('flipTimes', 1 << 30):
                    data = bytearray(data)
                    data[at - offset] ^= 0xff
                    data = bytes(data)
        for place, start, count in self.places(offset, len(data), say):
            if place is not None:
                os.pwrite(self.fd, data[start:start + count], place)
        return len(data)


FUSE(Disk(), mount, foreground=True, direct_io=True, big_writes=True)
