/** The kubeconfig extension as it was written before it took the form of config.yml. */

const RENAMED: Record<string, [string, string]> = {
  'also-proxy': ['routing', 'alsoProxySubnets'],
  'never-proxy': ['routing', 'neverProxySubnets'],
  'allow-conflicting-subnets': ['routing', 'allowConflictingSubnets'],
};
const RENAMED_DNS: Record<string, string> = {
  'exclude-suffixes': 'excludeSuffixes',
  'include-suffixes': 'includeSuffixes',
  'lookup-timeout': 'lookupTimeout',
  'local-ip': 'localAddresses',
};

/** Old keys by their new names; what is no object, or has new keys, passes as it is. */
export function fromLegacyExtension(extension: unknown): unknown {
  if (!isObject(extension)) return extension;
  const result: Record<string, unknown> = {};
  const put = (section: string, key: string, value: unknown) => {
    const held = result[section];
    result[section] = { ...(isObject(held) ? held : {}), [key]: value };
  };
  for (const [key, value] of Object.entries(extension)) {
    const renamed = RENAMED[key];
    if (renamed !== undefined) put(renamed[0], renamed[1], value);
    else if (key === 'manager' && isObject(value) && Object.keys(value).every((one) => one === 'namespace'))
      put('cluster', 'defaultManagerNamespace', value.namespace);
    else if (key === 'dns' && isObject(value)) for (const [name, part] of Object.entries(value)) putDns(put, name, part);
    else if (isObject(value)) for (const [name, part] of Object.entries(value)) put(key, name, part);
    else result[key] = value;
  }
  return result;
}

function putDns(put: (section: string, key: string, value: unknown) => void, name: string, value: unknown): void {
  // local-ip was one address; remote-ip chose the address of the device, which is not chosen any more.
  if (name === 'local-ip') put('dns', 'localAddresses', [value]);
  else if (name !== 'remote-ip') put('dns', RENAMED_DNS[name] ?? name, value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
