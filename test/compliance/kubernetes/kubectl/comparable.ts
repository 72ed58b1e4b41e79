/** What `kubectl` printed, with words in place of what is different every time, on every machine or in every cluster. */

/** Of random parts of names, and of hashes of pod templates: no vowels, so that no word comes of it. */
const RANDOM = '[bcdfghjklmnpqrstvwxz2456789]';

const WORDS: [RegExp, string][] = [
  [/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uid>'],
  [/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})/g, '<time>'],
  [/\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} \+0000 UTC/g, '<time>'],
  [/\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}/g, '<time>'],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, '<token>'],
  [/https?:\/\/(\d+\.){3}\d+:\d+/g, '<server>'],
  [/\b10\.(96|244)\.\d+\.\d+\b/g, '<ip>'],
  [/(resourceVersion"?: ?)"\d+"/g, '$1"<version>"'],
  // which nodes there are, and why each is none, is not a scene's affair
  [/\d+\/\d+\s+nodes\s+are\s+available: [\s\S]*?helpful\s+for\s+scheduling\./g, '<nodes> are available'],
  [/\b[0-9a-f]{64}\b(?=")/g, '<id>'],
  [/X509SHA256=[0-9a-f]{64}/g, 'X509SHA256=<hash>'],
  // whoever made the cluster named its first user
  [/^(Username +)?(kubernetes-)?admin$/gm, '$1<admin>'],
  [/version to be 1, was \d+/g, 'version to be 1, was <version>'],
  [/(Resource Version: +)\d+/g, '$1<version>'],
  [/\b3[0-2]\d{3}\b/g, '<port>'],
  [new RegExp(`kube-api-access-${RANDOM}{5}`, 'g'), 'kube-api-access-<random>'],
  [/\b(pod-template-hash|controller-revision-hash)(=|"?: "?)(\w+-)?[a-z0-9]{8,10}\b/g, '$1$2$3<hash>'],
  [new RegExp(`-(?=[a-z]*[0-9])${RANDOM}{8,10}-${RANDOM}{5}\\b`, 'g'), '-<hash>-<random>'],
  [new RegExp(`-(?=[a-z]*[0-9])${RANDOM}{8,10}\\b`, 'g'), '-<hash>'],
];
/** What kubectl's own libraries log of it, now and then. */
const OWN_LOG = /^[EIW]\d{4} \d\d:\d\d:\d\d/;
/** Of a table: how long ago. */
const AGE = /^((\d+d)?(\d+h)?(\d+m)?(\d+s)?|<invalid>)$/;
const EVENT_AGE = /^(\d+[dhms])+ \(x\d+ over (\d+[dhms])+\)$/;

export function comparable(printed: string, namespace: string, folder: string): string {
  let text = printed.replaceAll(folder, '<folder>').replaceAll(namespace, 'NS');
  for (const [pattern, word] of WORDS) text = text.replaceAll(pattern, word);
  return text
    .split('\n')
    .filter((line) => !OWN_LOG.test(line))
    .map((line) => comparableLine(line))
    .reduce(withLimitsInOrder, [])
    .join('\n');
}

/** `describe limitrange` has a container's limits in the order of a Go map, which is another one each time. */
const LIMIT = /^ *Container {3}[a-z-]+ {3}/;

/** Puts the line behind those before it; one of a container's limits behind what it belongs behind, last letter first. */
function withLimitsInOrder(lines: string[], line: string): string[] {
  let at = lines.length;
  if (LIMIT.test(line)) while (at > 0 && LIMIT.test(lines[at - 1] ?? '') && (lines[at - 1] ?? '') < line) at--;
  return lines.toSpliced(at, 0, line);
}

/** How wide a column is depends on what is in it. */
function comparableLine(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const cells = line
    .slice(indent.length)
    .trimEnd()
    .split(/ {2,}|\t+/);
  return indent + cells.map((cell) => (cell !== '' && (AGE.test(cell) || EVENT_AGE.test(cell)) ? '<age>' : cell)).join('   ');
}
