/** Linux capabilities by the names that a securityContext uses, and those that a container has when it asks for nothing. */
const NAMES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
];
const DEFAULT = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FSETID',
  'FOWNER',
  'MKNOD',
  'NET_RAW',
  'SETGID',
  'SETUID',
  'SETFCAP',
  'SETPCAP',
  'NET_BIND_SERVICE',
  'SYS_CHROOT',
  'KILL',
  'AUDIT_WRITE',
];
const ALL = (1n << BigInt(NAMES.length)) - 1n;

/** Bits of the bounding set, as a decimal number. Names that Linux has not are passed over, as containerd does. */
export function capabilitiesOf(capabilities: { add?: string[]; drop?: string[] } | undefined, privileged: boolean): string {
  if (privileged) return ALL.toString();
  const drop = (capabilities?.drop ?? []).map(plain);
  const add = (capabilities?.add ?? []).map(plain);
  let bits = drop.includes('ALL') ? 0n : maskOf(DEFAULT) & ~maskOf(drop);
  if (add.includes('ALL')) bits = ALL & ~maskOf(drop);
  return (bits | maskOf(add)).toString();
}

const plain = (name: string): string => name.toUpperCase().replace(/^CAP_/, '');

function maskOf(names: readonly string[]): bigint {
  let bits = 0n;
  for (const name of names) {
    const index = NAMES.indexOf(name);
    if (index >= 0) bits |= 1n << BigInt(index);
  }
  return bits;
}
