import { connect, type Socket } from 'node:net';
import { type BlockReader, checkBounds, type Extent } from '../block/reader.ts';
import { NbdError } from '../errors.ts';
import { joinExtents } from './info.ts';
import { negotiate } from './nbd-handshake.ts';
import { byteStream, type ByteStream } from './nbd-stream.ts';

interface Request {
  /** Takes the data of one chunk. */
  chunk(type: number, data: Buffer): void;
  resolve(): void;
  reject(error: Error): void;
}

const command = { read: 0, disconnect: 2, blockStatus: 7 } as const;
const chunkType = { none: 0, data: 1, hole: 2, blockStatus: 5, error: 0x8001 } as const;
const maxReadBytes = 16 * 1024 * 1024;
const maxChunkBytes = maxReadBytes + 64;
/** Block status lengths are 32 bits; a multiple of every cluster size. */
const maxStatusBytes = 2 ** 31;

export interface NbdOptions {
  /** For one request, in milliseconds; default one minute. */
  readonly requestTimeoutMs?: number;
}

/** A read-only client of an NBD server on a UNIX socket: reads and allocation status. */
export async function connectNbd(
  path: string,
  { requestTimeoutMs = 60_000 }: NbdOptions = {},
): Promise<BlockReader> {
  const socket = connect(path);
  const stream = byteStream(socket);
  const deadline = setTimeout(
    () => socket.destroy(new NbdError(`the NBD server did not answer within ${requestTimeoutMs} ms`)),
    requestTimeoutMs,
  );
  try {
    const { sizeBytes, allocationContext } = await negotiate(socket, stream);
    const client = requests(socket, stream, requestTimeoutMs);
    const readInto = async (offset: number, target: Uint8Array): Promise<void> => {
      checkBounds(offset, target.length, sizeBytes);
      const parts: Promise<void>[] = [];
      for (let done = 0; done < target.length; done += maxReadBytes) {
        const part = target.subarray(done, done + maxReadBytes);
        parts.push(client.send(command.read, offset + done, part.length, fill(part, offset + done)));
      }
      await Promise.all(parts);
    };
    return {
      sizeBytes,
      readInto,
      async read(offset, length) {
        checkBounds(offset, length, sizeBytes);
        const bytes = new Uint8Array(length);
        await readInto(offset, bytes);
        return bytes;
      },
      ...(allocationContext === undefined
        ? {}
        : { extents: () => allExtents(client.send, sizeBytes, allocationContext) }),
      close() {
        return new Promise((resolve) => {
          if (socket.destroyed) {
            resolve();
            return;
          }
          socket.once('close', () => {
            resolve();
          });
          // Whoever still waits learns of it by the end of the connection.
          socket.destroy();
        });
      },
    };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(deadline);
  }
}

type Send = (type: number, offset: number, length: number, chunk: Request['chunk']) => Promise<void>;

function fill(target: Uint8Array, base: number): Request['chunk'] {
  let filled = 0;
  return (type, data) => {
    if (type === chunkType.none && filled === target.length) return;
    const at = data.length >= 8 ? Number(data.readBigUInt64BE(0)) - base : -1;
    const length = type === chunkType.hole && data.length >= 12 ? data.readUInt32BE(8) : data.length - 8;
    if ((type !== chunkType.data && type !== chunkType.hole) || at < 0 || at + length > target.length)
      throw new NbdError('the NBD server sent other bytes than asked for');
    if (type === chunkType.data) target.set(data.subarray(8), at);
    else target.fill(0, at, at + length);
    filled += length;
  };
}

async function allExtents(send: Send, sizeBytes: number, context: number): Promise<Extent[]> {
  const found: Extent[] = [];
  for (let position = 0; position < sizeBytes;) {
    const start = position;
    await send(
      command.blockStatus,
      position,
      Math.min(maxStatusBytes, sizeBytes - position),
      (type, data) => {
        if (type !== chunkType.blockStatus || data.readUInt32BE(0) !== context) return;
        for (let at = 4; at + 8 <= data.length && position < sizeBytes; at += 8) {
          const lengthBytes = Math.min(data.readUInt32BE(at), sizeBytes - position);
          const flags = data.readUInt32BE(at + 4);
          found.push({ startBytes: position, lengthBytes, data: (flags & 1) === 0, zero: (flags & 2) !== 0 });
          position += lengthBytes;
        }
      },
    );
    if (position === start) throw new NbdError('the NBD server gave no allocation status');
  }
  return joinExtents(found);
}

function requests(socket: Socket, stream: ByteStream, timeoutMs: number): { send: Send } {
  const open = new Map<bigint, Request>();
  let cookie = 0n;
  let failure: Error | undefined;

  const receive = async (): Promise<void> => {
    for (;;) {
      const head = await stream.take(20);
      const length = head.readUInt32BE(16);
      if (head.readUInt32BE(0) !== 0x668e33ef || length > maxChunkBytes)
        throw new NbdError('the NBD server broke the protocol');
      const data = await stream.take(length);
      const key = head.readBigUInt64BE(8);
      const request = open.get(key);
      if (request === undefined) throw new NbdError('the NBD server answered what was not asked');
      const type = head.readUInt16BE(6);
      if (type >= chunkType.error) {
        open.delete(key);
        const number = length >= 4 ? data.readUInt32BE(0) : 0;
        request.reject(
          new NbdError(
            `the NBD server could not read the image: error ${number} ${data.toString('utf8', 6)}`,
          ),
        );
      } else {
        request.chunk(type, data);
      }
      if ((head.readUInt16BE(4) & 1) !== 0 && open.delete(key)) request.resolve();
    }
  };
  receive().catch((error: unknown) => {
    failure = error instanceof Error ? error : new NbdError(String(error));
    socket.destroy();
    for (const request of open.values()) request.reject(failure);
    open.clear();
  });

  return {
    send(type, offset, length, chunk) {
      if (failure !== undefined) return Promise.reject(failure);
      cookie += 1n;
      const key = cookie;
      const message = Buffer.alloc(28);
      message.writeUInt32BE(0x25609513, 0);
      message.writeUInt16BE(type, 6);
      message.writeBigUInt64BE(key, 8);
      message.writeBigUInt64BE(BigInt(offset), 16);
      message.writeUInt32BE(length, 24);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => socket.destroy(new NbdError(`the NBD server did not answer within ${timeoutMs} ms`)),
          timeoutMs,
        );
        open.set(key, {
          chunk,
          resolve: () => {
            clearTimeout(timer);
            resolve();
          },
          reject: (error) => {
            clearTimeout(timer);
            reject(error);
          },
        });
        socket.write(message);
      });
    },
  };
}
