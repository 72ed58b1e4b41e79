/**
 * Every error code with its default help sentence. Add a line here and the same code in `docs/errors.md`
 * in the same change. Codes are grouped by area and never reused.
 */
export const ERROR_CODES = {
  'TP-INTERNAL': 'This is a bug in telepresence. Run `telepresence gather-logs` and report it with the zip file.',
  'TP-USAGE': 'Run the command with `--help` to see what it takes.',
  'TP-UNSUPPORTED': 'See docs/compatibility.md: it lists what is built, planned and refused.',
  'TP-CANCELLED': 'Nothing was left half done; run the command again.',

  'TP-CONFIG-INVALID': 'Mend the configuration file and run the command again; `telepresence config view` shows what was read.',

  'TP-KUBE-NO-CONFIG': 'Set KUBECONFIG, or pass --kubeconfig, or create ~/.kube/config.',
  'TP-KUBE-BAD-CONFIG': 'Check the kubeconfig with `kubectl config view`.',
  'TP-KUBE-NO-CONTEXT': '`telepresence list-contexts` shows the contexts that the kubeconfig has.',
  'TP-KUBE-UNREACHABLE': 'Check the network and the server address of the context; `kubectl version` should answer.',
  'TP-KUBE-TIMEOUT': 'The API server answers too slowly. Check the network; --request-timeout raises the limit.',
  'TP-KUBE-CERTIFICATE': 'Renew the certificate, or check the clock of this machine and certificate-authority in the kubeconfig.',
  'TP-KUBE-UNAUTHORIZED': 'Log in to the cluster again; `kubectl auth whoami` should answer.',
  'TP-KUBE-FORBIDDEN': 'Ask an administrator of the cluster for the right that is named.',
  'TP-KUBE-NOT-FOUND': 'Check the name and the namespace.',
  'TP-KUBE-CONFLICT': 'The object was changed by somebody else at the same time; run the command again.',
  'TP-KUBE-API': 'The API server refused the request for the reason given.',
  'TP-KUBE-EXEC-PLUGIN': 'Run the credential plugin of the kubeconfig by hand and see what it prints.',

  'TP-DAEMON-NOT-RUNNING': 'Run `telepresence connect` first.',
  'TP-DAEMON-START': "The daemon's log says why: see `telepresence config view` for its place.",
  'TP-NOT-CONNECTED': 'Run `telepresence connect` first.',
  'TP-ALREADY-CONNECTED': 'Run `telepresence quit`, then `telepresence connect` again.',
  'TP-ROOT-NEEDED': 'Run the command in a terminal where sudo can ask for a password, or as root.',
  'TP-NETD-FAILED': 'The network could not be set up. `telepresence gather-logs` collects the log of netd.',
  'TP-SUBNET-CONFLICT': 'Pass --allow-conflicting-subnets with the subnet to route it to the cluster all the same, or --never-proxy to leave it alone.',
  'TP-NAMESPACE-NOT-FOUND': '`telepresence list-namespaces` shows the namespaces you may use.',

  'TP-MANAGER-MISSING': 'An administrator installs it with `telepresence helm install`.',
  'TP-MANAGER-NOT-READY': 'Look at its pods: `kubectl -n ambassador get pods`.',
  'TP-MANAGER-VERSION': 'Upgrade the older side: `telepresence helm upgrade`, or the client.',
  'TP-INSTALL-FORBIDDEN': 'Ask an administrator of the cluster to run `telepresence helm install`.',
  'TP-INSTALL-FAILED': 'The message says which object was refused and why.',
  'TP-IMAGE-MISSING': 'Put the image where the nodes find it, with one of the commands that are printed, and connect again.',
  'TP-TUNNEL-FORBIDDEN': 'Ask an administrator to bind you to the Role and the ClusterRole telepresence-user (value clientRbac.subjects of the chart).',
  'TP-TUNNEL-FAILED': '`telepresence status` shows which way was tried and where it was blocked.',
  'TP-TUNNEL-LOST': 'The connection to the cluster was lost; telepresence tries to get it back.',
  'TP-SESSION-REFUSED': 'Run `telepresence quit` and `telepresence connect`.',

  'TP-WORKLOAD-NOT-FOUND': '`telepresence list` shows what can be intercepted.',
  'TP-WORKLOAD-AMBIGUOUS': 'Name the kind with --workload KIND/NAME, or the service with --service.',
  'TP-SERVICE-NOT-FOUND': '`kubectl get services` shows the services; --service picks one.',
  'TP-PORT-UNKNOWN': 'Pass --port LOCAL:PORT with one of the ports that are listed.',
  'TP-PORT-AMBIGUOUS': 'Pass --port LOCAL:PORT with one of the ports that are listed.',
  'TP-PORT-IN-USE': 'Another intercept of yours already sends traffic to that port; choose another local port.',
  'TP-CONTAINER-UNKNOWN': 'Pass --container with one of the containers that are listed.',
  'TP-INTERCEPT-EXISTS': 'Run `telepresence leave` with that name first.',
  'TP-INTERCEPT-NOT-FOUND': '`telepresence list --intercepts` shows the intercepts.',
  'TP-INTERCEPT-CONFLICT': 'Ask the owner to leave it, or intercept only some requests with --http-header.',
  'TP-INTERCEPT-REFUSED': 'The message says what stands in the way.',
  'TP-INTERCEPT-TIMEOUT': 'The message names the likely cause; `kubectl describe` the pods of the workload.',
  'TP-UNINSTALL-FORBIDDEN': 'Ask somebody who may change these workloads: taking an agent out restarts their pods.',
  'TP-INTERCEPT-FORBIDDEN': 'Ask an administrator to bind you to the ClusterRole telepresence-user in that namespace.',
  'TP-ENV-FILE': 'Check the path, its permissions and the free space.',
  'TP-ENV-UNREADABLE': 'The environment could not be read from the pod; leave the intercept and try again.',
  'TP-COMMAND-FAILED': 'The command could not be started: check its name and that it can be executed.',

  'TP-CLOUD-URL': 'Pass --cloud-url, or set cloud.url in config.yml, or have an administrator set the chart value cloud.url.',
  'TP-CLOUD-UNREACHABLE': 'Check the address and the network; intercepts go on without the cloud.',
  'TP-CLOUD-REFUSED': 'The cloud refused the request for the reason given.',
  'TP-CLOUD-NOT-LINKED':
    'An administrator links the cluster with `telepresence helm upgrade --reuse-values --set cloud.url=URL`; --preview-url=false does without.',
  'TP-NOT-LOGGED-IN': 'Run `telepresence login` first.',
  'TP-LOGIN-FAILED': 'Run `telepresence login` again; `telepresence login --apikey KEY` needs no browser.',
  'TP-INGRESS-NEEDED': 'Pass --ingress-host and --ingress-port (and, where they differ, --ingress-tls and --ingress-l5), or --preview-url=false.',
  'TP-PREVIEW-REFUSED': 'Make the intercept with --mechanism http after `telepresence login`, or with one --http-header.',
  'TP-PREVIEW-NOT-FOUND': '`telepresence list --intercepts` shows the preview URLs.',
  'TP-CLOUD-CONFIG': 'Mend the setting that is named; docs/features/cloud.md lists them.',
  'TP-CLOUD-LINK': 'Log in again with `telepresence login` and connect: that gives the cluster another token.',
  'TP-CLOUD-DATABASE': 'Check DATABASE_URL, that the server runs, and that the folder can be written.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;
