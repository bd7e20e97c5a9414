import type { Socket } from 'node:net';
import { NbdError } from '../errors.ts';
import type { ByteStream } from './nbd-stream.ts';

/** What the server agreed to. */
export interface NbdExport {
  readonly sizeBytes: number;
  /** Id of `base:allocation`; undefined if the server does not offer it. */
  readonly allocationContext: number | undefined;
}

const optionMagic = 0x49484156454f5054n; // "IHAVEOPT"
const replyMagic = 0x3e889045565a9n;
const option = { go: 7, structuredReply: 8, setMetaContext: 10 } as const;
const reply = { ack: 1, info: 3, metaContext: 4 } as const;
const maxReplyBytes = 64 * 1024;

/** Newstyle negotiation: structured replies, allocation status, the unnamed export (NBD protocol, doc/proto.md). */
export async function negotiate(socket: Socket, stream: ByteStream): Promise<NbdExport> {
  const greeting = await stream.take(18);
  if (greeting.toString('latin1', 0, 8) !== 'NBDMAGIC' || greeting.readBigUInt64BE(8) !== optionMagic)
    throw new NbdError('the peer is no newstyle NBD server');
  const clientFlags = Buffer.alloc(4);
  clientFlags.writeUInt32BE(3); // fixed newstyle, no padding of zeros
  socket.write(clientFlags);

  const ask = async (
    code: number,
    data: Buffer,
    onReply: (type: number, data: Buffer) => void,
  ): Promise<void> => {
    const header = Buffer.alloc(16);
    header.writeBigUInt64BE(optionMagic, 0);
    header.writeUInt32BE(code, 8);
    header.writeUInt32BE(data.length, 12);
    socket.write(Buffer.concat([header, data]));
    for (;;) {
      const head = await stream.take(20);
      const type = head.readUInt32BE(12);
      const length = head.readUInt32BE(16);
      if (head.readBigUInt64BE(0) !== replyMagic || head.readUInt32BE(8) !== code || length > maxReplyBytes)
        throw new NbdError('the NBD server broke the protocol while negotiating');
      const body = await stream.take(length);
      if (type >= 2 ** 31)
        throw new NbdError(`the NBD server refused option ${code}: ${body.toString('utf8')}`);
      if (type === reply.ack) return;
      onReply(type, body);
    }
  };

  await ask(option.structuredReply, Buffer.alloc(0), () => undefined);
  let allocationContext: number | undefined;
  const query = Buffer.from('base:allocation');
  const context = Buffer.alloc(12);
  context.writeUInt32BE(1, 4); // after an empty export name: one query
  context.writeUInt32BE(query.length, 8);
  await ask(option.setMetaContext, Buffer.concat([context, query]), (type, body) => {
    if (type === reply.metaContext && body.length >= 4) allocationContext = body.readUInt32BE(0);
  });
  let sizeBytes: number | undefined;
  await ask(option.go, Buffer.alloc(6), (type, body) => {
    // Information type 0: size and transmission flags.
    if (type === reply.info && body.length >= 12 && body.readUInt16BE(0) === 0)
      sizeBytes = Number(body.readBigUInt64BE(2));
  });
  if (sizeBytes === undefined || !Number.isSafeInteger(sizeBytes))
    throw new NbdError('the NBD server did not say how large the disk is');
  return { sizeBytes, allocationContext };
}
