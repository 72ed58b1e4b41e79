{{- define "telepresence.labels" -}}
app.kubernetes.io/name: traffic-manager
app.kubernetes.io/part-of: telepresence
{{- end }}

{{- define "telepresence.selector" -}}
app: traffic-manager
telepresence: manager
{{- end }}

{{- define "telepresence.managerRole" -}}
traffic-manager-{{ .Release.Namespace }}
{{- end }}

{{- define "telepresence.webhookConfiguration" -}}
agent-injector-webhook-{{ .Release.Namespace }}
{{- end }}

{{/* registry, name and tag of the dict given, "version" for an empty tag. A tag that is a digest is joined by @. */}}
{{- define "telepresence.image" -}}
{{- $tag := .tag | default .version -}}
{{ .registry | default "telepresence.local" }}/{{ .name | default "telepresence" }}{{ if hasPrefix "sha256:" $tag }}@{{ else }}:{{ end }}{{ $tag }}
{{- end }}

{{- define "telepresence.managerImage" -}}
{{- include "telepresence.image" (dict "registry" .Values.image.registry "name" .Values.image.name "tag" .Values.image.tag "version" .Chart.AppVersion) -}}
{{- end }}

{{- define "telepresence.agentImage" -}}
{{- $agent := .Values.agent.image -}}
{{- $manager := .Values.image -}}
{{- include "telepresence.image" (dict "registry" ($agent.registry | default $manager.registry) "name" ($agent.name | default $manager.name) "tag" ($agent.tag | default $manager.tag) "version" .Chart.AppVersion) -}}
{{- end }}

{{/* What the running manager reads, as JSON. */}}
{{- define "telepresence.settings" -}}
{{- $cluster := dict -}}
{{- range $key, $value := .Values.cluster -}}
{{- if $value -}}{{- $_ := set $cluster $key $value -}}{{- end -}}
{{- end -}}
{{- $cloud := dict -}}
{{- range $key, $value := pick .Values.cloud "url" "ca" -}}
{{- if $value -}}{{- $_ := set $cloud $key $value -}}{{- end -}}
{{- end -}}
{{- $agent := set (omit .Values.agent "image") "pullSecrets" .Values.agent.image.pullSecrets -}}
{{- $ports := dict "agents" .Values.apiPort "health" .Values.healthPort "tunnel" .Values.tunnel.port "webhook" .Values.agentInjector.webhook.port -}}
{{- dict "namespaces" .Values.namespaces "outbound" .Values.outbound "cluster" $cluster "cloud" $cloud "ports" $ports "agent" $agent "agentInjector" (dict "enabled" .Values.agentInjector.enabled) "client" .Values.client | toJson -}}
{{- end }}
