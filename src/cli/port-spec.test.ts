import { describe, expect, it } from 'vitest';
import { parsePort } from './port-spec.ts';

describe('parsePort', () => {
  it.each([
    ['8080', { localPort: 8080 }],
    ['8080:http', { localPort: 8080, remotePort: 'http' }],
    ['8080:80', { localPort: 8080, remotePort: '80' }],
    ['8080:80/UDP', { localPort: 8080, remotePort: '80', protocol: 'UDP' }],
    ['53/udp', { localPort: 53, protocol: 'UDP' }],
    ['8080:http/tcp', { localPort: 8080, remotePort: 'http', protocol: 'TCP' }],
  ])('reads %s', (text, spec) => {
    expect(parsePort(text)).toEqual(spec);
  });

  it.each([
    '',
    'http',
    '0',
    '65536',
    '-1',
    '80:',
    '80:0',
    '80:99999',
    '80:a b',
    '80:-a',
    '80/SCTP',
    '80/tcp/udp',
    ':80',
    '80:1:2:3',
    '8e1',
    `80:${'a'.repeat(64)}`,
  ])('refuses %j', (text) => {
    expect(() => parsePort(text)).toThrow(expect.objectContaining({ code: 'TP-USAGE' }));
  });

  it('names the form of --docker-run as planned', () => {
    expect(() => parsePort('8080:80:http')).toThrow(expect.objectContaining({ code: 'TP-UNSUPPORTED' }));
  });
});
