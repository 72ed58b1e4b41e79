import { expect, it } from 'vitest';
import { withoutBookkeeping } from './watched.ts';

it('keeps objects without what nobody reads, and leaves the given one as it is', () => {
  const given = { kind: 'Session', metadata: { name: 's', managedFields: [{ manager: 'kubectl' }] }, spec: { user: 'alice' } };
  expect(withoutBookkeeping(given)).toEqual({ kind: 'Session', metadata: { name: 's' }, spec: { user: 'alice' } });
  expect(given.metadata.managedFields).toHaveLength(1);
  const bare = { metadata: { name: 's' } };
  expect(withoutBookkeeping(bare)).toBe(bare);
});
