/** `--port`: `8080`, `8080:http`, `8080:80`, `8080:80/UDP`, `8080/UDP`. */
import { CodedError } from '../base/errors.ts';

export interface PortSpec {
  localPort: number;
  remotePort?: string;
  protocol?: 'TCP' | 'UDP';
}

/** Throws TP-USAGE with what is wrong. */
export function parsePort(text: string): PortSpec {
  const [ports = '', protocolText, ...more] = text.split('/');
  const [local = '', remote, ...rest] = ports.split(':');
  if (rest.length > 0) {
    if (rest.length === 1)
      throw new CodedError('TP-UNSUPPORTED', `--port ${text}: the form LOCAL:CONTAINER:PORT belongs to --docker-run, which is planned, but not built yet.`);
    throw bad(text, 'it has too many colons');
  }
  if (more.length > 0) throw bad(text, 'it has too many slashes');
  const localPort = portNumber(local);
  if (localPort === undefined) throw bad(text, `${JSON.stringify(local)} is not a port number from 1 to 65535`);
  const spec: PortSpec = { localPort };
  if (remote !== undefined) {
    if (/^\d+$/.test(remote) ? portNumber(remote) === undefined : !isPortName(remote))
      throw bad(text, `${JSON.stringify(remote)} is neither a port number nor a port name`);
    spec.remotePort = remote;
  }
  if (protocolText !== undefined) {
    const protocol = protocolText.toUpperCase();
    if (protocol !== 'TCP' && protocol !== 'UDP') throw bad(text, `the protocol is ${JSON.stringify(protocolText)}, not TCP or UDP`);
    spec.protocol = protocol;
  }
  return spec;
}

function portNumber(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : undefined;
}

/** IANA service name, as Kubernetes wants it (RFC 6335 5.1). */
function isPortName(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(text) && /[a-z]/i.test(text);
}

function bad(text: string, reason: string): CodedError {
  return new CodedError('TP-USAGE', `--port ${text} can't be read: ${reason}.`, {
    help: 'It is LOCAL[:PORT][/PROTOCOL], for example 8080:http or 5353:53/UDP.',
  });
}
