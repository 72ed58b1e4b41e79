/** Which image the manager and its agents run. Never one from a registry that nobody named. */

import { z } from 'zod';
import { VERSION } from '../base/version.ts';
import type { Values } from './values.ts';

/** The name `npm run image` gives; it is in no registry, only where somebody put it. */
export const LOCAL_IMAGE_REGISTRY = 'telepresence.local';
const LOCAL_IMAGE_NAME = 'telepresence';

const partsSchema = z.object({ registry: z.string(), name: z.string(), tag: z.string() });

/** `registry/name:tag`, or with `@sha256:…` for a tag that is a digest; empty parts are those of the local image. */
export function imageName(parts: z.infer<typeof partsSchema>): string {
  const registry = parts.registry || LOCAL_IMAGE_REGISTRY;
  const name = parts.name || LOCAL_IMAGE_NAME;
  const tag = parts.tag || VERSION;
  return `${registry}/${name}${tag.startsWith('sha256:') ? '@' : ':'}${tag}`;
}

/** Splits a whole reference into the parts that values have. */
export function splitImage(reference: string): { registry: string; name: string; tag: string } {
  const [named = '', digest] = reference.split('@', 2);
  const slash = named.lastIndexOf('/');
  const colon = named.indexOf(':', slash + 1);
  const path = colon === -1 ? named : named.slice(0, colon);
  const tag = digest ?? (colon === -1 ? 'latest' : named.slice(colon + 1));
  return { registry: slash === -1 ? 'docker.io/library' : path.slice(0, slash), name: path.slice(slash + 1), tag };
}

/** What a client's surroundings say about images: `TELEPRESENCE_IMAGE`, and `images.*` of its configuration. */
export interface ImageWishes {
  environment?: string | undefined;
  registry?: string | undefined;
  /** A whole reference, or `name:tag` within `registry`. */
  agentImage?: string | undefined;
}

/** Fills in the image where the values do not name one: by the environment, then the configuration. What the values say stays. */
export function withImageWishes(values: Values, wishes: ImageWishes): Values {
  const fill = <T extends { registry: string; name: string; tag: string }>(image: T, parts: Partial<T>): T =>
    image.registry || image.name || image.tag ? image : { ...image, ...parts };
  const whole = wishes.environment ? splitImage(wishes.environment) : wishes.registry ? { registry: wishes.registry } : undefined;
  const agentReference =
    wishes.agentImage && !wishes.agentImage.includes('/') && wishes.registry ? `${wishes.registry}/${wishes.agentImage}` : wishes.agentImage;
  const image = whole === undefined ? values.image : fill(values.image, whole);
  const agentImage = wishes.environment || !agentReference ? values.agent.image : fill(values.agent.image, splitImage(agentReference));
  return { ...values, image, agent: { ...values.agent, image: agentImage } };
}

/** The agent's own image where the values name a part of one; else the manager's. */
export function agentImageName(values: Values): string {
  const { registry, name, tag } = values.agent.image;
  return imageName({ registry: registry || values.image.registry, name: name || values.image.name, tag: tag || values.image.tag });
}
