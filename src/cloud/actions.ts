/**
 * What people do, wherever they do it (dashboard or API): who may, the bounds, the audit row and the change that others see.
 * Each throws a {@link Problem} when it can't be.
 */

import { CodedError } from '../base/errors.ts';
import type { PreviewRequest } from '../protocol/cloud.ts';
import type { CloudConfig } from './config.ts';
import type { ChangeKind, Feed } from './feed.ts';
import { CLUSTERS_PER_ORGANISATION, ORGANISATIONS_PER_USER, PREVIEWS_PER_ORGANISATION, TOKENS_PER_USER } from './limits.ts';
import { type LinkRegistry, NotLinkedError, type OrganisationIntercept } from './link/contract.ts';
import { Problem } from './problem.ts';
import type { AuditAction, AuditEntry, Cluster, Organisation, Preview, Role, Store, User } from './store/index.ts';

/** Who acts, for which organisation. */
export interface Actor {
  user: User;
  organisation: Organisation;
  role: Role;
  address: string;
}

export type Actions = ReturnType<typeof createActions>;

const NAME_LIMIT = 100;
/** A name as somebody typed it, in bounds; throws a Problem. */
export function checkedName(text: unknown, what: string): string {
  const name = typeof text === 'string' ? text.trim() : '';
  if (name === '' || name.length > NAME_LIMIT || /\p{Cc}/u.test(name)) throw new Problem(400, 'name', `${what} needs a name of 1 to ${NAME_LIMIT} characters.`);
  return name;
}

