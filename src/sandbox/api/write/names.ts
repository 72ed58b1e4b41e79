/** What a name, a label and an annotation may look like, and what the API server says of those that may not. */
import { type Cause, invalidValue, required, tooLong } from '../errors.ts';
import type { ApiObject } from '../object.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const SAID = {
  label:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  label1035:
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  subdomain:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  qualified:
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  value:
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
};

export type NameForm = 'label' | 'label1035' | 'subdomain' | 'segment' | 'any';

/** What is wrong with a name; nothing when it is well. */
export function nameFaults(name: string, form: NameForm): string[] {
  const faults: string[] = [];
  if (form === 'any') return faults;
  if (form === 'segment') {
    if (name === '.' || name === '..') faults.push(`may not be '${name}'`);
    for (const letter of ['/', '%']) if (name.includes(letter)) faults.push(`may not contain '${letter}'`);
    return faults;
  }
  const most = form === 'subdomain' ? 253 : 63;
  if (name.length > most) faults.push(`must be no more than ${most} bytes`);
  const pattern = form === 'subdomain' ? SUBDOMAIN : form === 'label' ? LABEL : LABEL_1035;
  if (!pattern.test(name)) faults.push(SAID[form]);
  return faults;
}

export function nameCauses(field: string, name: string, form: NameForm): Cause[] {
  return nameFaults(name, form).map((fault) => invalidValue(field, name, fault));
}

function qualifiedFaults(key: string): string[] {
  const parts = key.split('/');
  const name = parts.length === 2 ? (parts[1] ?? '') : key;
  const faults: string[] = [];
  if (parts.length > 2)
    return [`a qualified name ${SAID.qualified.slice('name part '.length)} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    if (prefix === '') faults.push('prefix part must be non-empty');
    else faults.push(...nameFaults(prefix, 'subdomain').map((fault) => `prefix part ${fault}`));
  }
  if (name === '') faults.push('name part must be non-empty');
  else if (name.length > 63) faults.push('name part must be no more than 63 bytes');
  if (!QUALIFIED.test(name)) faults.push(SAID.qualified);
  return faults;
}

export function labelsCauses(labels: unknown, field: string): Cause[] {
  const causes: Cause[] = [];
  if (typeof labels !== 'object' || labels === null) return causes;
  for (const [key, value] of Object.entries(labels as Record<string, string>)) {
    for (const fault of qualifiedFaults(key)) causes.push(invalidValue(field, key, fault));
    if (value.length > 63) causes.push(invalidValue(field, value, 'must be no more than 63 bytes'));
    if (!LABEL_VALUE.test(value)) causes.push(invalidValue(field, value, SAID.value));
  }
  return causes;
}

const ANNOTATIONS_MOST = 256 * 1024;

/** What every kind has in common. */
export function metadataCauses(object: ApiObject, form: NameForm): Cause[] {
  const { metadata } = object;
  const causes: Cause[] = [];
  if (metadata.generateName !== undefined && metadata.generateName !== '') {
    const prefix = metadata.generateName.endsWith('-') && form !== 'segment' ? `${metadata.generateName.slice(0, -1)}a` : metadata.generateName;
    for (const fault of nameFaults(prefix, form)) causes.push(invalidValue('metadata.generateName', metadata.generateName, fault));
  }
  if (metadata.name === undefined || metadata.name === '') causes.push(required('metadata.name', 'name or generateName is required'));
  else causes.push(...nameCauses('metadata.name', metadata.name, form));
  causes.push(...labelsCauses(metadata.labels, 'metadata.labels'));
  let size = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    for (const fault of qualifiedFaults(key.toLowerCase())) causes.push(invalidValue('metadata.annotations', key, fault));
    size += key.length + value.length;
  }
  if (size > ANNOTATIONS_MOST) causes.push(tooLong('metadata.annotations', ANNOTATIONS_MOST));
  for (const [index, owner] of (metadata.ownerReferences ?? []).entries()) {
    const field = `metadata.ownerReferences`;
    if (owner.apiVersion === undefined || owner.apiVersion === '') causes.push(invalidValue(`${field}[${index}].apiVersion`, '', 'version must not be empty'));
    if (owner.kind === undefined || owner.kind === '') causes.push(invalidValue(`${field}[${index}].kind`, '', 'must not be empty'));
    if (owner.name === undefined || owner.name === '') causes.push(invalidValue(`${field}[${index}].name`, '', 'must not be empty'));
    if (owner.uid === undefined || owner.uid === '') causes.push(invalidValue(`${field}[${index}].uid`, '', 'must not be empty'));
  }
  const controllers = (metadata.ownerReferences ?? []).filter((owner) => owner.controller === true);
  if (controllers.length > 1)
    causes.push(
      invalidValue(
        'metadata.ownerReferences',
        metadata.ownerReferences,
        'Only one reference can have Controller set to true. Found "true" in references for ' +
          controllers.map((owner) => `${owner.kind}/${owner.name}`).join(' and '),
      ),
    );
  for (const finalizer of metadata.finalizers ?? [])
    for (const fault of qualifiedFaults(finalizer)) causes.push(invalidValue('metadata.finalizers', finalizer, fault));
  return causes;
}

const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';
const GENERATED_MOST = 58;

/** A prefix with five letters that make no words. */
export function generatedName(prefix: string): string {
  const random = crypto.getRandomValues(new Uint8Array(5));
  return prefix.slice(0, GENERATED_MOST) + [...random].map((byte) => LETTERS[byte % LETTERS.length]).join('');
}
