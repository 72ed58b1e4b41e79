import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from 'node:http2';
import { bodyOf, judge, type Lane, type MixedTask, type Place, placeOf, proofOf } from './lane.ts';

const TIMEOUT_MS = 60_000;

/** A session that is made anew when its server ended it (`GOAWAY`), as clients of HTTP/2 do. */
function kept(make: () => ClientHttp2Session): { session: () => ClientHttp2Session; close: () => void } {
  let current: ClientHttp2Session | undefined;
  return {
    session: () => {
      if (current !== undefined && !current.closed && !current.destroyed) return current;
      current = make();
      current.on('error', () => {});
      return current;
    },
    close: () => current?.destroy(),
  };
}

function exchange(session: ClientHttp2Session, head: OutgoingHttpHeaders, place: Place, i: number): Promise<void> {
  const body = bodyOf(i);
  return new Promise((resolve, reject) => {
    const stream = session.request({ ...head, ':path': `/${i}`, ':method': body === '' ? 'GET' : 'POST' }, { endStream: body === '' });
    let status: number | undefined;
    let proof: unknown;
    let text = '';
    stream.setEncoding('utf8');
    stream.setTimeout(TIMEOUT_MS, () => stream.destroy(new Error('no answer')));
    stream.on('response', (headers) => {
      status = headers[':status'];
      proof = proofOf(headers);
    });
    stream.on('data', (chunk) => {
      text += chunk;
    });
    stream.on('error', reject);
    stream.on('close', () => {
      try {
        judge(place, i, body, { status, proof, text });
        resolve();
      } catch (error) {
        reject(error);
      }
    });
    if (body !== '') stream.end(body);
  });
}

/** Without TLS to the Service: streams of one connection go to anybody. */
export function http2Lane(task: MixedTask): Lane {
  const sessions = [0, 1].map(() => kept(() => connect(`http://${task.service}`)));
  return {
    requests: Math.round(task.requests * 0.12),
    atOnce: 8,
    ask: (i) => {
      const place = placeOf(task, i);
      const headers = place.header === undefined ? {} : { [place.header.name]: place.header.value };
      return exchange((sessions[i % 2] as (typeof sessions)[0]).session(), headers, place, i);
    },
    close: () => {
      for (const { close } of sessions) close();
    },
  };
}

/** As a browser asks: HTTP/2 under TLS to the cloud, or to the ingress controller. */
export function previewHttp2Lane(task: MixedTask): Lane {
  const sessions = new Map(
    task.places.map((place) => {
      const { host, address, port } = place.door;
      return [place, kept(() => connect(`https://${address}:${port}`, { servername: host, rejectUnauthorized: false }))];
    }),
  );
  return {
    requests: Math.round(task.requests * 0.22),
    atOnce: 12,
    ask: (i) => {
      const place = placeOf(task, i);
      const session = sessions.get(place)?.session();
      if (session === undefined) throw new Error('no such place');
      return exchange(session, { ':authority': place.door.host }, place, i);
    },
    close: () => {
      for (const { close } of sessions.values()) close();
    },
  };
}
