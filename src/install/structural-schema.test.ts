import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { customResourceDefinitions } from './crds.ts';
import { structuralSchema } from './structural-schema.ts';

describe('a structural schema', () => {
  it('keeps unknown fields where the program does', () => {
    expect(structuralSchema(z.looseObject({ a: z.string() }))).toEqual({
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'string' } },
      'x-kubernetes-preserve-unknown-fields': true,
    });
    expect(structuralSchema(z.record(z.string(), z.string()))).toMatchObject({ type: 'object', additionalProperties: { type: 'string' } });
  });
  it('says a union of objects as one object with one of the sets of required fields', () => {
    expect(structuralSchema(z.union([z.looseObject({ a: z.string() }), z.looseObject({ b: z.number() })]))).toEqual({
      type: 'object',
      properties: { a: { type: 'string' }, b: { type: 'number' } },
      anyOf: [{ required: ['a'] }, { required: ['b'] }],
      'x-kubernetes-preserve-unknown-fields': true,
    });
  });
  it('bounds integers only where somebody did', () => {
    expect(structuralSchema(z.number().int())).toEqual({ type: 'integer' });
    expect(structuralSchema(z.number().int().min(1).max(9))).toEqual({ type: 'integer', minimum: 1, maximum: 9 });
  });
  it('is refused where the API server would refuse it', () => {
    expect(() => structuralSchema(z.object({ a: z.union([z.string(), z.number()]) }))).toThrow('no structural schema for $.a: it has several types');
    expect(() => structuralSchema(z.object({ a: z.any() }))).toThrow('no structural schema for $.a: it has no type');
  });
});

it('the definitions have status as a subresource', () => {
  for (const definition of customResourceDefinitions())
    expect(definition).toMatchObject({ spec: { scope: 'Namespaced', versions: [{ name: 'v1', subresources: { status: {} } }] } });
});
