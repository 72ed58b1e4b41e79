/** Webhook configurations and what webhooks answer. */
import type { Rule, Selectors } from '../rule.ts';

export interface Webhook extends Selectors {
  name: string;
  clientConfig: { url?: string; caBundle?: string; service?: { namespace: string; name: string; path?: string; port?: number } };
  rules?: Rule[];
  failurePolicy?: string;
  matchPolicy?: string;
  sideEffects?: string;
  timeoutSeconds?: number;
  admissionReviewVersions?: string[];
  reinvocationPolicy?: string;
  matchConditions?: { name: string; expression: string }[];
}
export interface WebhookConfiguration {
  metadata: { name: string };
  webhooks?: Webhook[];
}
export interface AdmissionResponse {
  uid?: string;
  allowed?: boolean;
  patch?: string;
  patchType?: string;
  status?: { code?: number; message?: string; reason?: string; details?: Record<string, unknown> };
  warnings?: string[];
}
