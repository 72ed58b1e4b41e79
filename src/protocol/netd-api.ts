/**
 * daemon ⇄ netd, over the daemon's unix socket `netd.sock` (0600) that netd dials: netd listens nowhere.
 * First connection: RPC (src/rpc). netd notifies `hello` {pid, version}; the daemon calls `set` with the whole wanted {@link netStateSchema}
 * (idempotent, may be called again) → {@link netAppliedSchema}, and `check` {subnets} → {@link netCheckSchema} before it; netd notifies
 * `failed` {message} when a part dies (the nft child, the TUN). When the socket closes, netd undoes everything and ends.
 * Second connection, after the bytes `packets\n`: IP packets of the TUN both ways, two bytes of length (big endian) each.
 */
import { z } from 'zod';

export const netStateSchema = z.looseObject({
  /** Name of the TUN device wanted; netd takes the next free number. */
  device: z.string().default('tel0'),
  /** Address of the TUN itself, with prefix, outside every subnet. */
  address: z.string(),
  /** Captured CIDRs (services, pods, also-proxy), already without never-proxy. */
  subnets: z.array(z.string()),
  /** CIDRs inside `subnets` that stay with the workstation's own routes. */
  exclude: z.array(z.string()).default([]),
  /** The daemon's TCP capture port: all of `subnets`' TCP is redirected to it. */
  capturePort: z.number().int(),
  /** Source addresses that are never captured from bridges (node and pod addresses of a cluster on this host). */
  neverFrom: z.array(z.string()).default([]),
  dns: z.discriminatedUnion('mode', [
    z.looseObject({ mode: z.literal('none') }),
    /** nft redirects port 53 towards each `server` to the daemon's port; queries from the exempt source ports pass. */
    z.looseObject({
      mode: z.literal('redirect'),
      servers: z.array(z.looseObject({ server: z.string(), port: z.number().int() })),
      exemptPorts: z.looseObject({ first: z.number().int(), last: z.number().int() }),
      /** uids whose queries pass (a local dnsmasq or unbound). */
      exemptUids: z.array(z.number().int()).default([]),
    }),
    /** systemd-resolved: the TUN link's DNS server and domains (`~` = routing only). */
    z.looseObject({ mode: z.literal('resolved'), server: z.string(), domains: z.array(z.string()) }),
  ]),
});
export type NetState = z.infer<typeof netStateSchema>;
export const netAppliedSchema = z.looseObject({ device: z.string() });
export const netCheckSchema = z.looseObject({
  /** Local routes that overlap a wanted subnet. */
  conflicts: z.array(z.looseObject({ subnet: z.string(), route: z.string(), device: z.string() })),
});
export type NetCheck = z.infer<typeof netCheckSchema>;
