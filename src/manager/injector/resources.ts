/** Requests and limits of an injected container that a namespace's LimitRange and ResourceQuota let pass. */
import type { LimitRange, ResourceQuota, ResourceRequirements } from 'kubernetes-types/core/v1.js';
import { AGENT_CPU_LIMIT, AGENT_CPU_REQUEST, AGENT_MEMORY_LIMIT, AGENT_MEMORY_REQUEST } from './limits.ts';
import { formatQuantity, parseQuantity } from './quantity.ts';

/** What the administrator set stands before what was computed. */
export function withOwn(
  computed: ResourceRequirements,
  own: { requests?: Record<string, string | number> | undefined; limits?: Record<string, string | number> | undefined },
): ResourceRequirements {
  const text = (values: Record<string, string | number> = {}) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
  const limits = { ...computed.limits, ...text(own.limits) };
  return { requests: { ...computed.requests, ...text(own.requests) }, ...(Object.keys(limits).length > 0 ? { limits } : {}) };
}

const RESOURCES = ['cpu', 'memory'] as const;
const WANTED = { cpu: { request: AGENT_CPU_REQUEST, limit: AGENT_CPU_LIMIT }, memory: { request: AGENT_MEMORY_REQUEST, limit: AGENT_MEMORY_LIMIT } };

/**
 * Small requests and no limits, unless a LimitRange asks for more or less, or a quota wants limits. LimitRange defaults are applied
 * after the webhook to what is left unset, so what it would set is set here where it would break a bound together with our request.
 */
export function agentResources(limitRanges: readonly LimitRange[], quotas: readonly ResourceQuota[]): ResourceRequirements {
  const items = limitRanges.flatMap(({ spec }) => spec?.limits ?? []).filter(({ type }) => type === 'Container');
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  for (const resource of RESOURCES) {
    const bounds = (kind: 'min' | 'max' | 'default' | 'maxLimitRequestRatio') =>
      items.flatMap((item) => {
        const text = item[kind]?.[resource];
        return text === undefined ? [] : [parseQuantity(text)];
      });
    const least = Math.max(0, ...bounds('min'));
    const most = Math.min(Number.POSITIVE_INFINITY, ...bounds('max'));
    const ratio = Math.min(Number.POSITIVE_INFINITY, ...bounds('maxLimitRequestRatio'));
    let request = Math.min(Math.max(parseQuantity(WANTED[resource].request), least), most);
    const quotaWants = quotas.some(({ spec }) => spec?.hard?.[`limits.${resource}`] !== undefined);
    const hasDefault = bounds('default').length > 0;
    // A max without a default makes the API server set the limit to the max; a ratio needs a limit to be measured against.
    if (quotaWants || hasDefault || most !== Number.POSITIVE_INFINITY || ratio !== Number.POSITIVE_INFINITY || least > 0) {
      const limit = Math.max(request, Math.min(Math.max(parseQuantity(WANTED[resource].limit), least), most));
      if (limit / request > ratio) request = limit / ratio;
      limits[resource] = formatQuantity(resource, limit);
    }
    requests[resource] = formatQuantity(resource, request);
  }
  return Object.keys(limits).length > 0 ? { requests, limits } : { requests };
}
