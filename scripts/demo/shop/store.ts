/** The store: what the shop has. */
import { createServer } from 'node:http';

createServer((_request, response) => {
  response.end(JSON.stringify(['boots', 'tents', 'maps']));
}).listen(8080);
