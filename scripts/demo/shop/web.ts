/** The shop's page: asks the data service at each request, and says what it said. */
import { createServer } from 'node:http';

createServer((request, response) => {
  fetch('http://example-service/', { signal: AbortSignal.timeout(5_000) })
    .then((answer) => answer.json() as Promise<{ colour: string; products: string[] }>)
    .then(
      ({ colour, products }) => {
        if (request.headers.accept?.includes('text/html') !== true) return response.end(`the page is ${colour}: ${products.join(', ')}\n`);
        response.setHeader('content-type', 'text/html; charset=utf-8');
        return response.end(`<!doctype html><title>Shop</title><body style="background: ${colour}"><h1>${products.join(', ')}</h1>`);
      },
      (error: unknown) => {
        response.statusCode = 502;
        response.end(`the data service does not answer: ${String(error)}\n`);
      },
    );
}).listen(8080);
