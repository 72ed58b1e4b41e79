/** The load: every lane at once, and what became of its requests as one line of JSON. `client.ts JSON`, see {@link MixedTask}. */
import { grpcLane } from './grpc-lane.ts';
import { http1Lane, previewHttp1Lane } from './http1-lane.ts';
import { http2Lane, previewHttp2Lane } from './http2-lane.ts';
import { type LaneOutcome, type MixedTask, outcomeOf } from './lane.ts';
import { webSocketLane } from './websocket-lane.ts';

const task = JSON.parse(process.argv[2] ?? '{}') as MixedTask;
const LANES = {
  'HTTP/1.1, through previews and ingress': previewHttp1Lane,
  'HTTP/2, through previews and ingress': previewHttp2Lane,
  'HTTP/1.1, kept connections that mix': http1Lane,
  'HTTP/2, connections that mix': http2Lane,
  'gRPC, connections that mix': grpcLane,
  'WebSocket, previews, ingress and headers': webSocketLane,
};

const outcomes: LaneOutcome[] = await Promise.all(Object.entries(LANES).map(([name, lane]) => outcomeOf(name, task, lane)));
process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
