/** All questions that a cluster is asked. */
import type { Scene } from '../question.ts';
import { CALL_SCENES } from './calls.ts';
import { KIND_SCENES } from './kinds.ts';
import { RIGHTS_SCENES } from './rights.ts';
import { SELECTOR_SCENES } from './selectors.ts';
import { WRITE_SCENES } from './writes.ts';

export const SCENES: Scene[] = [...KIND_SCENES, ...SELECTOR_SCENES, ...WRITE_SCENES, ...RIGHTS_SCENES, ...CALL_SCENES];
