#compdef telepresence
# zsh completion for telepresence: `. <(telepresence completion zsh)`
_telepresence_completion() {
  _arguments -s -S \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '1: :(bash zsh fish)'
}
_telepresence_config_view() {
  _arguments -s -S \
    '*--client-only[only what stands in the client'\''s file]' \
    '*-c[only what stands in the client'\''s file]' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_connect() {
  _arguments -s -S \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_dashboard() {
  _arguments -s -S \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_detach() {
  _arguments -s -S \
    '*--namespace=[namespace of this command; default\: the connected one]:namespace: ' \
    '*-n+[namespace of this command; default\: the connected one]:namespace: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_doctor() {
  _arguments -s -S \
    '*--propagation=[send a marked request there, and say at which service the mark was lost]:propagation: ' \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_gather_logs() {
  _arguments -s -S \
    '*--anonymize[replace names of pods and namespaces]' \
    '*-a[replace names of pods and namespaces]' \
    '*--daemons=[daemons whose logs are wanted, separated by commas\: all, root, user, None]:daemons: ' \
    '*--get-pod-yaml[add the YAML of the pods]' \
    '*-y[add the YAML of the pods]' \
    '*--output-file=[the zip file; default\: telepresence_logs_<time>.zip]:output-file:_files' \
    '*-o+[the zip file; default\: telepresence_logs_<time>.zip]:output-file:_files' \
    '*--traffic-agents=[agents whose logs are wanted\: all, a part of a name, None]:traffic-agents: ' \
    '*--traffic-manager[add the log of the traffic-manager (switched off by =false)]' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_helm_install() {
  _arguments -s -S \
    '*--create-namespace[create the namespace if it is missing (switched off by =false)]' \
    '*--set=[set a value; may be repeated, or hold several separated by commas]:set: ' \
    '*--set-file=[set a value to the text of a file]:set-file:_files' \
    '*--set-json=[set a value to JSON]:set-json: ' \
    '*--set-string=[set a value to a text]:set-string: ' \
    '*--values=[YAML file with values; may be repeated]:values:_files' \
    '*-f+[YAML file with values; may be repeated]:values:_files' \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_helm_lint() {
  _arguments -s -S \
    '*--set=[set a value; may be repeated, or hold several separated by commas]:set: ' \
    '*--set-file=[set a value to the text of a file]:set-file:_files' \
    '*--set-json=[set a value to JSON]:set-json: ' \
    '*--set-string=[set a value to a text]:set-string: ' \
    '*--values=[YAML file with values; may be repeated]:values:_files' \
    '*-f+[YAML file with values; may be repeated]:values:_files' \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_helm_uninstall() {
  _arguments -s -S \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_helm_upgrade() {
  _arguments -s -S \
    '*--create-namespace[create the namespace if it is missing (switched off by =false)]' \
    '*--reset-values[forget the values of the installation]' \
    '*--reuse-values[keep the values of the installation, and merge these over them]' \
    '*--set=[set a value; may be repeated, or hold several separated by commas]:set: ' \
    '*--set-file=[set a value to the text of a file]:set-file:_files' \
    '*--set-json=[set a value to JSON]:set-json: ' \
    '*--set-string=[set a value to a text]:set-string: ' \
    '*--values=[YAML file with values; may be repeated]:values:_files' \
    '*-f+[YAML file with values; may be repeated]:values:_files' \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_helm_version() {
  _arguments -s -S \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_intercept() {
  _arguments -s -S \
    '*--address=[address of this workstation to forward to; default\: 127.0.0.1]:address: ' \
    '*--container=[container whose environment is taken]:container: ' \
    '*--detailed-output[with --format\: everything, the environment included]' \
    '*--env-file=[write the environment of the service to a file]:env-file:_files' \
    '*-e+[write the environment of the service to a file]:env-file:_files' \
    '*--env-json=[write the environment of the service to a file as JSON]:env-json:_files' \
    '*-j+[write the environment of the service to a file as JSON]:env-json:_files' \
    '*--env-syntax=[syntax of --env-file\: docker, compose, sh, csh, cmd, json or ps; sh, csh and ps also with \:export]:env-syntax:(docker compose sh sh\:export csh csh\:export cmd json ps ps\:export)' \
    '*--fallback[let the app in the cluster answer while nothing listens on the local port]' \
    '*--http-header=[take only requests with this header; may be repeated; auto\: with the header of this intercept, all\: whatever the header]:http-header: ' \
    '*--http-path-equal=[take only requests of this path]:http-path-equal:_files' \
    '*--http-path-prefix=[take only requests whose path begins so]:http-path-prefix: ' \
    '*--http-path-regex=[take only requests whose path matches (RE2)]:http-path-regex: ' \
    '*--ingress-ca=[PEM of the CA that the certificate of the ingress is checked with; default\: it is not checked]:ingress-ca:_files' \
    '*--ingress-host=[ingress of a preview URL\: its layer 3 address, usually service.namespace]:ingress-host: ' \
    '*--ingress-l5=[layer 5 hostname of a preview URL (TLS-SNI, Host header); default\: --ingress-host]:ingress-l5: ' \
    '*--ingress-port=[TCP port of the ingress of a preview URL]:ingress-port: ' \
    '*--ingress-tls[the ingress of a preview URL uses TLS on that port]' \
    '*--mechanism=[tcp or http; default\: http after a login, else tcp]:mechanism:(tcp http)' \
    '*--mount=[where volumes are mounted; false\: nowhere]:mount: ' \
    '*--namespace=[namespace of the workload; default\: the connected one]:namespace: ' \
    '*-n+[namespace of the workload; default\: the connected one]:namespace: ' \
    '*--no-proof-header[no x-telepresence-intercepted-by header on answers]' \
    '*--plaintext[no TLS towards the workstation, where the agent ends that of the pod]' \
    '*--port=[LOCAL\[\:PORT\]\[/PROTOCOL\]\: local port, and name or number of the port of the service]:port: ' \
    '*-p+[LOCAL\[\:PORT\]\[/PROTOCOL\]\: local port, and name or number of the port of the service]:port: ' \
    '*--preview-url[make a preview URL; default\: true after a login]' \
    '*-u[make a preview URL; default\: true after a login]' \
    '*--service=[service to intercept]:service: ' \
    '*--wait-message=[line to print when the intercept is there]:wait-message: ' \
    '*--workload=[workload (name, or kind/name), if different from the name of the intercept]:workload: ' \
    '*-w+[workload (name, or kind/name), if different from the name of the intercept]:workload: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_leave() {
  _arguments -s -S \
    '*--namespace=[namespace of this command; default\: the connected one]:namespace: ' \
    '*-n+[namespace of this command; default\: the connected one]:namespace: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_list() {
  _arguments -s -S \
    '*--agents[with installed agents only]' \
    '*-a[with installed agents only]' \
    '*--all-namespaces[of all namespaces]' \
    '*-A[of all namespaces]' \
    '*--intercepts[intercepts]' \
    '*-i[intercepts]' \
    '*--namespace=[namespace of this command; default\: the connected one]:namespace: ' \
    '*-n+[namespace of this command; default\: the connected one]:namespace: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_list_contexts() {
  _arguments -s -S \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_list_namespaces() {
  _arguments -s -S \
    '*--allow-conflicting-subnets=[CIDRs that may overlap local routes]:allow-conflicting-subnets: ' \
    '*--also-proxy=[further CIDRs to route to the cluster]:also-proxy: ' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--mapped-namespaces=[namespaces that names are resolved in; default\: all]:mapped-namespaces: ' \
    '*--name=[name of the connection]:name: ' \
    '*--namespace=[namespace to connect to]:namespace: ' \
    '*-n+[namespace to connect to]:namespace: ' \
    '*--never-proxy=[CIDRs that are never routed to the cluster]:never-proxy: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_login() {
  _arguments -s -S \
    '*--apikey=[API key instead of a browser]:apikey: ' \
    '*--cloud-url=[address of the cloud; default\: cloud.url of the config file, else the one of the connected cluster]:cloud-url: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_loglevel() {
  _arguments -s -S \
    '*--duration=[how long it holds; 0s\: until changed]:duration: ' \
    '*-d+[how long it holds; 0s\: until changed]:duration: ' \
    '*--local-only[only the daemons of this workstation]' \
    '*-l[only the daemons of this workstation]' \
    '*--remote-only[only the traffic-manager and the agents]' \
    '*-r[only the traffic-manager and the agents]' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '1: :(error warn info debug trace)'
}
_telepresence_logout() {
  _arguments -s -S \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_preview_create() {
  _arguments -s -S \
    '*--ingress-ca=[PEM of the CA that the certificate of the ingress is checked with; default\: it is not checked]:ingress-ca:_files' \
    '*--ingress-host=[ingress of a preview URL\: its layer 3 address, usually service.namespace]:ingress-host: ' \
    '*--ingress-l5=[layer 5 hostname of a preview URL (TLS-SNI, Host header); default\: --ingress-host]:ingress-l5: ' \
    '*--ingress-port=[TCP port of the ingress of a preview URL]:ingress-port: ' \
    '*--ingress-tls[the ingress of a preview URL uses TLS on that port]' \
    '*--namespace=[namespace of this command; default\: the connected one]:namespace: ' \
    '*-n+[namespace of this command; default\: the connected one]:namespace: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_preview_remove() {
  _arguments -s -S \
    '*--namespace=[namespace of this command; default\: the connected one]:namespace: ' \
    '*-n+[namespace of this command; default\: the connected one]:namespace: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_quit() {
  _arguments -s -S \
    '*--stop-daemons[stop all local telepresence daemons]' \
    '*-s[stop all local telepresence daemons]' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_sandbox_down() {
  _arguments -s -S \
    '*--wipe[Forget its images as well]' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_sandbox_kubeconfig() {
  _arguments -s -S \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_sandbox_status() {
  _arguments -s -S \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_sandbox_up() {
  _arguments -s -S \
    '*--port=[The port of the cluster'\''s API on this machine; any free one without it]:port: ' \
    '*--nodes=[How many nodes it has; default 1]:nodes: ' \
    '*--ingress[With a small ingress controller, which serves the Ingress objects of the cluster; also for one that runs already]' \
    '*--state=[Keep the objects of the cluster in this folder, and go on with those that are there; in memory without it]:state: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_status() {
  _arguments -s -S \
    '*--multi-daemon[always use the output format of several connections]' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_uninstall() {
  _arguments -s -S \
    '*--agent[uninstall the agents of the workloads that are named]' \
    '*-d[uninstall the agents of the workloads that are named]' \
    '*--all-agents[uninstall the agents of all workloads]' \
    '*-a[uninstall the agents of all workloads]' \
    '*--everything[uninstall all agents and the traffic-manager]' \
    '*-e[uninstall all agents and the traffic-manager]' \
    '*--manager-namespace=[namespace of the traffic-manager]:manager-namespace: ' \
    '*--namespace=[namespace of this command; default\: the connected one]:namespace: ' \
    '*-n+[namespace of this command; default\: the connected one]:namespace: ' \
    '*--as=[username to impersonate]:as: ' \
    '*--as-group=[group to impersonate; may be repeated]:as-group: ' \
    '*--as-uid=[uid to impersonate]:as-uid: ' \
    '*--as-user-extra=[extra of the user to impersonate; may be repeated]:as-user-extra: ' \
    '*--cache-dir=[default cache directory of kubectl]:cache-dir:_files' \
    '*--certificate-authority=[certificate file of the certificate authority]:certificate-authority:_files' \
    '*--client-certificate=[client certificate file for TLS]:client-certificate:_files' \
    '*--client-key=[client key file for TLS]:client-key:_files' \
    '*--cluster=[name of the kubeconfig cluster to use]:cluster: ' \
    '*--context=[name of the kubeconfig context to use]:context: ' \
    '*--disable-compression[no compression of answers of the API server]' \
    '*--insecure-skip-tls-verify[do not check the certificate of the API server]' \
    '*--kubeconfig=[kubeconfig file to use]:kubeconfig:_files' \
    '*--request-timeout=[how long to wait for one answer of the API server]:request-timeout: ' \
    '*--server=[address and port of the API server]:server: ' \
    '*-s+[address and port of the API server]:server: ' \
    '*--tls-server-name=[name that the certificate of the API server must have]:tls-server-name: ' \
    '*--token=[bearer token for the API server]:token: ' \
    '*--user=[name of the kubeconfig user to use]:user: ' \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence_version() {
  _arguments -s -S \
    '*--config=[client config file]:config:_files' \
    '*--format=[structured output\: default, json, yaml or json-stream]:format:(default json yaml json-stream)' \
    '*--progress=[progress lines\: auto, tty, plain, json or quiet]:progress:(auto tty plain json quiet)' \
    '*--use=[regular expression that the name of the connection must match]:use: ' \
    '*--help[show what the command takes]' \
    '*-h[show what the command takes]' \
    '*: :_default'
}
_telepresence() {
  local line state
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a offered
      offered=('completion:Generate a shell completion script' 'config:config commands' 'connect:Connect to a cluster' 'dashboard:Open the dashboard in a browser' 'detach:Remove an existing intercept' 'doctor:Check the way into the cluster, or the way of a marked request through it' 'gather-logs:Gather the logs of the daemons, the traffic-manager and the agents into a zip file' 'helm:helm commands' 'intercept:Intercept a service' 'leave:Remove an existing intercept' 'list:List what can be intercepted, and what is' 'list-contexts:Show all contexts' 'list-namespaces:Show all namespaces' 'login:Log in to the cloud' 'loglevel:Change the log level of the daemons, the traffic-manager and the agents for a while' 'logout:Log out of the cloud' 'preview:preview commands' 'quit:Disconnect, and with -s end the daemons' 'sandbox:sandbox commands' 'status:Show connectivity status' 'uninstall:Uninstall agents, or everything' 'version:Show version')
      _describe command offered ;;
    rest)
      case $line[1] in
      completion) _telepresence_completion ;;
      config) _telepresence_config ;;
      connect) _telepresence_connect ;;
      dashboard) _telepresence_dashboard ;;
      detach) _telepresence_detach ;;
      doctor) _telepresence_doctor ;;
      gather-logs) _telepresence_gather_logs ;;
      helm) _telepresence_helm ;;
      intercept) _telepresence_intercept ;;
      leave) _telepresence_leave ;;
      list) _telepresence_list ;;
      list-contexts) _telepresence_list_contexts ;;
      list-namespaces) _telepresence_list_namespaces ;;
      login) _telepresence_login ;;
      loglevel) _telepresence_loglevel ;;
      logout) _telepresence_logout ;;
      preview) _telepresence_preview ;;
      quit) _telepresence_quit ;;
      sandbox) _telepresence_sandbox ;;
      status) _telepresence_status ;;
      uninstall) _telepresence_uninstall ;;
      version) _telepresence_version ;;
      esac ;;
  esac
}
_telepresence_config() {
  local line state
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a offered
      offered=('view:View the configuration')
      _describe command offered ;;
    rest)
      case $line[1] in
      view) _telepresence_config_view ;;
      esac ;;
  esac
}
_telepresence_helm() {
  local line state
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a offered
      offered=('install:Install the traffic-manager' 'lint:Check the values, and what they give, against the cluster' 'uninstall:Uninstall the traffic-manager' 'upgrade:Upgrade the traffic-manager' 'version:Print the version of the installer')
      _describe command offered ;;
    rest)
      case $line[1] in
      install) _telepresence_helm_install ;;
      lint) _telepresence_helm_lint ;;
      uninstall) _telepresence_helm_uninstall ;;
      upgrade) _telepresence_helm_upgrade ;;
      version) _telepresence_helm_version ;;
      esac ;;
  esac
}
_telepresence_preview() {
  local line state
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a offered
      offered=('create:Make a preview URL for an intercept' 'remove:Remove the preview URL of an intercept')
      _describe command offered ;;
    rest)
      case $line[1] in
      create) _telepresence_preview_create ;;
      remove) _telepresence_preview_remove ;;
      esac ;;
  esac
}
_telepresence_sandbox() {
  local line state
  _arguments -C '1: :->command' '*:: :->rest'
  case $state in
    command)
      local -a offered
      offered=('down:End this machine'\''s small cluster and all that runs in it' 'kubeconfig:Print the kubeconfig of this machine'\''s small cluster' 'status:Show whether this machine'\''s small cluster runs' 'up:Start a small cluster on this machine, for trying, teaching and testing')
      _describe command offered ;;
    rest)
      case $line[1] in
      down) _telepresence_sandbox_down ;;
      kubeconfig) _telepresence_sandbox_kubeconfig ;;
      status) _telepresence_sandbox_status ;;
      up) _telepresence_sandbox_up ;;
      esac ;;
  esac
}
if [ "$funcstack[1]" = _telepresence ]; then _telepresence "$@"; else compdef _telepresence telepresence; fi