export function createActions(context: { store: Store; feed: Feed; links: LinkRegistry; config: CloudConfig }) {
  const { store, feed, links } = context;

  const note = async (actor: Actor, action: AuditAction, subject: string, detail: AuditEntry['detail'] = {}, changed?: ChangeKind) => {
    const { user, organisation, address } = actor;
    await store.audit.write({ organisationId: organisation.id, userId: user.id, actor: user.name, action, subject, detail, address });
    if (changed !== undefined) feed.publish({ organisationId: organisation.id, kind: changed });
  };
  const ownersOnly = (actor: Actor) => {
    if (actor.role !== 'owner') throw new Problem(403, 'owners-only', `Only owners of ${actor.organisation.name} may do that.`);
  };
  const missing = (what: string): never => {
    throw new Problem(404, 'not-found', `There is no such ${what}.`);
  };

  return {
    async createOrganisation(user: User, address: string, name: unknown): Promise<Organisation> {
      const memberships = await store.organisations.of(user.id);
      if (memberships.length >= ORGANISATIONS_PER_USER)
        throw new Problem(409, 'too-many', `Nobody may belong to more than ${ORGANISATIONS_PER_USER} organisations.`);
      const organisation = await store.organisations.create(checkedName(name, 'An organisation'), user.id);
      await note({ user, organisation, role: 'owner', address }, 'organisation.create', organisation.id, { name: organisation.name });
      return organisation;
    },

    async renameOrganisation(actor: Actor, name: unknown): Promise<void> {
      ownersOnly(actor);
      const checked = checkedName(name, 'An organisation');
      await store.organisations.rename(actor.organisation.id, checked);
      await note(actor, 'organisation.rename', actor.organisation.id, { name: checked }, 'members');
    },

    /** Returns the link, which is shown once. */
    async invite(actor: Actor, invitation: { role: Role; email: string | null }): Promise<string> {
      ownersOnly(actor);
      const { id, token } = await store.invitations.create({ ...invitation, organisationId: actor.organisation.id, createdBy: actor.user.id });
      await note(actor, 'invitation.create', id, { role: invitation.role, ...(invitation.email === null ? {} : { email: invitation.email }) }, 'members');
      return `${context.config.url}${invitationPath(token)}`;
    },

    async withdrawInvitation(actor: Actor, id: string): Promise<void> {
      ownersOnly(actor);
      if (!(await store.invitations.withdraw(actor.organisation.id, id))) missing('invitation');
      await note(actor, 'invitation.withdraw', id, {}, 'members');
    },

    async setRole(actor: Actor, userId: string, role: Role): Promise<void> {
      ownersOnly(actor);
      if ((await store.organisations.role(actor.organisation.id, userId)) === undefined) missing('member');
      if (!(await store.organisations.setRole(actor.organisation.id, userId, role))) throw new Problem(409, 'last-owner', 'An organisation needs an owner.');
      await note(actor, 'member.role', userId, { role }, 'members');
    },

    /** Owners remove anybody, everybody themselves. */
    async removeMember(actor: Actor, userId: string): Promise<void> {
      if (userId !== actor.user.id) ownersOnly(actor);
      if ((await store.organisations.role(actor.organisation.id, userId)) === undefined) missing('member');
      if (!(await store.organisations.remove(actor.organisation.id, userId))) throw new Problem(409, 'last-owner', 'An organisation needs an owner.');
      await note(actor, 'member.remove', userId, {}, 'members');
    },

    /** Returns the key, which is shown once. */
    async createApiKey(actor: Actor, name: unknown): Promise<string> {
      const checked = checkedName(name, 'An API key');
      if ((await store.tokens.count(actor.user.id)) >= TOKENS_PER_USER) throw new Problem(409, 'too-many', 'Revoke an API key first: there are too many.');
      const { id, token } = await store.tokens.create({ kind: 'apikey', userId: actor.user.id, organisationId: actor.organisation.id, name: checked });
      await note(actor, 'token.create', id, { kind: 'apikey', name: checked });
      return token;
    },

    async revokeToken(actor: Actor, id: string): Promise<void> {
      if (!(await store.tokens.revoke(actor.user.id, id))) missing('token');
      await note(actor, 'token.revoke', id);
    },

    /** Returns the link token, which is shown once; the one before is worth nothing and its links are cut. */
    async registerCluster(actor: Actor, cluster: { uid: string; name: string }): Promise<{ cluster: Cluster; token: string }> {
      const known = await store.clusters.byUid(actor.organisation.id, cluster.uid);
      if (known === undefined && (await store.clusters.list(actor.organisation.id)).length >= CLUSTERS_PER_ORGANISATION) {
        throw new Problem(409, 'too-many', `An organisation may have ${CLUSTERS_PER_ORGANISATION} clusters.`);
      }
      const made = await store.clusters.register({ ...cluster, organisationId: actor.organisation.id, userId: actor.user.id });
      await links.cut(made.cluster.id);
      await note(actor, 'cluster.register', made.cluster.id, { name: cluster.name }, 'clusters');
      return made;
    },

    async removeCluster(actor: Actor, id: string): Promise<void> {
      ownersOnly(actor);
      if (!(await store.clusters.remove(actor.organisation.id, id))) missing('cluster');
      await links.cut(id);
      await note(actor, 'cluster.remove', id, {}, 'clusters');
    },

    async createPreview(actor: Actor, request: PreviewRequest): Promise<Preview> {
      const cluster = await store.clusters.byUid(actor.organisation.id, request.clusterId);
      if (cluster === undefined) throw new Problem(404, 'cluster-unknown', `The cluster is not registered for ${actor.organisation.name}.`);
      if ((await store.previews.count(actor.organisation.id)) >= PREVIEWS_PER_ORGANISATION) {
        throw new Problem(409, 'too-many', `${actor.organisation.name} has ${PREVIEWS_PER_ORGANISATION} previews; remove some first.`);
      }
      const preview = await store.previews.create({ ...request, organisationId: actor.organisation.id, clusterRow: cluster.id, userId: actor.user.id });
      await note(actor, 'preview.create', preview.id, { intercept: request.intercept.name, public: preview.public }, 'previews');
      return preview;
    },

    async setPreviewPublic(actor: Actor, id: string, value: boolean): Promise<Preview> {
      if (!(await store.previews.setPublic(actor.organisation.id, id, value))) missing('preview');
      await note(actor, value ? 'preview.public' : 'preview.private', id, {}, 'previews');
      return (await store.previews.find(actor.organisation.id, id)) ?? missing('preview');
    },

    async removePreview(actor: Actor, id: string): Promise<void> {
      if (!(await store.previews.end(actor.organisation.id, id))) missing('preview');
      await note(actor, 'preview.remove', id, {}, 'previews');
    },

    /** Asks the cluster's manager to delete it; the change comes back over the link. */
    async endIntercept(actor: Actor, uid: string): Promise<OrganisationIntercept> {
      const intercept = (await links.intercepts(actor.organisation.id)).find((one) => one.uid === uid);
      if (intercept === undefined) return missing('intercept');
      try {
        await links.endIntercept(intercept.clusterId, { namespace: intercept.namespace, object: intercept.object, uid });
      } catch (error) {
        if (error instanceof NotLinkedError) throw new Problem(503, 'not-linked', 'The cluster is not connected now.');
        if (error instanceof CodedError) throw new Problem(502, 'manager', error.message);
        throw error;
      }
      await note(actor, 'intercept.end', uid, { name: intercept.name, namespace: intercept.namespace }, 'intercepts');
      return intercept;
    },
  };
}

export const invitationPath = (token: string): string => `/invitations/${token}`;

/** The address of a preview, and its host with the port. */
export function previewAddress(config: CloudConfig, preview: Pick<Preview, 'label'>): { url: string; host: string } {
  const host = `${preview.label}.${config.preview.domain}${config.preview.port}`;
  return { url: `${config.secure ? 'https' : 'http'}://${host}`, host };
}
