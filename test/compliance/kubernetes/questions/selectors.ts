/** Lists: selectors, pages, versions. */
import { get, object, post, remove, type Scene } from '../question.ts';

const maps = '/api/v1/namespaces/NS/configmaps';
const names = ({ items, metadata, ...rest }: Record<string, unknown>): unknown =>
  Array.isArray(items)
    ? {
        names: (items as { metadata: { name: string } }[]).map((item) => item.metadata.name).filter((name) => name !== 'kube-root-ca.crt'),
        more: Object.keys(metadata as object).includes('continue'),
        left: (metadata as { remainingItemCount?: number }).remainingItemCount,
      }
    : { ...rest, metadata };
/** Sentences of the real server's lexer, that tell which token it expected, are not its promise. */
const refused = (labelSelector: string) => get(maps, { query: { labelSelector }, pick: ({ code, reason }) => ({ code, reason }) });
const list = (query: Record<string, string>) => get(maps, { query, pick: names });

export const SELECTOR_SCENES: Scene[] = [
  {
    name: 'lists and selectors',
    questions: [
      ...['a', 'b', 'c', 'd'].map((name, index) =>
        post(maps, object('v1', 'ConfigMap', name, { metadata: { labels: { app: name, tier: index < 2 ? 'front' : 'back', n: String(index) } } })),
      ),
      ...[
        'tier=front',
        'tier==front',
        'tier!=front,tier',
        'tier',
        '!tier',
        'app in (a, c)',
        'app notin (a,c),tier',
        'tier=front,app=b',
        'n>1',
        'n<1',
        'app=nobody',
        'app in ()',
      ].map((labelSelector) => list({ labelSelector })),
      ...['a b', 'app in', '=', 'tier=a b', 'app=()'].map(refused),
      ...[
        'metadata.name=a',
        'metadata.name!=a',
        'metadata.namespace=NS',
        'metadata.name=a,metadata.namespace=NS',
        'metadata.name=nobody',
        'data.a=1',
        'nonsense',
        'metadata.labels.app=a',
      ].map((fieldSelector) => list({ fieldSelector })),
      list({ labelSelector: 'tier', limit: '3' }),
      list({ limit: '-1' }),
      list({ limit: 'x' }),
      list({ resourceVersion: '0', labelSelector: 'tier' }),
      list({ resourceVersion: 'x' }),
      list({ resourceVersionMatch: 'Exact' }),
      list({ resourceVersion: '1', resourceVersionMatch: 'Sometimes' }),
      list({ resourceVersion: '0', resourceVersionMatch: 'Exact' }),
      list({ timeoutSeconds: 'x' }),
      get('/api/v1/namespaces/NS/pods', { query: { fieldSelector: 'spec.nodeName=node1' }, pick: names }),
      get('/api/v1/namespaces/NS/pods', { query: { fieldSelector: 'status.phase=Running,spec.restartPolicy=Always' }, pick: names }),
      get('/api/v1/namespaces/NS/pods', { query: { fieldSelector: 'spec.image=x' }, pick: names }),
      get('/api/v1/namespaces/NS/events', { query: { fieldSelector: 'involvedObject.name=x,reason=y' }, pick: names }),
      get('/api/v1/namespaces/NS/secrets', { query: { fieldSelector: 'type=Opaque' }, pick: names }),
      remove(`${maps}?labelSelector=tier%3Dback`, undefined, { pick: names }),
      list({ labelSelector: 'tier' }),
      get('/api/v1/nothings'),
      get('/apis/nowhere.example.com/v1/nothings'),
      get('/api/v1/namespaces/NS/configmaps/a/nothing'),
    ],
  },
];
