/**
 * A request's head without its offer to go on in HTTP/2 (`Upgrade: h2c`, RFC 7540 3.2, which RFC 9113 took back): a server may ignore
 * it, and requests inside could not go to different places. All other bytes stay.
 */
export function withoutHttp2Upgrade(head: string): string {
  return head.replace(/\r\n(upgrade|http2-settings|connection):[^\r]*/gi, (line, name: string) => {
    if (name.toLowerCase() !== 'connection') return '';
    const colon = line.indexOf(':');
    const left = line
      .slice(colon + 1)
      .split(',')
      .map((token) => token.trim())
      .filter((token) => token !== '' && !/^(?:upgrade|http2-settings)$/i.test(token));
    return left.length === 0 ? '' : `${line.slice(0, colon)}: ${left.join(', ')}`;
  });
}

/** A header line put behind the first line of a head. */
export function headerLine(name: string, value: string): Buffer {
  return Buffer.from(`${name}: ${value.replace(/[^\x20-\x7e]/g, (character) => encodeURIComponent(character))}\r\n`, 'latin1');
}
