/** Image references: `[registry/]repository[:tag]`. */

export interface Reference {
  registry: string;
  repository: string;
  tag: string;
}

/** Parses a reference whose registry is spelled out; throws a sentence when there is none, or a digest in the place of a tag. */
export function parseReference(text: string): Reference {
  const found = /^([A-Za-z0-9.-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?)\/([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?$/.exec(text);
  const [, registry, repository, tag] = found ?? [];
  if (registry === undefined || repository === undefined || !(/[.:[]/.test(registry) || registry === 'localhost')) {
    throw new Error(`'${text}' is not a reference with a registry, like registry.example.com/team/telepresence:1.0.0`);
  }
  return { registry, repository, tag: tag ?? 'latest' };
}

export function formatReference(reference: Reference): string {
  return `${reference.registry}/${reference.repository}:${reference.tag}`;
}
