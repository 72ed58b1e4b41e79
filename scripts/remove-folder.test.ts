import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { removeFolder } from './remove-folder.ts';

it('removes a folder with what is in it, and one that is not there', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'remove-'));
  writeFileSync(path.join(folder, 'file'), '');
  removeFolder(folder);
  removeFolder(folder);
  expect(existsSync(folder)).toBe(false);
});

it.skipIf(process.platform !== 'linux')('says what it can’t remove', () => {
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    removeFolder('/proc/self/status');
    expect(said).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^\/proc\/self\/status could not be removed: /));
  } finally {
    said.mockRestore();
  }
});
