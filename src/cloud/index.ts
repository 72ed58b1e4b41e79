/**
 * The cloud: one HTTP server for signing in, sharing intercepts and looking at them. Requests go by Host to the dashboard
 * (src/cloud/http, sign-in, oauth, api, dashboard) or to a preview (src/cloud/preview), upgrades to the managers' links (src/cloud/link).
 * The store is the only place that knows the tables; links, intercepts and changes stand there too, so that replicas agree.
 */
export { type CloudOptions, type RunningCloud, startCloud } from './cloud.ts';
export { type CloudConfig, loadCloudConfig, parseCloudConfig } from './config.ts';
