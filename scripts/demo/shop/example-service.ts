/** The data service: what the store has, and the colour of the page. This is what is being developed. */
import { createServer } from 'node:http';

const colour = 'green';
const { STORE = '' } = process.env;

createServer((_request, response) => {
  fetch(STORE, { signal: AbortSignal.timeout(5_000) })
    .then((answer) => answer.json())
    .then(
      (products) => response.end(JSON.stringify({ colour, products })),
      (error: unknown) => {
        response.statusCode = 502;
        response.end(JSON.stringify({ error: String(error) }));
      },
    );
}).listen(8080);
