import { type ClientOptions, WebSocket } from 'ws';
import { type Lane, type MixedTask, placeOf } from './lane.ts';

const MESSAGES = 10;
const TIMEOUT_MS = 60_000;

/** One connection is one request here; its messages go back and forth one by one. */
export function webSocketLane(task: MixedTask): Lane {
  const ask = (i: number): Promise<void> => {
    const place = placeOf(task, i);
    const { host, address, port } = place.door;
    const direct = i % 2 === 0;
    const headers: Record<string, string> = direct ? (place.header === undefined ? {} : { [place.header.name]: place.header.value }) : { host };
    const options: ClientOptions = { headers, handshakeTimeout: TIMEOUT_MS, perMessageDeflate: false };
    const socket = direct
      ? new WebSocket(`ws://${task.service}/${i}`, options)
      : new WebSocket(`wss://${address}:${port}/${i}`, { ...options, rejectUnauthorized: false, servername: host } as ClientOptions);
    return new Promise((resolve, reject) => {
      let answered = 0;
      const late = setTimeout(() => socket.terminate(), TIMEOUT_MS);
      socket.on('error', reject);
      socket.on('open', () => socket.send(`${i}.0`));
      socket.on('message', (message) => {
        if (String(message) !== `${place.name} ${i}.${answered}`) reject(new Error(`for ${place.name}: “${String(message)}” at message ${i}.${answered}`));
        answered += 1;
        if (answered < MESSAGES) socket.send(`${i}.${answered}`);
        else socket.close(1000);
      });
      socket.on('close', (code) => {
        clearTimeout(late);
        if (code === 1000 && answered === MESSAGES) resolve();
        else reject(new Error(`for ${place.name}: closed with ${code} after ${answered} messages`));
      });
    });
  };
  return { requests: Math.round(task.requests * 0.02), atOnce: 6, ask, close: () => {} };
}
