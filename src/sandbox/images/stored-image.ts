/** What stands beside an image's folder. */
import { z } from 'zod';

const configSchema = z.object({
  Entrypoint: z.array(z.string()).nullish(),
  Cmd: z.array(z.string()).nullish(),
  Env: z.array(z.string()).nullish(),
  User: z.string().nullish(),
  WorkingDir: z.string().nullish(),
});
export type ImageConfig = z.infer<typeof configSchema>;

const imageSchema = z.object({ reference: z.string(), id: z.string(), config: configSchema });

export interface StoredImage {
  /** Complete: with domain and tag. */
  reference: string;
  /** `sha256:…` */
  id: string;
  config: ImageConfig;
}

export function parseStoredImage(text: string): StoredImage {
  return imageSchema.parse(JSON.parse(text));
}
