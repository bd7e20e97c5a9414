import type { Duplex } from 'node:stream';

/**
 * Lets a stream be read to its end although a write to it fails. Node destroys a socket at the first failed write, and
 * with it what the peer had sent before it closed; for QMP that is the SHUTDOWN event, if a command is sent while QEMU
 * ends. A failed write says that the peer is gone, so the end of the reading side follows by itself. After this, writes
 * to `stream` seem to succeed always: `onWriteError` is what tells.
 */
export function readToTheEnd(stream: Duplex, onWriteError: (error: Error) => void = () => {}): void {
  const write = stream._write.bind(stream);
  stream._write = (chunk, encoding, callback) => {
    write(chunk, encoding, (error) => {
      if (error) onWriteError(error);
      callback();
    });
  };
  if (stream._writev === undefined) return;
  const writev = stream._writev.bind(stream);
  stream._writev = (chunks, callback) => {
    writev(chunks, (error) => {
      if (error) onWriteError(error);
      callback();
    });
  };
}
