import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../base/version.ts';
import { imageMissing } from './image-missing.ts';
import { agentImageName, imageName, splitImage, withImageWishes } from './image-name.ts';
import { mergeValues, parseSetting, readValues } from './merge-values.ts';
import { nearestKey } from './nearest-key.ts';
import { helmJson } from './settings.ts';
import { parseValues } from './values.ts';

describe('values', () => {
  it('name every unknown key with the nearest known one', () => {
    expect(() => parseValues({ agentInjektor: {}, agent: { image: { nmae: 'x' } } })).toThrow(
      /no value agent\.image\.nmae; did you mean agent\.image\.name\?; there is no value agentInjektor; did you mean agentInjector\?/,
    );
    expect(() => parseValues({ zzzzzzzz: 1 })).toThrow('there is no value zzzzzzzz.');
  });
  it('say where a wrong one stands', () => {
    expect(() => parseValues({ tunnel: { port: 0 }, outbound: { allow: ['everything'] } })).toThrow(/tunnel\.port: .*outbound\.allow\.0: /);
    expect(() => parseValues('x')).toThrow('are not valid');
  });
  it('are laid on the defaults key by key, and null takes one away', () => {
    expect(parseValues({ resources: { limits: { memory: null, cpu: 1 } } }).resources).toEqual({
      requests: { cpu: '100m', memory: '128Mi' },
      limits: { cpu: 1 },
    });
  });
});

describe('--set', () => {
  it('reads paths, lists, numbers, and what is escaped', () => {
    expect(parseSetting('a.b=1,c=true,d={x,2},e\\.f=y\\,z,g=')).toEqual({ a: { b: 1 }, c: true, d: ['x', 2], 'e.f': 'y,z', g: '' });
    expect(parseSetting('a=007,b=-3,c=null')).toEqual({ a: '007', b: -3, c: null });
    expect(parseSetting('a=1', { asString: true })).toEqual({ a: '1' });
    expect(parseSetting('list[0].name=x')).toEqual({ list: [{ name: 'x' }] });
  });
  it('is refused without a key or a value', () => {
    expect(() => parseSetting('a')).toThrow("--set takes KEY=VALUE, not 'a'");
    expect(() => parseSetting('=1')).toThrow('--set takes KEY=VALUE');
  });
});

it('a values file that is none is named', () => {
  expect(() => readValues('- a', 'x.yaml')).toThrow('x.yaml does not hold values');
  expect(() => readValues('a: [', 'x.yaml')).toThrow('x.yaml is not YAML');
  expect(readValues('', 'x.yaml')).toEqual({});
});

describe('merging', () => {
  it('keeps what only one side has', () => {
    const tree = fc.dictionary(fc.string(), fc.oneof(fc.integer(), fc.dictionary(fc.string(), fc.integer())));
    fc.assert(
      fc.property(tree, (one) => {
        expect(mergeValues(one, {})).toEqual(one);
        expect(mergeValues({}, one)).toEqual(one);
      }),
    );
  });
});

describe('the image', () => {
  it('is the local one unless somebody names another', () => {
    expect(imageName(parseValues({}).image)).toBe(`telepresence.local/telepresence:${VERSION}`);
  });
  it('comes from the values, then the environment, then the configuration', () => {
    const wishes = { environment: 'r.example:5000/a/b:1', registry: 'other.example' };
    const name = (values: object, from: object) => imageName(withImageWishes(parseValues(values), from).image);
    expect(name({ image: { tag: '9' } }, wishes)).toBe('telepresence.local/telepresence:9');
    expect(name({}, wishes)).toBe('r.example:5000/a/b:1');
    expect(name({}, { registry: 'other.example' })).toBe(`other.example/telepresence:${VERSION}`);
  });
  it("of the agent is the manager's, or its own", () => {
    expect(agentImageName(withImageWishes(parseValues({}), { environment: 'r.example/a:1' }))).toBe('r.example/a:1');
    expect(agentImageName(withImageWishes(parseValues({}), { registry: 'r.example', agentImage: 'agent:3' }))).toBe('r.example/agent:3');
    expect(agentImageName(parseValues({ image: { registry: 'x.example' }, agent: { image: { tag: '2' } } }))).toBe('x.example/telepresence:2');
  });
  it.each(['r.example/a:1', 'r.example:5000/a/b:1', 'r.example/a@sha256:00'])('%s is the same after being taken apart', (reference) => {
    expect(imageName(splitImage(reference))).toBe(reference);
  });
  it('that is missing is told with the commands that bring it', () => {
    const { help } = imageMissing('telepresence.local/telepresence:1', 'ErrImagePull');
    expect(help).toContain('npm run image -- --push REGISTRY/telepresence:1');
    expect(imageMissing('r.example/a:1', 'x').help).toContain('npm run image -- --tag r.example/a:1 && kind load image-archive dist/image.tar');
  });
});

it('JSON is as Helm writes it', () => {
  expect(helmJson({ b: [1, { d: '<&>', c: null }], a: true })).toBe('{"a":true,"b":[1,{"c":null,"d":"\\u003c\\u0026\\u003e"}]}');
});

it('the nearest key is near', () => {
  expect(nearestKey('replica', ['replicaCount', 'image'])).toBeUndefined();
  expect(nearestKey('IMAGE', ['replicaCount', 'image'])).toBe('image');
});
