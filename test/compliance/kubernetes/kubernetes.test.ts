/** The sandbox answers as a real cluster does: `record.ts` asked it the same questions. Where they differ the real one is right. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordedAnswers } from './answers.ts';
import { askScene } from './ask.ts';
import { SCENES } from './questions/index.ts';
import { type SandboxApi, startSandboxApi } from './sandbox-api.ts';

const recorded = recordedAnswers();

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
