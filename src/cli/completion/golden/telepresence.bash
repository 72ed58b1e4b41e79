# bash completion for telepresence: `. <(telepresence completion bash)`
_telepresence() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path='' flags='' words='' word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
    --) COMPREPLY=($(compgen -c -- "$cur")); return ;;
    -*) continue ;;
    esac
    case "$path" in
    '') path=$word ;;
    config|helm|preview|sandbox) path="$path $word" ;;
    esac
  done
  case $prev in
    --format) COMPREPLY=($(compgen -W 'default json yaml json-stream' -- "$cur")); return ;;
    --progress) COMPREPLY=($(compgen -W 'auto tty plain json quiet' -- "$cur")); return ;;
    --env-syntax) COMPREPLY=($(compgen -W 'docker compose sh sh:export csh csh:export cmd json ps ps:export' -- "$cur")); return ;;
    --mechanism) COMPREPLY=($(compgen -W 'tcp http' -- "$cur")); return ;;
    --cache-dir|--certificate-authority|--client-certificate|--client-key|--config|--env-file|--env-json|--http-path-equal|--ingress-ca|--kubeconfig|--output-file|--set-file|--values) COMPREPLY=($(compgen -f -- "$cur")); return ;;
    --address|--allow-conflicting-subnets|--also-proxy|--apikey|--as|--as-group|--as-uid|--as-user-extra|--cloud-url|--cluster|--container|--context|--daemons|--duration|--http-header|--http-path-prefix|--http-path-regex|--ingress-host|--ingress-l5|--ingress-port|--manager-namespace|--mapped-namespaces|--mount|--name|--namespace|--never-proxy|--nodes|--port|--propagation|--request-timeout|--server|--service|--set|--set-json|--set-string|--state|--tls-server-name|--token|--traffic-agents|--use|--user|--wait-message|--workload) return ;;
  esac
  case "$path" in
    '') words='completion config connect dashboard detach doctor gather-logs helm intercept leave list list-contexts list-namespaces login loglevel logout preview quit sandbox status uninstall version' ;;
    'config') words='view' ;;
    'helm') words='install lint uninstall upgrade version' ;;
    'preview') words='create remove' ;;
    'sandbox') words='down kubeconfig status up' ;;
    'completion') flags='--config --format --progress --use --help -h'; words='bash zsh fish' ;;
    'config view') flags='--client-only -c --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'connect') flags='--allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'dashboard') flags='--config --format --progress --use --help -h'; words='' ;;
    'detach') flags='--namespace -n --config --format --progress --use --help -h'; words='' ;;
    'doctor') flags='--propagation --allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'gather-logs') flags='--anonymize -a --daemons --get-pod-yaml -y --output-file -o --traffic-agents --traffic-manager --config --format --progress --use --help -h'; words='' ;;
    'helm install') flags='--create-namespace --set --set-file --set-json --set-string --values -f --allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'helm lint') flags='--set --set-file --set-json --set-string --values -f --allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'helm uninstall') flags='--allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'helm upgrade') flags='--create-namespace --reset-values --reuse-values --set --set-file --set-json --set-string --values -f --allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'helm version') flags='--config --format --progress --use --help -h'; words='' ;;
    'intercept') flags='--address --container --detailed-output --env-file -e --env-json -j --env-syntax --fallback --http-header --http-path-equal --http-path-prefix --http-path-regex --ingress-ca --ingress-host --ingress-l5 --ingress-port --ingress-tls --mechanism --mount --namespace -n --no-proof-header --plaintext --port -p --preview-url -u --service --wait-message --workload -w --config --format --progress --use --help -h'; words='' ;;
    'leave') flags='--namespace -n --config --format --progress --use --help -h'; words='' ;;
    'list') flags='--agents -a --all-namespaces -A --intercepts -i --namespace -n --config --format --progress --use --help -h'; words='' ;;
    'list-contexts') flags='--allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'list-namespaces') flags='--allow-conflicting-subnets --also-proxy --manager-namespace --mapped-namespaces --name --namespace -n --never-proxy --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'login') flags='--apikey --cloud-url --config --format --progress --use --help -h'; words='' ;;
    'loglevel') flags='--duration -d --local-only -l --remote-only -r --config --format --progress --use --help -h'; words='error warn info debug trace' ;;
    'logout') flags='--config --format --progress --use --help -h'; words='' ;;
    'preview create') flags='--ingress-ca --ingress-host --ingress-l5 --ingress-port --ingress-tls --namespace -n --config --format --progress --use --help -h'; words='' ;;
    'preview remove') flags='--namespace -n --config --format --progress --use --help -h'; words='' ;;
    'quit') flags='--stop-daemons -s --config --format --progress --use --help -h'; words='' ;;
    'sandbox down') flags='--wipe --config --format --progress --use --help -h'; words='' ;;
    'sandbox kubeconfig') flags='--config --format --progress --use --help -h'; words='' ;;
    'sandbox status') flags='--config --format --progress --use --help -h'; words='' ;;
    'sandbox up') flags='--port --nodes --ingress --state --config --format --progress --use --help -h'; words='' ;;
    'status') flags='--multi-daemon --config --format --progress --use --help -h'; words='' ;;
    'uninstall') flags='--agent -d --all-agents -a --everything -e --manager-namespace --namespace -n --as --as-group --as-uid --as-user-extra --cache-dir --certificate-authority --client-certificate --client-key --cluster --context --disable-compression --insecure-skip-tls-verify --kubeconfig --request-timeout --server -s --tls-server-name --token --user --config --format --progress --use --help -h'; words='' ;;
    'version') flags='--config --format --progress --use --help -h'; words='' ;;
  esac
  if [[ $cur == -* ]]; then words=$flags; fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _telepresence telepresence
