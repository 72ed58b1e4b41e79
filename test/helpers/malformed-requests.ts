/** Requests that mean nothing, or different things to different readers. Each must get 400 and reach nobody. */

const PLAIN = 'Host: a\r\n';
const head = (lines: string, line = 'GET /x HTTP/1.1') => `${line}\r\n${lines}\r\n`;
const post = (lines: string, body = '') => `${head(`${PLAIN}${lines}`, 'POST /x HTTP/1.1')}${body}`;
const chunked = (body: string) => post('Transfer-Encoding: chunked\r\n', body);
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\nx-who: me\r\n\r\n';

const both = [
  ['CL then TE', post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['TE then CL', post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['CL 0 and TE', post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  ['CL and TE in other cases', post('CONTENT-LENGTH: 5\r\ntransfer-ENCODING: chunked\r\n', '0\r\n\r\n')],
  ['CL and TE identity', post('Content-Length: 5\r\nTransfer-Encoding: identity\r\n', '12345')],
] as const;

const codings = [
  ...['xchunked', 'chunkedx', 'chunked, chunked', 'identity', 'gzip', 'gzip, chunked', 'chunked, gzip', 'chunked, identity', 'chunked;a=b', '"chunked"', "'chunked'", 'chunk', 'chunked,', ',chunked', '', 'x', 'chun ked', 'chunked\t\tx', 'chunked\u00a0', '\u00e7hunked', 'cow', 'deflate', 'compress'].map(
    (value) => [`Transfer-Encoding ${JSON.stringify(value)}`, post(`Transfer-Encoding: ${value}\r\n`, '0\r\n\r\n')] as const,
  ),
  ['two Transfer-Encodings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  ['two differing Transfer-Encodings', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', '0\r\n\r\n')],
  ['Transfer-Encoding in HTTP/1.0', `${head(`${PLAIN}Transfer-Encoding: chunked\r\n`, 'POST /x HTTP/1.0')}0\r\n\r\n`],
  ['space before the colon of TE', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n')],
  ['tab before the colon of TE', post('Transfer-Encoding\t: chunked\r\n', '0\r\n\r\n')],
  ['underscore for TE', post('Transfer_Encoding: chunked\r\n', '0\r\n\r\n')],
  ['folded TE', post('Transfer-Encoding:\r\n chunked\r\n', '0\r\n\r\n')],
  ['TE with a vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n')],
  ['TE with a form feed', post('Transfer-Encoding: chunked\x0c\r\n', '0\r\n\r\n')],
  ['TE with NUL', post('Transfer-Encoding: chunked\0\r\n', '0\r\n\r\n')],
  ['TE behind a bare CR', post('Foo: bar\rTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  ['TE behind a bare LF', post('Foo: bar\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
  ['a quoted name', post('"Transfer-Encoding": chunked\r\n', '0\r\n\r\n')],
] as const;

const lengths = [
  ...['-1', '+5', '5, 5', '5, 6', '5 5', '0x5', '5a', 'a', '', '1e1', '5.0', '05', '00', '1_0', '5;', '"5"', '99999999999999999999', '9007199254740993', '5\t6', '\u0665', '5\u00a0', '٥'].map(
    (value) => [`Content-Length ${JSON.stringify(value)}`, post(`Content-Length: ${value}\r\n`, '12345')] as const,
  ),
  ['two differing Content-Lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', '123456')],
  ['two equal Content-Lengths', post('Content-Length: 5\r\nContent-Length: 5\r\n', '12345')],
  ['three Content-Lengths', post('Content-Length: 0\r\ncontent-length: 5\r\nContent-Length: 0\r\n', '12345')],
  ['space before the colon of CL', post('Content-Length : 5\r\n', '12345')],
  ['underscore for CL', post('Content_Length: 5\r\n', '12345')],
  ['folded CL', post('Content-Length:\r\n 5\r\n', '12345')],
  ['CL with NUL', post('Content-Length: 5\0\r\n', '12345')],
  ['CL behind a bare CR', post('Foo: bar\rContent-Length: 5\r\n', '12345')],
] as const;

const lines = [
  ['obs-fold with a space', head(`${PLAIN}X: a\r\n b\r\n`)],
  ['obs-fold with a tab', head(`${PLAIN}X: a\r\n\tb\r\n`)],
  ['obs-fold of the first line', head(` X: a\r\n${PLAIN}`)],
  ['obs-fold that is empty', head(`${PLAIN}X: a\r\n \r\n`)],
  ['bare LF ends everywhere', 'GET /x HTTP/1.1\nHost: a\n\n'],
  ['bare LF behind the request line', 'GET /x HTTP/1.1\nHost: a\r\n\r\n'],
  ['bare LF behind a header', 'GET /x HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'],
  ['bare LF at the blank line', 'GET /x HTTP/1.1\r\nHost: a\r\n\n'],
  ['bare LF and a smuggled head', `GET /x HTTP/1.1\r\nHost: a\r\nX: y\n\n${SMUGGLED}`],
  ['bare CR in a value', head(`${PLAIN}X: a\rb\r\n`)],
  ['bare CR at the end', head(`${PLAIN}X: a\r\r\n`)],
  ['CR CR LF', head(`${PLAIN}X: a\r\r\n`)],
  ['LF CR', 'GET /x HTTP/1.1\r\nHost: a\n\rX: b\r\n\r\n'],
  ['space before a colon', head(`${PLAIN}X : a\r\n`)],
  ['tab before a colon', head(`${PLAIN}X\t: a\r\n`)],
  ['no colon', head(`${PLAIN}X\r\n`)],
  ['no name', head(`${PLAIN}: a\r\n`)],
  ['a space in a name', head(`${PLAIN}X Y: a\r\n`)],
  ...['(', ')', '<', '>', '@', ',', ';', '\\', '"', '/', '[', ']', '?', '=', '{', '}', '\x7f', '\x00', '\x01', '\x1b', '\u00e4'].map((bad) => [`the character ${JSON.stringify(bad)} in a name`, head(`${PLAIN}X${bad}Y: a\r\n`)] as const),
  ...['\x00', '\x01', '\x07', '\x08', '\x0b', '\x0c', '\x0e', '\x1b', '\x1f', '\x7f'].map((bad) => [`the character ${JSON.stringify(bad)} in a value`, head(`${PLAIN}X: a${bad}b\r\n`)] as const),
  ['a header line of a request line', head(`${PLAIN}GET /y HTTP/1.1\r\n`)],
  ['too many lines', head(PLAIN + 'a:\r\n'.repeat(1_001))],
  ['a head that is too long, whole', head(`${PLAIN}X: ${'y'.repeat(70_000)}\r\n`)],
  ['a head that is too long, unfinished', `GET /x HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(70_000)}`],
  ['a target that is too long', head(PLAIN, `GET /${'y'.repeat(70_000)} HTTP/1.1`)],
] as const;

const hosts = [
  ['no Host', head('X: a\r\n')],
  ['no header at all', 'GET /x HTTP/1.1\r\n\r\n'],
  ['two Hosts', head('Host: a\r\nHost: b\r\n')],
  ['two equal Hosts', head('Host: a\r\nHost: a\r\n')],
  ['Hosts in two cases', head('Host: a\r\nhOST: b\r\n')],
  ...['a b', 'a/b', 'a@b', 'a\\b', 'a?b', 'a#b', '<a>', 'a"b', 'a{b', 'a^b', 'a|b', 'a`b', '\u00e4', 'a\tb'].map((host) => [`Host ${JSON.stringify(host)}`, head(`Host: ${host}\r\n`)] as const),
  ['absolute form with another Host', head('Host: b\r\n', 'GET http://a/x HTTP/1.1')],
  ['absolute form with another port', head('Host: a:81\r\n', 'GET http://a:80/x HTTP/1.1')],
  ['absolute form with a user', head('Host: a\r\n', 'GET http://u@a/x HTTP/1.1')],
  ['absolute form without a host', head('Host: a\r\n', 'GET http:///x HTTP/1.1')],
  ['absolute form without a Host', head('X: a\r\n', 'GET http://a/x HTTP/1.1')],
  ['absolute form of another scheme', head('Host: a\r\n', 'GET ftp://a/x HTTP/1.1')],
  ['absolute form with a backslash', head('Host: a\r\n', 'GET http://a\\b/x HTTP/1.1')],
] as const;

const requestLines = [
  ['two spaces before the target', 'GET  /x HTTP/1.1'],
  ['two spaces before the version', 'GET /x  HTTP/1.1'],
  ['a tab before the target', 'GET\t/x HTTP/1.1'],
  ['a tab before the version', 'GET /x\tHTTP/1.1'],
  ['a space in the target', 'GET /x y HTTP/1.1'],
  ['a space at the end', 'GET /x HTTP/1.1 '],
  ['a bare CR at the beginning', '\rGET /x HTTP/1.1'],
  ['a bare LF at the beginning', '\nGET /x HTTP/1.1'],
  ['a bare CR behind an empty line', '\r\n\rGET /x HTTP/1.1'],
  ['a space at the beginning', ' GET /x HTTP/1.1'],
  ['no target', 'GET HTTP/1.1'],
  ['no method', '/x HTTP/1.1'],
  ['no version', 'GET /x'],
  ['a version that is part of the target', 'GET /xTTP/1.1'],
  ['HTTP/1.2', 'GET /x HTTP/1.2'],
  ['HTTP/2.0', 'GET /x HTTP/2.0'],
  ['HTTP/0.9', 'GET /x HTTP/0.9'],
  ['HTTP/1.10', 'GET /x HTTP/1.10'],
  ['HTTP/01.1', 'GET /x HTTP/01.1'],
  ['http/1.1', 'GET /x http/1.1'],
  ['HTTP/1,1', 'GET /x HTTP/1,1'],
  ['HTTP/1', 'GET /x HTTP/1'],
  ['HTTP/-1.1', 'GET /x XHTTP/1.1'],
  ['a bracket in the method', 'G(T /x HTTP/1.1'],
  ['a colon in the method', 'GET: /x HTTP/1.1'],
  ['an umlaut in the method', 'G\u00cbT /x HTTP/1.1'],
  ['a method that is too long', `${'G'.repeat(33)} /x HTTP/1.1`],
  ['NUL in the target', 'GET /x\0y HTTP/1.1'],
  ['a control character in the target', 'GET /x\x01y HTTP/1.1'],
  ['DEL in the target', 'GET /x\x7fy HTTP/1.1'],
  ['a bare CR in the target', 'GET /x\ry HTTP/1.1'],
  ['a fragment', 'GET /x#y HTTP/1.1'],
  ['a target without a slash', 'GET x HTTP/1.1'],
  ['a target with a backslash', 'GET \\x HTTP/1.1'],
  ['a target of a query only', 'GET ?x HTTP/1.1'],
  ['* of another method', 'GET * HTTP/1.1'],
  ['CONNECT to a path', 'CONNECT /x HTTP/1.1'],
  ['CONNECT without a port', 'CONNECT a HTTP/1.1'],
  ['authority form of another method', 'GET a:80 HTTP/1.1'],
].map(([name, line]) => [name as string, head(PLAIN, line as string)] as const);

const bodies = [
  ...['g', '-1', '+5', '0x5', ' 5', '5 ', '5\t', '', '5,', '5 5', '5:', '12345678901234', '00000000000000000', 'ffffffffffffff', '\u0665', '5\0', '_5', '5_'].map((size) => [`chunk size ${JSON.stringify(size)}`, chunked(`${size}\r\n12345\r\n0\r\n\r\n`)] as const),
  ['a chunk size that ends with LF', chunked('5\n12345\r\n0\r\n\r\n')],
  ['a chunk size that ends with CR only', chunked('5\r12345\r\n0\r\n\r\n')],
  ['a chunk longer than its size', chunked('5\r\n123456\r\n0\r\n\r\n')],
  ['a chunk that ends with LF', chunked('5\r\n12345\n0\r\n\r\n')],
  ['a chunk that ends with CR only', chunked('5\r\n12345\r0\r\n\r\n')],
  ['a chunk without an end', chunked('5\r\n123450\r\n\r\n')],
  ['an extension with LF', chunked('5;a=\n\r\n12345\r\n0\r\n\r\n')],
  ['an extension with a smuggled line', chunked(`0;\n${SMUGGLED}\r\n\r\n`)],
  ['an extension with NUL', chunked('5;a\0\r\n12345\r\n0\r\n\r\n')],
  ['extensions that are too long', chunked(`5;${'a'.repeat(17_000)}\r\n12345\r\n0\r\n\r\n`)],
  ['a trailer with LF', chunked('0\r\nX: y\n\r\n')],
  ['a trailer without a colon', chunked('0\r\nX\r\n\r\n')],
  ['a trailer that is folded', chunked('0\r\nX: y\r\n z\r\n\r\n')],
  ['a trailer with a space before the colon', chunked('0\r\nX : y\r\n\r\n')],
  ['a request line for a trailer', chunked(`0\r\n${SMUGGLED}`)],
  ['Content-Length for a trailer', chunked('0\r\nContent-Length: 5\r\n\r\n')],
  ['Transfer-Encoding for a trailer', chunked('0\r\nTransfer-Encoding: chunked\r\n\r\n')],
  ['Host for a trailer', chunked('0\r\nHost: b\r\n\r\n')],
  ['a trailer with NUL', chunked('0\r\nX: \0\r\n\r\n')],
  ['trailers that are too long', chunked(`0\r\nX: ${'y'.repeat(17_000)}\r\n\r\n`)],
  ['a last chunk that ends with LF', chunked('0\n\n')],
  ['a last chunk whose blank line has LF only', chunked('0\r\n\n')],
] as const;

export const MALFORMED: readonly (readonly [name: string, request: string])[] = [...both, ...codings, ...lengths, ...lines, ...hosts, ...requestLines, ...bodies];
