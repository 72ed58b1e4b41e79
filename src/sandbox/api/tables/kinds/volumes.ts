/** Volumes and claims in tables. */
import { type ApiObject, at, isObject } from '../../object.ts';
import { age, type Column, nameColumn, text, textAt, wide } from '../column.ts';

const SHORT_MODES: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };

function modes(value: unknown): string {
  const all = Array.isArray(value) ? (value as unknown[]) : [];
  return all.map((mode) => SHORT_MODES[String(mode)] ?? '').join(',');
}

const attributesClass = text('VolumeAttributesClass', (object) => textAt(object, 'spec', 'volumeAttributesClassName') || '<unset>');
const mode = wide('VolumeMode', (object) => textAt(object, 'spec', 'volumeMode') || '<unset>');
const phase = (object: ApiObject): string => (object.metadata.deletionTimestamp === undefined ? textAt(object, 'status', 'phase') : 'Terminating');

function claim(volume: ApiObject): string {
  const ref = at(volume, 'spec', 'claimRef');
  return isObject(ref) ? `${textAt(ref, 'namespace')}/${textAt(ref, 'name')}` : '';
}

export const volumeTables: Record<string, Column[]> = {
  persistentvolumes: [
    nameColumn,
    text('Capacity', (volume) => textAt(volume, 'spec', 'capacity', 'storage')),
    text('Access Modes', (volume) => modes(at(volume, 'spec', 'accessModes'))),
    text('Reclaim Policy', (volume) => textAt(volume, 'spec', 'persistentVolumeReclaimPolicy')),
    text('Status', phase),
    text('Claim', claim),
    text('StorageClass', (volume) => textAt(volume, 'spec', 'storageClassName')),
    attributesClass,
    text('Reason', (volume) => textAt(volume, 'status', 'reason')),
    age,
    mode,
  ],
  persistentvolumeclaims: [
    nameColumn,
    text('Status', phase),
    text('Volume', (object) => textAt(object, 'spec', 'volumeName')),
    text('Capacity', (object) => textAt(object, 'status', 'capacity', 'storage')),
    text('Access Modes', (object) => modes(at(object, 'status', 'accessModes'))),
    text('StorageClass', (object) => textAt(object, 'spec', 'storageClassName')),
    attributesClass,
    age,
    mode,
  ],
};
