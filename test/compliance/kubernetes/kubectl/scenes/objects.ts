/** Objects that scenes are made of. Their pods never run: no node has the label, and no registry the image. */
export const labels = { app: 'one' };
export const selector = { matchLabels: labels };
export const container = { name: 'web', image: 'example.com/web:1', ports: [{ name: 'http', containerPort: 8080 }] };
export const NOWHERE = { nodeSelector: { 'example.com/none': 'x' } };
export const template = { metadata: { labels }, spec: { ...NOWHERE, containers: [container] } };

export const object = (apiVersion: string, kind: string, name: string, rest: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion,
  kind,
  metadata: { name, labels },
  ...rest,
});
