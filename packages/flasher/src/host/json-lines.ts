import type { Socket } from 'node:net';

/** Calls for each line of JSON that arrives. Both ends are this package in the same version: the shape is not checked. */
export function readJsonLines<Message>(socket: Socket, receive: (message: Message) => void): void {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) receive(JSON.parse(line) as Message); // see above
  });
}

export function writeJsonLine(socket: Socket, message: object): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}
