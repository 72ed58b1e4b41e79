import { expect, it } from 'vitest';
import { appEnvLetter, decodeAppEnv, rewriteReferences } from './app-env.ts';

it('numbers containers A to Z, then AA', () => {
  expect([0, 1, 25, 26, 27, 701, 702].map(appEnvLetter)).toEqual(['A', 'B', 'Z', 'AA', 'AB', 'ZZ', 'AAA']);
});

it('rewrites references to the app, and leaves escapes and others', () => {
  const rewrite = (value: string) => rewriteReferences(value, 'A', (name) => name === 'HOST');
  expect(rewrite('http://$(HOST):$(PORT)/')).toBe('http://$(_TEL_APP_A_HOST):$(PORT)/');
  expect(rewrite('$$(HOST) $$$(HOST) $HOST $(HOST')).toBe('$$(HOST) $$$(_TEL_APP_A_HOST) $HOST $(HOST');
});

it('reads one container back, without a prefix of another', () => {
  expect(decodeAppEnv({ _TEL_APP_A_X: '1', _TEL_APP_AA_X: '2', _TEL_APP_B_X: '3', PATH: '/' }, 'A')).toEqual({ X: '1' });
});

it('turns a reference that named no variable of the app back', () => {
  expect(decodeAppEnv({ _TEL_APP_A_URL: '$(_TEL_APP_A_WEB_SERVICE_HOST) $(_TEL_APP_A_NONE) $(WEB_SERVICE_HOST)', WEB_SERVICE_HOST: '10.96.0.7' }, 'A')).toEqual(
    {
      URL: '10.96.0.7 $(NONE) $(WEB_SERVICE_HOST)',
    },
  );
});
