/** The sandbox answers as a real cluster does: `record.ts` asked it the same questions. Where they differ the real one is right. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answers, askScene } from './ask.ts';
import { SCENES } from './questions/index.ts';
import { type SandboxApi, startSandboxApi } from './sandbox-api.ts';

const recorded = JSON.parse(readFileSync(path.join(import.meta.dirname, 'answers.json'), 'utf8')) as Record<string, Answers>;

let sandbox: SandboxApi;
beforeAll(async () => {
  sandbox = await startSandboxApi();
});
afterAll(() => sandbox.close());

describe('the sandbox answers as a real cluster does:', () => {
  it.each(SCENES.map((scene) => [scene.name, scene] as const))('%s', async (name, scene) => {
    const answers = await askScene(sandbox.kube, scene);
    for (const [index, { method, path: asked }] of scene.questions.entries()) {
      const question = `${index} ${method} ${asked}`;
      expect({ question, answer: answers[index] }).toEqual({ question, answer: recorded[name]?.[index] });
    }
  });
});
