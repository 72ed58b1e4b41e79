/** Mutating and validating webhooks. */
import { isDeepStrictEqual } from 'node:util';
import { messageOf } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { KubeObject } from '../../../kube/index.ts';
import { jsonPatch } from '../../api/patch/json-patch.ts';
import { type AdmissionAttributes, type Authorizer, StatusError } from '../../contract.ts';
import type { Evaluator } from '../cel/evaluate.ts';
import { activationOf, conditionsHold, requestOf } from '../cel/request.ts';
import { isExempt, ruleMatches, selectorsMatch } from '../matching.ts';
import type { AdmissionStore } from '../store.ts';
import { type Caller, callWebhook } from './call.ts';
import type { AdmissionResponse, Webhook } from './objects.ts';

export interface WebhookOptions extends Caller {
  store: AdmissionStore;
  authorizer: Authorizer;
  evaluator: Evaluator;
  log: Log;
}

function internal(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}

function denied({ name }: Webhook, { status }: AdmissionResponse): StatusError {
  const by = `admission webhook ${JSON.stringify(name)} denied the request`;
  const { message = '', reason = '', code = 400, details } = status ?? {};
  const said = message !== '' ? `${by}: ${message}` : reason !== '' ? `${by}: ${reason}` : `${by} without explanation`;
  return new StatusError(code === 0 ? 400 : code, reason, said, details);
}

export interface Webhooks {
  mutate(attributes: AdmissionAttributes): Promise<KubeObject | undefined>;
  validate(attributes: AdmissionAttributes): Promise<void>;
}

export function createWebhooks(options: WebhookOptions): Webhooks {
  const { store, authorizer, evaluator, log } = options;
  const failsOpen = (webhook: Webhook) => webhook.failurePolicy === 'Ignore';

  async function isAsked(webhook: Webhook, attributes: AdmissionAttributes): Promise<boolean> {
    const anyVersion = webhook.matchPolicy !== 'Exact';
    if (!webhook.rules?.some((rule) => ruleMatches(rule, attributes, anyVersion))) return false;
    if (!(await selectorsMatch(webhook, attributes, store))) return false;
    if (webhook.matchConditions === undefined || webhook.matchConditions.length === 0) return true;
    const activation = activationOf(attributes, authorizer, undefined);
    try {
      return conditionsHold(webhook.matchConditions, (expression) => evaluator.evaluate(expression, activation));
    } catch (error) {
      if (failsOpen(webhook)) return false;
      throw internal(`failed calling webhook ${JSON.stringify(webhook.name)}: failed to evaluate match conditions: ${messageOf(error)}`);
    }
  }

  /** The answer of a webhook that allows; undefined when it failed and that is to be passed over. @throws {StatusError} */
  async function ask(webhook: Webhook, attributes: AdmissionAttributes): Promise<AdmissionResponse | undefined> {
    if (attributes.dryRun && webhook.sideEffects !== 'None' && webhook.sideEffects !== 'NoneOnDryRun')
      throw new StatusError(400, 'BadRequest', `admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
    const { object, oldObject } = attributes;
    const request = { ...requestOf(attributes), object: object ?? null, oldObject: oldObject ?? null };
    let response: AdmissionResponse;
    try {
      response = await callWebhook(options, webhook, request);
    } catch (error) {
      log.warn('a webhook failed', { webhook: webhook.name, reason: messageOf(error), passedOver: failsOpen(webhook) });
      if (failsOpen(webhook)) return undefined;
      throw internal(`failed calling webhook ${JSON.stringify(webhook.name)}: ${messageOf(error)}`);
    }
    for (const warning of response.warnings ?? []) attributes.warn?.(warning);
    if (response.allowed !== true) throw denied(webhook, response);
    return response;
  }

  function patched(webhook: Webhook, { patch = '', patchType }: AdmissionResponse, object: KubeObject): KubeObject {
    if (patch === '') return object;
    try {
      if (patchType !== 'JSONPatch') throw new Error(`unsupported patch type ${JSON.stringify(patchType ?? '')}`);
      return jsonPatch(structuredClone(object), JSON.parse(Buffer.from(patch, 'base64').toString('utf8'))) as KubeObject;
    } catch (error) {
      if (failsOpen(webhook)) return object;
      throw internal(`failed calling webhook ${JSON.stringify(webhook.name)}: ${messageOf(error)}`);
    }
  }

  return {
    async mutate(attributes) {
      let { object } = attributes;
      if (isExempt(attributes)) return object;
      const called: { webhook: Webhook; left: KubeObject | undefined }[] = [];
      for (const webhook of store.mutatingWebhooks().flatMap(({ webhooks }) => webhooks ?? [])) {
        const now = { ...attributes, object };
        if (!(await isAsked(webhook, now))) continue;
        const response = await ask(webhook, now);
        if (response !== undefined && object !== undefined) object = patched(webhook, response, object);
        called.push({ webhook, left: object });
      }
      // Those that wish are asked once more when others changed what they left.
      for (const { webhook, left } of called) {
        if (webhook.reinvocationPolicy !== 'IfNeeded' || isDeepStrictEqual(left, object)) continue;
        const now = { ...attributes, object };
        if (!(await isAsked(webhook, now))) continue;
        const response = await ask(webhook, now);
        if (response !== undefined && object !== undefined) object = patched(webhook, response, object);
      }
      return object;
    },
    async validate(attributes) {
      if (isExempt(attributes)) return;
      const asked: Webhook[] = [];
      for (const webhook of store.validatingWebhooks().flatMap(({ webhooks }) => webhooks ?? [])) if (await isAsked(webhook, attributes)) asked.push(webhook);
      const answers = await Promise.allSettled(asked.map((webhook) => ask(webhook, attributes)));
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
    },
  };
}
